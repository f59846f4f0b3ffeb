// A cgroup2 directory of the test hosts' own, removed with the object; and where cgroup2 is
// mounted. A process is in a cgroup as a whole: what must connect from one runs as a process there.
// Movable, any thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace vicinity::testing {

// "/sys/fs/cgroup/unified" or "/sys/fs/cgroup", from /proc/self/mounts.
[[nodiscard]] absl::StatusOr<std::string> cgroup2_mount();

class Cgroup {
 public:
  [[nodiscard]] static absl::StatusOr<Cgroup> create(std::string path);
  [[nodiscard]] absl::StatusOr<Cgroup> create_child(std::string_view name) const;

  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&& other) noexcept;
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  Cgroup(std::string path, base::UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  base::UniqueFd fd_;
};

// The processes in this cgroup and everything below it.
[[nodiscard]] std::vector<pid_t> processes_below(const std::string& path);

// Kills everything in the tree and removes it; ok when there is no such tree.
[[nodiscard]] absl::Status remove_cgroup_tree(const std::string& path);

}  // namespace vicinity::testing
