#include "policy/istio/plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "policy/istio/rank.h"
#include "policy/spill_tiers.h"
#include "policy/wds/rank.h"

namespace vicinity::policy::istio {
namespace {

using model::Place;
using model::SymbolId;

using Locality = std::tuple<SymbolId, SymbolId, SymbolId>;
using Localities = std::map<Locality, SpillLocality>;
using Priorities = std::map<uint32_t, Localities>;  // by rank, with gaps

Locality locality_of(const Place& place) { return {place.region, place.zone, place.subzone}; }

std::array<std::string_view, 3> names_of(const Locality& locality, const model::Symbols& symbols) {
  const auto& [region, zone, subzone] = locality;
  return {symbols.name(region), symbols.name(zone), symbols.name(subzone)};
}

// Leaves those out for whom `keep` says no, as `reason`; the sick ones as unhealthy.
template <class Keep>
void filter(Candidates& hosts, Exclusion reason, const Keep& keep) {
  Candidates kept{.endpoints = {}, .health = {}, .excluded = std::move(hosts.excluded)};
  for (size_t i = 0; i < hosts.endpoints.size(); ++i) {
    const model::Workload& workload = *hosts.endpoints[i].workload;
    if (keep(workload, hosts.health[i])) {
      kept.endpoints.push_back(hosts.endpoints[i]);
      kept.health.push_back(hosts.health[i]);
    } else {
      kept.excluded.push_back({&workload, exclusion_of(hosts.health[i], reason)});
    }
  }
  hosts = std::move(kept);
}

// internalTrafficPolicy: Local holds under every policy.
void keep_strict(const Target& target, Candidates& hosts) {
  const model::LoadBalancing& own = target.service.load_balancing;
  if (own.mode != model::RoutingMode::kStrict) return;
  const wds::Preference preference{.scopes = own.preference};
  filter(hosts, Exclusion::kNotMatched, [&](const model::Workload& workload, HostHealth) {
    return rank_place(target.client.place, workload.place, preference).all_matched;
  });
}

// What the setting makes of the hosts: who is in which tier, and how localities share one.
class Shape {
 public:
  Shape(const PlanSpec& spec, const Target& target) : spec_(spec), target_(target) {}

  [[nodiscard]] Mode mode() const {
    if (distributes()) return Mode::kDistribute;
    if (ranks()) return Mode::kPrioritized;
    const bool strict = target_.service.load_balancing.mode == model::RoutingMode::kStrict;
    return strict ? Mode::kStrict : Mode::kAny;
  }

  [[nodiscard]] bool weighs_localities() const {
    if (distributes()) return true;
    const LocalitySetting* locality = spec_.effective.locality;
    return locality != nullptr && ranks() &&
           (!locality->failover.empty() || !locality->failover_priority.empty());
  }

  [[nodiscard]] Priorities arrange(const Candidates& hosts) const {
    const auto failover = failover_rules();
    const RegionRanks regions(target_.client.place, failover, target_.symbols);
    const LabelRanks labels(failover_labels(), target_.client, target_.symbols);
    Priorities priorities;
    for (size_t i = 0; i < hosts.endpoints.size(); ++i) {
      const model::Workload& workload = *hosts.endpoints[i].workload;
      const uint32_t rank = ranks() ? rank_of(workload, regions, labels) : 0;
      SpillLocality& locality = priorities[rank][locality_of(workload.place)];
      locality.weight += workload.capacity;
      locality.hosts.push_back({.endpoint = static_cast<uint32_t>(i),
                                .weight = workload.capacity,
                                .health = hosts.health[i]});
    }
    return priorities;
  }

  // The first rule for the client's locality; nullptr: none.
  [[nodiscard]] const Distribute* distribution() const {
    if (!distributes()) return nullptr;
    const auto here = names_of(locality_of(target_.client.place), target_.symbols);
    const auto& rules = spec_.effective.locality->distribute;
    const auto rule =
        std::ranges::find_if(rules, [&](const Distribute& one) { return matches(one.from, here); });
    return rule == rules.end() ? nullptr : &*rule;
  }

