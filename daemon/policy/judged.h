// What a compiled service tells whoever judges its endpoints by what comes of connects to them, and
// its tiers by how much they carry. Plain data.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "model/ip_address.h"
#include "policy/load_spill.h"
#include "policy/outlier.h"

namespace vicinity::policy {

struct HostAddress {
  model::IpAddress address;
  uint16_t port = 0;
  auto operator<=>(const HostAddress&) const = default;
};

// One port of a service over one family, with what Envoy calls a cluster's hosts.
struct JudgedPort {
  uint16_t port = 0;
  model::Family family = model::Family::kIpv4;
  OutlierSpec spec;
  // All that could carry load, whatever their health: what max_ejection_percent is a part of.
  // Sorted, each once.
  std::vector<HostAddress> hosts;
  bool operator==(const JudgedPort&) const = default;
};

// A tier of a plan that spills by load.
struct WeighedTier {
  uint32_t priority = 0;
  TierLoad load;
  uint64_t capacity = 0;           // of all its endpoints
  std::vector<HostAddress> hosts;  // sorted, each once
  bool operator==(const WeighedTier&) const = default;
};

// One port of a service over one family, with its tiers in the plan's order.
struct WeighedPort {
  uint16_t port = 0;
  model::Family family = model::Family::kIpv4;
  LoadSpillSpec spec;
  std::vector<WeighedTier> tiers;
  bool operator==(const WeighedPort&) const = default;
};

}  // namespace vicinity::policy
