// A table of any algorithm, compiled from a plan made by hand. Pure.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compile/compile.h"

namespace vicinity::testing {

struct PlannedEndpoint {
  std::string address;
  uint16_t port = 0;
  uint64_t share = 1;
};

struct PlannedTier {
  uint32_t load_percent = 100;
  std::vector<PlannedEndpoint> endpoints;
};

// On port 80, with everything else as a feed would have it.
inline compile::PortTable planned_table(const policy::AlgorithmSpec& spec,
                                        const std::vector<PlannedTier>& tiers,
                                        model::Family family = model::Family::kIpv4) {
  static const model::Workload somebody;
  policy::Plan plan;
  plan.algorithm = spec;
  for (const PlannedTier& row : tiers) {
    policy::Tier tier{.priority = static_cast<uint32_t>(plan.tiers.size()),
                      .load_percent = row.load_percent,
                      .members = {}};
    for (const PlannedEndpoint& endpoint : row.endpoints) {
      tier.members.push_back({.endpoint = static_cast<uint32_t>(plan.endpoints.size()),
                              .weight = 1,
                              .share = endpoint.share});
      plan.endpoints.push_back({.workload = &somebody,
                                .address = model::IpAddress::parse(endpoint.address).value(),
                                .port = endpoint.port});
    }
    plan.tiers.push_back(std::move(tier));
  }
  return compile::compile_port(
             std::move(plan),
             {.service = "ns/planned", .port = 80, .family = family, .had_workload = true})
      .value()
      .table;
}

// The table as one that is watched, if `watch` is set.
inline void watch(compile::PortTable& table, const std::optional<compile::Watch>& watch) {
  table.watch = watch;
  if (!watch || table.algorithm != policy::AlgorithmSpec{}) return;
  for (size_t i = 0; i < table.loaded; ++i) table.slots[i].share = 1;
}

}  // namespace vicinity::testing
