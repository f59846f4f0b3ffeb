// What a change costs once it is decoded: from the model's delta to its tables in the kernel. The
// engine and its data plane are in this process, without a feed and without other threads' turns.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bench/workspace.h"

namespace vicinity::bench {

struct DecodedRow {
  std::string_view change;  // "health flipped", "added", "removed"
  uint32_t endpoints = 0;   // of the service
  double p50_us = 0;
  double p99_us = 0;
};

// A service of each size, on a node that nothing else happens on.
[[nodiscard]] absl::StatusOr<std::vector<DecodedRow>> measure_decoded(
    const Workspace& workspace, std::span<const uint32_t> sizes);

}  // namespace vicinity::bench
