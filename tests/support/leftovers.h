// What a test that was killed leaves behind, and how the next one finds it: everything a world puts
// into the file system is named after its pid. Any thread.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace vicinity::testing {

// "vicinity-test-<our pid>-<n>", n counting up within this process.
[[nodiscard]] std::string next_world_name();

// Removes the cgroups and pins of every world whose process is gone; what was removed.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> remove_leftovers();

}  // namespace vicinity::testing
