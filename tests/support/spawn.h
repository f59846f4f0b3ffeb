// Starts a program inside a network namespace and a cgroup. The clone is made by one thread of ours
// that lives as long as this process: a parent-death signal is tied to the *thread* that cloned, so
// children die with a crashed test but not with a short-lived thread. Any thread may call.
#pragma once

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace vicinity::testing {

struct SpawnSpec {
  std::vector<std::string> argv;  // argv[0]: a path, or a name looked up in PATH
  std::vector<std::string> env;   // the whole environment, NAME=VALUE
  int netns_fd = -1;              // -1: ours
  int cgroup_fd = -1;             // -1: ours
  // The descriptors the child has: 0, 1, 2 and then these in order from 3; -1 is /dev/null.
  std::vector<int> fds = {-1, -1, -1};
};

struct Spawned {
  pid_t pid = 0;
  base::UniqueFd pidfd;
};

// Returns after the exec succeeded, or with the reason why it did not.
[[nodiscard]] absl::StatusOr<Spawned> spawn_program(const SpawnSpec& spec);

// Our environment with `added` in place of what it names.
[[nodiscard]] std::vector<std::string> environment_with(const std::vector<std::string>& added);

}  // namespace vicinity::testing
