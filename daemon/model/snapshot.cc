#include "model/snapshot.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <utility>

#include "model/snapshot_state.h"

namespace vicinity::model {
namespace {

// Names that a delta brings: their removal in the same delta is no removal.
absl::flat_hash_set<absl::string_view> upserted_names(const Delta& delta, const Symbols& symbols) {
  absl::flat_hash_set<absl::string_view> names;
  if (delta.removed.empty()) return names;
  for (const Service& service : delta.services) {
    const std::string_view name = symbols.name(service.key);
    names.insert({name.data(), name.size()});
  }
  for (const Workload& workload : delta.workloads) names.insert(workload.uid);
  return names;
}

// What a service without any has is not kept.
template <class Map>
std::span<const typename Map::mapped_type::value_type> found_in(const Map& lists,
                                                                SymbolId service) {
  const auto found = lists.find(service);
  if (found == lists.end()) return {};
  return found->second;
}

// True when it is another list than before.
template <class Map>
bool replace_in(Map& lists, SymbolId service, typename Map::mapped_type list) {
  if (std::ranges::equal(list, found_in(lists, service))) return false;
  if (list.empty()) {
    lists.erase(service);
  } else {
    lists[service] = std::move(list);
  }
  return true;
}

}  // namespace

Snapshot::Snapshot(std::string_view node, const ContextOverride& overrides)
    : state_(std::make_unique<State>(node, overrides)) {}
Snapshot::~Snapshot() = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;

Symbols& Snapshot::symbols() { return state_->symbols; }
const Symbols& Snapshot::symbols() const { return state_->symbols; }

void Snapshot::free_unused_symbols(std::span<const SymbolId> others) {
  state_->forget_histories();
  SymbolUses uses(state_->symbols);
  state_->add_uses(uses);
  for (const SymbolId id : others) uses.add(id);
  state_->symbols.keep_only(uses);
}

void Snapshot::apply(Delta delta) {
  const auto upserted = upserted_names(delta, state_->symbols);
  for (const std::string& name : delta.removed) {
    if (!upserted.contains(name)) state_->remove(name);
  }
  for (Service& service : delta.services) state_->upsert(std::move(service));
  state_->upsert(std::move(delta.workloads));
  state_->note_context(state_->context.refresh(state_->symbols));
}

Changes Snapshot::take_changes() {
  Changes changes{.services = {},
                  .context_changed = state_->context_changed,
                  .pods_changed = state_->pods_changed};
  if (changes.context_changed) {
    for (const auto& [key, service] : state_->services) state_->touched.insert(key);
  }
  changes.services.assign(state_->touched.begin(), state_->touched.end());
  std::ranges::sort(changes.services);
  state_->touched.clear();
  state_->context_changed = false;
  state_->pods_changed = false;
  return changes;
}

const Service* Snapshot::find_service(SymbolId key) const {
  const auto found = state_->services.find(key);
  return found == state_->services.end() ? nullptr : found->second.get();
}

const Workload* Snapshot::find_workload(std::string_view uid) const {
  const auto index = state_->workloads.find(uid);
  return index ? &state_->workloads.at(*index) : nullptr;
}

const Workload& Snapshot::workload(WorkloadIndex index) const {
  return state_->workloads.at(index);
}

const Workload* Snapshot::local_pod(const IpAddress& address) const {
  const auto found = state_->local_pods.find(address);
  return found == state_->local_pods.end() ? nullptr : &state_->workloads.at(found->second);
}

void Snapshot::for_each_local_pod(const std::function<void(const Workload&)>& each) const {
  for (const auto& [address, index] : state_->local_pods) each(state_->workloads.at(index));
}

std::span<const WorkloadIndex> Snapshot::endpoints(SymbolId service) const {
  return state_->workloads.endpoints(service);
}

bool Snapshot::had_workload(SymbolId service) const {
  return state_->had_workload.contains(service);
}

void Snapshot::mark_had_workload(SymbolId service) {
  if (state_->had_workload.insert(service).second) state_->touch(service);
}

void Snapshot::set_ejected(SymbolId service, std::vector<EjectedEndpoint> ejected) {
  if (replace_in(state_->ejected, service, std::move(ejected))) state_->touch(service);
}

std::span<const EjectedEndpoint> Snapshot::ejected(SymbolId service) const {
  return found_in(state_->ejected, service);
}

void Snapshot::set_given(SymbolId service, std::vector<GivenShare> given) {
  if (replace_in(state_->given, service, std::move(given))) state_->touch(service);
}

std::span<const GivenShare> Snapshot::given(SymbolId service) const {
  return found_in(state_->given, service);
}

void Snapshot::know_namespaces() { state_->know_namespaces(); }

std::vector<OwnedAddress> Snapshot::owned(SymbolId service) const {
  std::vector<OwnedAddress> owned;
  for (const ServiceAddress& address : claimed_addresses(find_service(service))) {
    if (address.network != self().place.network) continue;
    for (const Serving& one : state_->claims.serving(address, state_->namespaces)) {
      if (one.service == service) owned.push_back({address.ip, address.length, one.audience});
    }
  }
  return owned;
}

std::vector<IpAddress> Snapshot::owned_addresses(SymbolId service) const {
  std::vector<IpAddress> hosts;
  for (const OwnedAddress& address : owned(service)) {
    const bool everyone = address.audience == Audience::kEveryone;
    if (everyone && address.is_host()) hosts.push_back(address.ip);
  }
  return hosts;
}

std::vector<Serving> Snapshot::serving(const IpAddress& ip, uint8_t length) const {
  return state_->claims.serving({self().place.network, masked(ip, length), length},
                                state_->namespaces);
}

std::vector<AddressConflict> Snapshot::conflicts() const {
  std::vector<AddressConflict> conflicts;
  for (const ServiceAddress& address : state_->claims.contested(self().place.network)) {
    AddressConflict& conflict = conflicts.emplace_back();
    conflict.address = address.ip;
    conflict.length = address.length;
    absl::flat_hash_set<SymbolId> served;
    for (const Serving& one : state_->claims.serving(address, state_->namespaces)) {
      served.insert(one.service);
      const bool everyone = one.audience == Audience::kEveryone;
      if (everyone) conflict.owner = one.service;
      if (!everyone) conflict.own_namespace.push_back(one.service);
    }
    for (const Claimant& claimant : state_->claims.claimants(address)) {
      if (!served.contains(claimant.service)) conflict.others.push_back(claimant.service);
    }
    const auto name = [this](SymbolId service) { return symbols().name(service); };
    std::ranges::sort(conflict.own_namespace, {}, name);
    std::ranges::sort(conflict.others, {}, name);
  }
  return conflicts;
}

const ClientContext& Snapshot::self() const { return state_->context.client(); }
bool Snapshot::self_known() const { return state_->context.known(); }

void Snapshot::restore_self(const Place& place) {
  const ClientContext before = self();
  state_->context.restore(place, state_->symbols);
  state_->note_context(self() != before);
}

size_t Snapshot::service_count() const { return state_->services.size(); }
size_t Snapshot::workload_count() const { return state_->workloads.size(); }

std::vector<SymbolId> Snapshot::service_keys() const {
  std::vector<SymbolId> keys;
  keys.reserve(service_count());
  for (const auto& [key, service] : state_->services) keys.push_back(key);
  std::ranges::sort(keys, {}, [this](SymbolId key) { return symbols().name(key); });
  return keys;
}

std::vector<std::string> Snapshot::workload_uids() const {
  std::vector<std::string> uids;
  uids.reserve(workload_count());
  for (const WorkloadIndex index : state_->workloads.sorted()) uids.push_back(workload(index).uid);
  return uids;
}

void Snapshot::for_each_workload(const std::function<void(const Workload&)>& each) const {
  state_->workloads.for_each(each);
}

bool operator==(const Snapshot& left, const Snapshot& right) {
  return to_text(left) == to_text(right);
}

}  // namespace vicinity::model
