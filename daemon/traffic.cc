#include "traffic.h"

#include <vicinity/abi.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "compile/explain_service.h"
#include "model/nearness.h"

namespace vicinity {
namespace {

constexpr std::string_view kUnknown = "unknown";

using PlaceWeights = std::map<std::tuple<std::string, std::string, std::string>, double>;

PlaceWeights::key_type place_of(const compile::ExplainedEndpoint& endpoint,
                                const model::Snapshot& snapshot) {
  const model::Workload* workload = snapshot.find_workload(endpoint.workload);
  if (workload == nullptr) return {"", "", std::string(kUnknown)};
  const model::Symbols& symbols = snapshot.symbols();
  const auto near = model::nearness(snapshot.self().place, workload->place, symbols);
  return {std::string(symbols.name(workload->place.region)),
          std::string(symbols.name(workload->place.zone)), std::string(model::nearness_name(near))};
}

// Adds one table's tier; each table counts alike, for nothing says which port is used more.
void add_tier(const compile::ExplainedTier& tier, const model::Snapshot& snapshot,
              PlaceWeights& weights) {
  double total = 0;
  for (const auto& endpoint : tier.endpoints) total += endpoint.share_percent;
  for (const auto& endpoint : tier.endpoints) {
    const double share = total > 0 ? endpoint.share_percent / total
                                   : 1.0 / static_cast<double>(tier.endpoints.size());
    weights[place_of(endpoint, snapshot)] += share;
  }
}

std::vector<PlaceShare> shares_of(const PlaceWeights& weights) {
  double total = 0;
  for (const auto& [place, weight] : weights) total += weight;
  std::vector<PlaceShare> shares;
  for (const auto& [place, weight] : weights) {
    const auto& [region, zone, near] = place;
    if (weight > 0) {
      shares.push_back({.region = region, .zone = zone, .near = near, .share = weight / total});
    }
  }
  return shares;
}

}  // namespace

PlacesByTier places_of(std::string_view service, const model::Snapshot& snapshot,
                       const compile::CompileOptions& options) {
  const auto tables = compile::explain_service(
      snapshot, {.service = std::string(service), .port = {}, .family = {}}, snapshot.self(),
      options);
  if (!tables.ok()) return {};
  std::vector<PlaceWeights> weights;
  for (const compile::Explanation& table : *tables) {
    for (size_t i = 0; i < table.tiers.size(); ++i) {
      // Tiers beyond the last one of a table are merged into it.
      const size_t tier = std::min<size_t>(i, VIC_MAX_TIERS - 1);
      if (weights.size() <= tier) weights.resize(tier + 1);
      add_tier(table.tiers[i], snapshot, weights[tier]);
    }
  }
  PlacesByTier places;
  for (const PlaceWeights& tier : weights) places.push_back(shares_of(tier));
  return places;
}

std::vector<telemetry::ServiceRefusals> refusals_in(
    const std::vector<dataplane::TierCounts>& counts) {
  std::vector<telemetry::ServiceRefusals> refusals;
  for (const dataplane::TierCounts& row : counts) {
    if (row.refused > 0) refusals.push_back({.service = row.service, .connects = row.refused});
  }
  return refusals;
}

void Traffic::add(Service& service, uint32_t tier, uint64_t connects) {
  const auto count = static_cast<double>(connects);
  const auto add_at = [&](Place place, double part) {
    places_[place] += part;
    service.connects[{tier, std::move(place)}] += part;
  };
  if (tier >= service.places.size() || service.places[tier].empty()) {
    return add_at({.region = "", .zone = "", .near = std::string(kUnknown)}, count);
  }
  for (const PlaceShare& place : service.places[tier]) {
    add_at({.region = place.region, .zone = place.zone, .near = place.near}, count * place.share);
  }
}

void Traffic::account(const std::vector<dataplane::TierCounts>& counts, const PlacesOf& places_of) {
  for (auto& [name, service] : services_) service.seen = false;
  for (const dataplane::TierCounts& now : counts) {
    Service& service = services_[now.service];
    service.seen = true;
    service.counted.resize(std::max(service.counted.size(), now.by_tier.size()));
    for (uint32_t tier = 0; tier < now.by_tier.size(); ++tier) {
      // A row that was given out again starts from 0.
      const uint64_t before = std::exchange(service.counted[tier], now.by_tier[tier]);
      const uint64_t more =
          now.by_tier[tier] < before ? now.by_tier[tier] : now.by_tier[tier] - before;
      if (more == 0) continue;
      if (!std::exchange(service.placed, true)) service.places = places_of(now.service);
      add(service, tier, more);
    }
  }
  std::erase_if(services_, [](const auto& entry) { return !entry.second.seen; });
}

void Traffic::forget_places(std::string_view service) {
  const auto found = services_.find(service);
  if (found != services_.end()) found->second.placed = false;
}

std::vector<telemetry::ServiceTraffic> Traffic::by_service() const {
  std::vector<telemetry::ServiceTraffic> rows;
  for (const auto& [name, service] : services_) {
    for (const auto& [key, connects] : service.connects) {
      const auto& [tier, place] = key;
      rows.push_back({.service = name,
                      .tier = tier,
                      .place = {place.region, place.zone, place.near, connects}});
    }
  }
  return rows;
}

std::vector<telemetry::PlaceTraffic> Traffic::by_place() const {
  std::vector<telemetry::PlaceTraffic> rows;
  for (const auto& [place, connects] : places_) {
    rows.push_back({place.region, place.zone, place.near, connects});
  }
  return rows;
}

}  // namespace vicinity
