// Endpoints that fail under real connections, and how many of those fail with them. Main thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>

namespace vicinity::bench {

enum class Reaction { kOff, kOn };

struct DeadEndpoint {
  uint64_t failed = 0;  // of 1,000
  uint64_t saved = 0;   // by another draw
};
// One of three endpoints of the tier is killed, and nobody says so.
[[nodiscard]] absl::StatusOr<DeadEndpoint> one_of_three_dies(Reaction reaction);

struct DeadZone {
  uint64_t failed = 0;        // until the next tier has everything
  uint64_t most_of_one = 0;   // failed connects of one endpoint
  uint64_t failed_after = 0;  // of 500
};
// All 20 endpoints of the tier drop every packet; four clients connect, each waiting 1.2 s.
[[nodiscard]] absl::StatusOr<DeadZone> zone_goes_silent();

}  // namespace vicinity::bench