 private:
  [[nodiscard]] bool distributes() const {
    return spec_.effective.locality != nullptr && !spec_.effective.locality->distribute.empty();
  }
  [[nodiscard]] bool ranks() const {
    if (spec_.effective.zones != nullptr) return true;
    return spec_.effective.locality != nullptr && spec_.gate && !distributes();
  }
  [[nodiscard]] std::span<const Failover> failover_rules() const {
    if (spec_.effective.zones != nullptr) return spec_.effective.zones->failover;
    if (spec_.effective.locality != nullptr) return spec_.effective.locality->failover;
    return {};
  }
  [[nodiscard]] std::span<const FailoverLabel> failover_labels() const {
    if (spec_.effective.zones != nullptr) return spec_.effective.zones->failover_priority;
    if (spec_.effective.locality != nullptr) return spec_.effective.locality->failover_priority;
    return {};
  }

  [[nodiscard]] uint32_t rank_of(const model::Workload& workload, const RegionRanks& regions,
                                 const LabelRanks& labels) const {
    const bool labelled = !failover_labels().empty();
    const uint32_t rank = labelled && labels.apply() ? labels.of(workload) : 0;
    if (spec_.effective.zones != nullptr) {
      return rank * RegionRanks::kBuckets + regions.bucket(workload.place);
    }
    if (labelled && failover_rules().empty()) return rank;
    return rank * RegionRanks::kLevels + regions.of(workload.place);
  }

  const PlanSpec& spec_;
  const Target& target_;
};

// Percentages become locality weights, each rounded up. REQUIRES: all are listed; patterns of one
// rule do not overlap.
void distribute(const Distribute& rule, const Target& target, Localities& localities) {
  for (const auto& [pattern, percent] : rule.to) {
    std::vector<SpillLocality*> matched;
    uint64_t sum = 0;
    for (auto& [locality, hosts] : localities) {
      if (!matches(pattern, names_of(locality, target.symbols))) continue;
      matched.push_back(&hosts);
      sum += hosts.weight;
    }
    for (SpillLocality* hosts : matched) {
      hosts->weight = (hosts->weight * percent + sum - 1) / sum;
    }
  }
}

bool listed(const Distribute& rule, const model::Workload& workload, const Target& target) {
  const auto here = names_of(locality_of(workload.place), target.symbols);
  return std::ranges::any_of(rule.to, [&](const auto& to) { return matches(to.first, here); });
}

std::vector<SpillPriority> compacted(Priorities priorities) {
  std::vector<SpillPriority> result;
  for (auto& [rank, localities] : priorities) {
    SpillPriority& priority = result.emplace_back();
    priority.number = static_cast<uint32_t>(result.size()) - 1;
    for (auto& [name, locality] : localities) priority.localities.push_back(std::move(locality));
  }
  return result;
}

// Hash tables are built from the weights as they are, whoever is sick.
LocalityWeighting weighting_of(const Shape& shape, Algorithm algorithm) {
  if (!shape.weighs_localities()) return LocalityWeighting::kNone;
  const bool hashes = algorithm == Algorithm::kRingHash || algorithm == Algorithm::kMaglev;
  return hashes ? LocalityWeighting::kRaw : LocalityWeighting::kScaled;
}

Candidates hosts_for(const PlanSpec& spec, PlanInput& input) {
  Candidates hosts = spill_candidates(std::move(input.eligible));
  keep_strict(input.target, hosts);
  if (spec.min_health_percent > 0) {
    filter(hosts, Exclusion::kUnhealthy, [](const model::Workload&, HostHealth health) {
      return health != HostHealth::kUnhealthy;
    });
  }
  return hosts;
}

}  // namespace

Plan plan(const PlanSpec& spec, PlanInput input) {
  const Shape shape(spec, input.target);
  Candidates hosts = hosts_for(spec, input);
  const Distribute* rule = shape.distribution();
  if (rule != nullptr) {
    filter(hosts, Exclusion::kNotMatched, [&](const model::Workload& workload, HostHealth) {
      return listed(*rule, workload, input.target);
    });
  }
  Priorities priorities = shape.arrange(hosts);
  if (rule != nullptr) {
    for (auto& [rank, localities] : priorities) distribute(*rule, input.target, localities);
  }
  Plan result;
  result.mode = shape.mode();
  result.on_empty = input.on_empty;
  result.algorithm = spec.algorithm;
  result.outlier = spec.outlier;
  result.endpoints = std::move(hosts.endpoints);
  result.excluded = std::move(hosts.excluded);
  const SpillRule spill_rule{.panic_percent = spec.min_health_percent,
                             .weighting = weighting_of(shape, spec.algorithm.kind)};
  spill(spill_rule, compacted(std::move(priorities)), result);
  return result;
}

}  // namespace vicinity::policy::istio
