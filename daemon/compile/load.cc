#include "compile/load.h"

#include <algorithm>
#include <utility>

namespace vicinity::compile {
namespace {

bool same_zone(const model::Place& left, const model::Place& right) {
  return left.region == right.region && left.zone == right.zone;
}

std::vector<policy::TierLoad> loads_of(const model::ClientContext& client,
                                       const policy::Plan& plan) {
  std::vector<policy::TierLoad> loads;
  for (const policy::Tier& tier : plan.tiers) {
    const bool leaves = std::ranges::any_of(tier.members, [&](const policy::Member& member) {
      return !same_zone(plan.endpoints[member.endpoint].workload->place, client.place);
    });
    loads.push_back({.percent = tier.load_percent, .leaves_zone = leaves});
  }
  return loads;
}

// Beside the plan's tiers.
std::vector<uint32_t> given_by(std::span<const model::GivenShare> shares,
                               const policy::PortQuery& query, size_t tiers) {
  std::vector<uint32_t> given(tiers, 0);
  for (const model::GivenShare& share : shares) {
    const bool this_port = share.service_port == query.port && share.family == query.family;
    if (this_port && share.tier < tiers) given[share.tier] = share.percent;
  }
  return given;
}

}  // namespace

void give_for_load(const model::Snapshot& snapshot, const PlanRequest& request,
                   policy::Plan& plan) {
  const auto shares = snapshot.given(request.query.service);
  const bool own = request.client.place == snapshot.self().place;
  if (!plan.load_spill || shares.empty() || !own) return;
  const std::vector<policy::TierLoad> before = loads_of(request.client, plan);
  const std::vector<uint32_t> after = policy::loads_after(
      before, given_by(shares, request.query, before.size()), plan.load_spill->max_share_percent);
  if (std::ranges::equal(before, after, {}, &policy::TierLoad::percent)) return;
  for (size_t i = 0; i < after.size(); ++i) {
    plan.planned_percents.push_back(before[i].percent);
    plan.tiers[i].load_percent = after[i];
  }
}

policy::WeighedPort weighed_port(const PlanRequest& request, const policy::Plan& plan) {
  policy::WeighedPort port{.port = request.query.port,
                           .family = request.query.family,
                           .spec = plan.load_spill.value_or(policy::LoadSpillSpec{}),
                           .tiers = {}};
  const std::vector<policy::TierLoad> loads = loads_of(request.client, plan);
  for (size_t i = 0; i < plan.tiers.size(); ++i) {
    policy::WeighedTier& tier = port.tiers.emplace_back();
    tier.priority = plan.tiers[i].priority;
    tier.load = loads[i];
    if (!plan.planned_percents.empty()) tier.load.percent = plan.planned_percents[i];
    for (const policy::Member& member : plan.tiers[i].members) {
      const policy::Endpoint& endpoint = plan.endpoints[member.endpoint];
      tier.capacity += endpoint.workload->capacity;
      tier.hosts.push_back({.address = endpoint.address, .port = endpoint.port});
    }
    std::ranges::sort(tier.hosts);
    tier.hosts.erase(std::ranges::unique(tier.hosts).begin(), tier.hosts.end());
  }
  return port;
}

}  // namespace vicinity::compile
