#include "policy/plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace vicinity::policy {

std::string_view mode_name(Mode mode) {
  switch (mode) {
    case Mode::kAny:
      return "any";
    case Mode::kStrict:
      return "strict";
    case Mode::kFailover:
      return "failover";
    case Mode::kPassthrough:
      return "passthrough";
    case Mode::kPrioritized:
      return "prioritized";
    case Mode::kDistribute:
      return "distribute";
  }
  return "?";
}

std::string_view on_empty_name(OnEmpty on_empty) {
  return on_empty == OnEmpty::kRefuse ? "refuse" : "pass";
}

std::string_view pass_name(Pass pass) { return pass == Pass::kWaypoint ? "waypoint" : "asked"; }

std::string_view exclusion_name(Exclusion reason) {
  switch (reason) {
    case Exclusion::kUnhealthy:
      return "unhealthy";
    case Exclusion::kEjected:
      return "ejected";
    case Exclusion::kNoPort:
      return "no_port";
    case Exclusion::kNoAddress:
      return "no_address";
    case Exclusion::kWrongFamily:
      return "wrong_family";
    case Exclusion::kUnreachableNetwork:
      return "unreachable_network";
    case Exclusion::kNotMatched:
      return "not_matched";
    case Exclusion::kZeroCapacity:
      return "zero_capacity";
  }
  return "?";
}

void sort_by_uid(std::vector<Excluded>& excluded) {
  std::ranges::sort(excluded, {},
                    [](const Excluded& one) { return std::string_view(one.workload->uid); });
}

std::string to_text(const Plan& plan) {
  std::string text = fmt::format("plan {} {} on_empty={}", mode_name(plan.mode),
                                 to_text(plan.algorithm), on_empty_name(plan.on_empty));
  if (plan.pass != Pass::kAsked) text += fmt::format(" pass={}", pass_name(plan.pass));
  text += "\n";
  if (plan.outlier) text += fmt::format("  outlier {}\n", to_text(*plan.outlier));
  if (plan.ejected_are_used) text += "  ejected endpoints are used\n";
  if (plan.load_spill) text += fmt::format("  load_spill {}\n", to_text(*plan.load_spill));
  for (size_t i = 0; i < plan.tiers.size(); ++i) {
    const Tier& tier = plan.tiers[i];
    text += fmt::format("  tier {} load={}", tier.priority, tier.load_percent);
    if (!plan.planned_percents.empty()) {
      text += fmt::format(" planned={}", plan.planned_percents[i]);
    }
    text += "\n";
    for (const Member& member : tier.members) {
      const Endpoint& endpoint = plan.endpoints[member.endpoint];
      text += fmt::format("    {} {} weight={} share={}\n",
                          model::endpoint_text(endpoint.address, endpoint.port),
                          endpoint.workload->uid, member.weight, member.share);
    }
  }
  for (const Excluded& excluded : plan.excluded) {
    text +=
        fmt::format("  excluded {} {}\n", excluded.workload->uid, exclusion_name(excluded.reason));
  }
  return text;
}

}  // namespace vicinity::policy
