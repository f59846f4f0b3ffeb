// What a compiled service tells whoever judges its endpoints by what comes of connects to them.
// Plain data.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "model/ip_address.h"
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

}  // namespace vicinity::policy
