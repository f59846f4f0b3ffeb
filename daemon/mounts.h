// Finds the cgroup2 hierarchy to attach to, or mounts it.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <string_view>

namespace vicinity {

// The mount point of cgroup2 in the text of /proc/self/mounts. Error: there is none, or there are
// several, which it lists: a hook on the wrong one silently does nothing.
[[nodiscard]] absl::StatusOr<std::string> find_cgroup2(std::string_view mounts);

// The same, and where there is none, a mount of our own at `own_mount`: hosts with cgroup v1 only.
// `mount` is mount_cgroup2 but in tests.
[[nodiscard]] absl::StatusOr<std::string> find_or_mount_cgroup2(
    std::string_view mounts, const std::string& own_mount,
    const std::function<absl::Status(const std::string& path)>& mount);

// Makes the folder and mounts the host's cgroup2 hierarchy there, read-write. Needs CAP_SYS_ADMIN.
[[nodiscard]] absl::Status mount_cgroup2(const std::string& path);

}  // namespace vicinity
