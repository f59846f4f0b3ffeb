// Finds the cgroup2 hierarchy to attach to. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace vicinity {

// The mount point of cgroup2 in the text of /proc/self/mounts. Error: there is none, or there are
// several, which it lists: a hook on the wrong one silently does nothing.
[[nodiscard]] absl::StatusOr<std::string> find_cgroup2(std::string_view mounts);

}  // namespace vicinity
