#include "mounts.h"

#include <fmt/ranges.h>
#include <sys/mount.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <sstream>
#include <system_error>

#include "base/status.h"

namespace vicinity {

absl::StatusOr<std::string> find_cgroup2(std::string_view mounts) {
  std::set<std::string> found;
  std::istringstream lines{std::string(mounts)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string device;
    std::string path;
    std::string type;
    if (fields >> device >> path >> type && type == "cgroup2") found.insert(path);
  }
  if (found.empty()) {
    return absl::NotFoundError(
        "no cgroup2 hierarchy is mounted; mount one and name it by --cgroup");
  }
  if (found.size() > 1) {
    return base::invalid("several cgroup2 mounts, name one by --cgroup: {}",
                         fmt::join(found, ", "));
  }
  return *found.begin();
}

absl::StatusOr<std::string> find_or_mount_cgroup2(
    std::string_view mounts, const std::string& own_mount,
    const std::function<absl::Status(const std::string&)>& mount) {
  auto found = find_cgroup2(mounts);
  if (found.ok() || !absl::IsNotFound(found.status())) return found;
  VIC_RETURN_IF_ERROR(mount(own_mount));
  return own_mount;
}

absl::Status mount_cgroup2(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return base::errno_status(fmt::format("folder {}", path), error.value());
  if (::mount("vicinity", path.c_str(), "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) ==
      0) {
    return absl::OkStatus();
  }
  return base::errno_status(fmt::format(
      "no cgroup2 hierarchy is mounted, and it cannot be at {} (CAP_SYS_ADMIN; or mount it and "
      "name it by --cgroup)",
      path));
}

}  // namespace vicinity
