#include "support/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/status.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;

// The tree's directories, the deepest first.
std::vector<fs::path> directories_below(const fs::path& root) {
  std::vector<fs::path> result{root};
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_directory(error)) result.push_back(it->path());
  }
  std::reverse(result.begin(), result.end());
  return result;
}

}  // namespace

absl::StatusOr<std::string> cgroup2_mount() {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string device;
    std::string path;
    std::string type;
    fields >> device >> path >> type;
    if (type == "cgroup2") return path;
  }
  return base::internal("cgroup2: not mounted");
}

absl::StatusOr<Cgroup> Cgroup::create(std::string path) {
  if (mkdir(path.c_str(), 0755) != 0) {
    return base::errno_status(fmt::format("cgroup {}: mkdir", path));
  }
  base::UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return base::errno_status(fmt::format("cgroup {}: open", path));
  return Cgroup(std::move(path), std::move(fd));
}

absl::StatusOr<Cgroup> Cgroup::create_child(std::string_view name) const {
  return create(fmt::format("{}/{}", path_, name));
}

Cgroup::Cgroup(Cgroup&& other) noexcept
    : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

Cgroup& Cgroup::operator=(Cgroup&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

Cgroup::~Cgroup() {
  // What cannot be removed is reported by the world's own check of its root.
  if (!path_.empty()) rmdir(path_.c_str());
}

std::vector<pid_t> processes_below(const std::string& path) {
  std::vector<pid_t> result;
  for (const fs::path& folder : directories_below(path)) {
    std::ifstream procs(folder / "cgroup.procs");
    for (pid_t pid = 0; procs >> pid;) result.push_back(pid);
  }
  return result;
}

absl::Status remove_cgroup_tree(const std::string& path) {
  using namespace std::chrono_literals;
  if (access(path.c_str(), F_OK) != 0) return absl::OkStatus();
  std::ofstream(path + "/cgroup.kill") << "1";
  if (!wait_until([&] { return processes_below(path).empty(); }, 5s)) {
    return base::internal("cgroup {}: its processes do not die", path);
  }
  for (const fs::path& folder : directories_below(path)) {
    // A killed process leaves its cgroup a moment after it has left cgroup.procs.
    const bool removed =
        wait_until([&] { return rmdir(folder.c_str()) == 0 || errno != EBUSY; }, 5s);
    if (!removed || access(folder.c_str(), F_OK) == 0) {
      return base::errno_status(fmt::format("cgroup {}: rmdir", folder.string()));
    }
  }
  return absl::OkStatus();
}

}  // namespace vicinity::testing
