// Endpoints that are left out because of what came of connects to them, as whoever judges them has
// said last. Part of the Snapshot: a change of them touches their service as a change of the feed
// does. Plain data.
#pragma once

#include <compare>
#include <cstdint>

#include "model/ip_address.h"

namespace vicinity::model {

// An endpoint of one port of a service. Not a workload: another one that gets the address of an
// ejected one is taken for it.
struct EjectedEndpoint {
  uint16_t service_port = 0;
  IpAddress address;
  uint16_t port = 0;
  auto operator<=>(const EjectedEndpoint&) const = default;
};

}  // namespace vicinity::model
