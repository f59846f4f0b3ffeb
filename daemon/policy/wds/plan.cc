#include "policy/wds/plan.h"

#include <algorithm>
#include <map>
#include <utility>

namespace vicinity::policy::wds {
namespace {

using model::RoutingMode;
using Tiers = std::map<uint32_t, Tier>;  // by distance

Mode mode_of(RoutingMode mode) {
  switch (mode) {
    case RoutingMode::kUnspecified:
      return Mode::kAny;
    case RoutingMode::kStrict:
      return Mode::kStrict;
    case RoutingMode::kFailover:
      return Mode::kFailover;
    case RoutingMode::kPassthrough:
      return Mode::kPassthrough;
  }
  return Mode::kAny;
}

// No scopes: every endpoint is equally near, and matches.
Preference preference_of(const WdsSpec& spec) {
  Preference preference{.scopes = {}, .leading_network = spec.leading_network};
  if (spec.load_balancing.mode != RoutingMode::kUnspecified) {
    preference.scopes = spec.load_balancing.preference;
  }
  return preference;
}

// Tiers with their members, those without capacity among them.
Tiers ranked(const WdsSpec& spec, const model::ClientContext& client, Plan& plan) {
  const Preference preference = preference_of(spec);
  Tiers tiers;
  for (uint32_t i = 0; i < plan.endpoints.size(); ++i) {
    const model::Workload& workload = *plan.endpoints[i].workload;
    const Rank rank = rank_place(client.place, workload.place, preference);
    if (plan.mode == Mode::kStrict && !rank.all_matched) {
      plan.excluded.push_back({.workload = &workload, .reason = Exclusion::kNotMatched});
      continue;
    }
    tiers[rank.distance].members.push_back(
        {.endpoint = i, .weight = workload.capacity, .share = workload.capacity});
  }
  return tiers;
}

bool idle(const Member& member) { return member.weight == 0; }

void exclude_idle(Tier& tier, Plan& plan) {
  for (const Member& member : tier.members) {
    if (!idle(member)) continue;
    plan.excluded.push_back(
        {.workload = plan.endpoints[member.endpoint].workload, .reason = Exclusion::kZeroCapacity});
  }
  std::erase_if(tier.members, idle);
}

void exclude_unmatched(const Tiers& tiers, Plan& plan) {
  for (const auto& [distance, tier] : tiers) {
    for (const Member& member : tier.members) {
      plan.excluded.push_back(
          {.workload = plan.endpoints[member.endpoint].workload, .reason = Exclusion::kNotMatched});
    }
  }
}

void number_tiers(Tiers tiers, Plan& plan) {
  for (auto& [distance, tier] : tiers) {
    if (tier.members.empty()) continue;
    tier.priority = static_cast<uint32_t>(plan.tiers.size());
    tier.load_percent = plan.tiers.empty() ? 100 : 0;
    plan.tiers.push_back(std::move(tier));
  }
}

}  // namespace

Plan plan(const WdsSpec& spec, Eligible eligible, const model::ClientContext& client) {
  Plan plan;
  plan.mode = mode_of(spec.load_balancing.mode);
  plan.on_empty = spec.on_empty;
  if (plan.mode == Mode::kPassthrough) {
    plan.on_empty = OnEmpty::kPass;
    return plan;
  }
  plan.endpoints = std::move(eligible.endpoints);
  plan.excluded = std::move(eligible.excluded);
  Tiers tiers = ranked(spec, client, plan);
  for (auto& [distance, tier] : tiers) exclude_idle(tier, plan);
  if (!tiers.empty() && tiers.begin()->second.members.empty()) {
    // The nearest tier is chosen before anything is weighed; the tiers behind it never get a turn.
    exclude_unmatched(tiers, plan);
  } else {
    number_tiers(std::move(tiers), plan);
  }
  sort_by_uid(plan.excluded);
  return plan;
}

}  // namespace vicinity::policy::wds
