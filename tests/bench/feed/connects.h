// Connects to the services of the mesh while something else happens: a process of this program in
// the node's cgroup and network namespace, which has every endpoint's address and accepts itself.
// One thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>

#include "support/cgroup.h"
#include "support/netns.h"
#include "support/process.h"

namespace vicinity::bench {

struct ConnectTally {
  uint64_t connects = 0;
  uint64_t failed = 0;
  double p50_us = 0;
  double p99_us = 0;
  double max_us = 0;
};

class Connects {
 public:
  // About a thousand a second, by turns to each of the first `services`.
  [[nodiscard]] static absl::StatusOr<Connects> start(const testing::Netns& netns,
                                                      const testing::Cgroup& cgroup,
                                                      uint32_t services);
  [[nodiscard]] absl::StatusOr<ConnectTally> stop();

 private:
  explicit Connects(testing::Process process) : process_(std::move(process)) {}
  testing::Process process_;
};

// The body of that process, until SIGTERM. Its exit code.
[[nodiscard]] int connect_until_stopped(uint32_t services);

}  // namespace vicinity::bench
