#include "policy/kuma/plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/labels.h"
#include "policy/spill_tiers.h"

namespace vicinity::policy::kuma {
namespace {

using model::SymbolId;

// One affinity tag that the client has.
struct Affinity {
  LabelName tag;
  SymbolId value;
  uint64_t weight = 0;
};

std::vector<Affinity> affinities_of(const LocalityAwareness& locality,
                                    const model::ClientContext& client,
                                    const model::Symbols& symbols) {
  std::vector<Affinity> affinities;
  if (!locality.local_zone || !locality.local_zone->affinity_tags) return affinities;
  const std::vector<AffinityTag>& tags = *locality.local_zone->affinity_tags;
  uint64_t weight = 9;
  for (size_t i = 1; i < tags.size(); ++i) weight *= 10;
  for (const AffinityTag& tag : tags) {
    const LabelName name(tag.key, symbols);
    const SymbolId value = name.of(client);
    if (!value.empty()) {
      affinities.push_back({.tag = name, .value = value, .weight = tag.weight.value_or(weight)});
    }
    weight /= 10;  // also past a tag that the client lacks
  }
  return affinities;
}

bool names(const std::vector<std::string>& zones, std::string_view zone) {
  return std::ranges::find(zones, zone) != zones.end();
}

bool admits(const FailoverRule& rule, std::string_view zone) {
  switch (rule.to) {
    case ToZones::kNone:
      return false;
    case ToZones::kAny:
      return true;
    case ToZones::kOnly:
      return names(rule.zones, zone);
    case ToZones::kAnyExcept:
      return !names(rule.zones, zone);
  }
  return false;
}

// Where an endpoint belongs: a priority, and a group of it.
struct Seat {
  uint32_t priority = 0;
  size_t group = 0;
};

// Who sits where, worked out once per zone.
class Seating {
 public:
  Seating(const KumaSpec& spec, const model::ClientContext& client, const model::Symbols& symbols)
      : spec_(spec),
        symbols_(symbols),
        zone_(spec.options.zone_label, symbols),
        own_zone_(zone_.of(client)),
        affinities_(affinities_of(spec.locality, client, symbols)) {}

  // nullopt: no rule reaches the endpoint.
  [[nodiscard]] std::optional<Seat> seat(const model::Workload& workload) {
    const SymbolId zone = zone_.of(workload);
    if (!has_rules()) return plain_seat(zone);
    if (zone == own_zone_) return Seat{.priority = 0, .group = group_of(workload)};
    const auto known = priorities_.try_emplace(zone);
    if (known.second) known.first->second = remote_priority(zone);
    if (!known.first->second) return std::nullopt;
    return Seat{.priority = *known.first->second, .group = 0};
  }

  [[nodiscard]] bool has_rules() const {
    return spec_.locality.local_zone.has_value() || spec_.locality.cross_zone.has_value();
  }

  // Of group 0, who matches no tag, and of the tags behind it. Remote zones have no weights.
  [[nodiscard]] uint64_t weight(uint32_t priority, size_t group) const {
    if (priority != 0) return 0;
    return group == 0 ? 1 : affinities_[group - 1].weight;
  }

  [[nodiscard]] bool weighted() const {
    const auto& local = spec_.locality.local_zone;
    return local && local->affinity_tags && !local->affinity_tags->empty();
  }

 private:
  [[nodiscard]] Seat plain_seat(SymbolId zone) const {
    const bool near = spec_.locality.disabled.value_or(false) || zone.empty() || zone == own_zone_;
    return {.priority = near ? 0U : 1U, .group = 0};
  }

  [[nodiscard]] size_t group_of(const model::Workload& workload) const {
    for (size_t i = 0; i < affinities_.size(); ++i) {
      if (affinities_[i].tag.of(workload) == affinities_[i].value) return i + 1;
    }
    return 0;
  }

  [[nodiscard]] std::optional<uint32_t> remote_priority(SymbolId zone) const {
    if (!spec_.locality.cross_zone.has_value()) return std::nullopt;
    const CrossZone& across = *spec_.locality.cross_zone;
    if (!across.failover.has_value()) return std::nullopt;
    const std::string_view name = symbols_.name(zone);
    const std::string_view own = symbols_.name(own_zone_);
    const auto& rules = *across.failover;
    for (size_t i = 0; i < rules.size(); ++i) {
      const auto& from = rules[i].from;
      if (from.has_value() && !names(*from, own)) continue;
      if (admits(rules[i], name)) return static_cast<uint32_t>(i + 1);
    }
    return std::nullopt;
  }

  const KumaSpec& spec_;
  const model::Symbols& symbols_;
  LabelName zone_;
  SymbolId own_zone_;
  std::vector<Affinity> affinities_;
  std::map<SymbolId, std::optional<uint32_t>> priorities_;  // of remote zones
};

bool hashes(const AlgorithmSpec& algorithm) {
  return algorithm.kind == Algorithm::kRingHash || algorithm.kind == Algorithm::kMaglev;
}

using Groups = std::map<uint32_t, std::map<size_t, std::vector<SpillHost>>>;

Groups seat_all(Seating& seating, const Candidates& candidates, Plan& plan) {
  Groups groups;
  for (uint32_t i = 0; i < plan.endpoints.size(); ++i) {
    const model::Workload& workload = *plan.endpoints[i].workload;
    const HostHealth health = candidates.health[i];
    const auto seat = seating.seat(workload);
    if (seat) {
      groups[seat->priority][seat->group].push_back(
          {.endpoint = i, .weight = workload.capacity, .health = health});
      continue;
    }
    plan.excluded.push_back({&workload, exclusion_of(health, Exclusion::kNotMatched)});
  }
  return groups;
}

std::vector<SpillPriority> priorities_of(const Seating& seating, Groups groups) {
  std::vector<SpillPriority> priorities;
  for (auto& [number, members] : groups) {
    SpillPriority& priority = priorities.emplace_back();
    priority.number = number;
    for (auto& [group, hosts] : members) {
      priority.localities.push_back(
          {.weight = seating.weight(number, group), .hosts = std::move(hosts)});
    }
  }
  return priorities;
}

}  // namespace

Plan plan(const KumaSpec& spec, Eligible eligible, const model::ClientContext& client,
          const model::Symbols& symbols) {
  Candidates candidates = spill_candidates(std::move(eligible));
  Plan plan{.mode = Mode::kPrioritized,
            .algorithm = spec.algorithm,
            .on_empty = spec.on_empty,
            .endpoints = std::move(candidates.endpoints),
            .tiers = {},
            .excluded = std::move(candidates.excluded)};
  Seating seating(spec, client, symbols);
  SpillRule rule{.panic_percent = spec.options.panic_percent};
  if (seating.has_rules()) {
    const auto& cross_zone = spec.locality.cross_zone;
    rule.factor_percent =
        factor_percent(cross_zone ? cross_zone->threshold : std::nullopt, spec.options.threshold);
    if (seating.weighted()) {
      rule.weighting =
          hashes(spec.algorithm) ? LocalityWeighting::kRaw : LocalityWeighting::kScaled;
    }
  }
  const auto priorities = priorities_of(seating, seat_all(seating, candidates, plan));
  spill(rule, priorities, plan);
  return plan;
}

}  // namespace vicinity::policy::kuma
