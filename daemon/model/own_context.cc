#include "model/own_context.h"

#include <string_view>
#include <utility>

namespace vicinity::model {
namespace {

std::tuple<SymbolId, SymbolId, SymbolId> locality_of(const Place& place) {
  return {place.region, place.zone, place.subzone};
}

auto names(SymbolId id, const Symbols& symbols) { return symbols.name(id); }
auto names(const std::tuple<SymbolId, SymbolId, SymbolId>& locality, const Symbols& symbols) {
  const auto& [region, zone, subzone] = locality;
  return std::tuple(symbols.name(region), symbols.name(zone), symbols.name(subzone));
}

// The value stated most often, ties to the smallest name; nullopt when nobody states one.
template <class Key>
std::optional<Key> majority(const absl::flat_hash_map<Key, uint32_t>& counts,
                            const Symbols& symbols) {
  std::optional<Key> best;
  uint32_t best_count = 0;
  for (const auto& [key, count] : counts) {
    const bool tied = best && count == best_count;
    if (count > best_count || (tied && names(key, symbols) < names(*best, symbols))) {
      best = key;
      best_count = count;
    }
  }
  return best;
}

template <class Key>
void decrement(absl::flat_hash_map<Key, uint32_t>& counts, const Key& key) {
  const auto it = counts.find(key);
  if (it != counts.end() && --it->second == 0) counts.erase(it);
}

}  // namespace

OwnContext::OwnContext(SymbolId node, FixedContext fixed)
    : node_(node),
      fixed_(fixed),
      network_known_(fixed.network.has_value()),
      cluster_known_(fixed.cluster.has_value()),
      locality_known_(fixed.locality.has_value()) {
  client_.place.node = node;
  client_.place.network = fixed.network.value_or(SymbolId{});
  client_.place.cluster = fixed.cluster.value_or(SymbolId{});
  if (fixed.locality) set_locality(*fixed.locality);
}

void OwnContext::set_locality(const Locality& locality) {
  std::tie(client_.place.region, client_.place.zone, client_.place.subzone) = locality;
}

void OwnContext::add(const Place& place) {
  if (place.node != node_) return;
  ++networks_[place.network];
  ++clusters_[place.cluster];
  ++localities_[locality_of(place)];
}

void OwnContext::remove(const Place& place) {
  if (place.node != node_) return;
  decrement(networks_, place.network);
  decrement(clusters_, place.cluster);
  decrement(localities_, locality_of(place));
}

void OwnContext::restore(const Place& place, const Symbols& symbols) {
  if (!fixed_.network) client_.place.network = place.network;
  if (!fixed_.cluster) client_.place.cluster = place.cluster;
  if (!fixed_.locality) set_locality(locality_of(place));
  network_known_ = cluster_known_ = locality_known_ = true;
  refresh(symbols);
}

void OwnContext::add_uses(SymbolUses& uses) const {
  const auto add_locality = [&](const Locality& locality) {
    const auto& [region, zone, subzone] = locality;
    for (const SymbolId id : {region, zone, subzone}) uses.add(id);
  };
  uses.add(node_);
  if (fixed_.network) uses.add(*fixed_.network);
  if (fixed_.cluster) uses.add(*fixed_.cluster);
  if (fixed_.locality) add_locality(*fixed_.locality);
  uses.add_keys(networks_);
  uses.add_keys(clusters_);
  for (const auto& [locality, count] : localities_) add_locality(locality);
  uses.add(client_);
}

bool OwnContext::refresh(const Symbols& symbols) {
  const ClientContext before = client_;
  if (const auto network = majority(networks_, symbols)) {
    client_.place.network = fixed_.network.value_or(*network);
    network_known_ = true;
  }
  if (const auto cluster = majority(clusters_, symbols)) {
    client_.place.cluster = fixed_.cluster.value_or(*cluster);
    cluster_known_ = true;
  }
  if (const auto locality = majority(localities_, symbols)) {
    set_locality(fixed_.locality.value_or(*locality));
    locality_known_ = true;
  }
  return client_ != before;
}

}  // namespace vicinity::model
