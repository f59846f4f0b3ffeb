// What tiers give up of their connections because they are overloaded, as whoever watches them has
// said last. Part of the Snapshot, as ejections are. Plain data.
#pragma once

#include <compare>
#include <cstdint>

#include "model/ip_address.h"

namespace vicinity::model {

// Of one tier of a service port's plan for this node.
struct GivenShare {
  uint16_t service_port = 0;
  Family family = Family::kIpv4;
  uint32_t tier = 0;     // index among the plan's tiers
  uint32_t percent = 0;  // of what it has, 1 to 99
  auto operator<=>(const GivenShare&) const = default;
};

}  // namespace vicinity::model
