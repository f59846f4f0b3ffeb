// The vicinityd that is measured: a process of its own, and what the kernel says of it. One thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bench/workspace.h"
#include "support/cgroup.h"
#include "support/netns.h"
#include "support/process.h"

namespace vicinity::bench {

// Bytes. The maps that the process has mapped are the kernel's memory and not in it.
struct Memory {
  uint64_t resident = 0;
  uint64_t mapped_maps = 0;
};

// Of a process: its private memory at the highest, sampled as long as the object lives.
class PeakSampler {
 public:
  explicit PeakSampler(pid_t pid);
  ~PeakSampler();
  PeakSampler(const PeakSampler&) = delete;
  PeakSampler& operator=(const PeakSampler&) = delete;
  [[nodiscard]] uint64_t anonymous() const { return peak_.load(); }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> peak_ = 0;
  std::thread thread_;
};

// User and system time of a process since its start.
[[nodiscard]] double cpu_seconds_of(pid_t pid);

class Daemon {
 public:
  [[nodiscard]] static absl::StatusOr<Daemon> create(const Workspace& workspace,
                                                     const testing::Netns& netns, int feed_port);
  Daemon(Daemon&&) noexcept = default;
  ~Daemon();

  // From exec to its "ready", in milliseconds.
  [[nodiscard]] absl::StatusOr<double> start();
  [[nodiscard]] absl::Status kill();  // SIGKILL

  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] double cpu_seconds() const;  // since its start
  [[nodiscard]] Memory memory() const;
  [[nodiscard]] uint64_t anonymous() const;  // bytes
  // A sample of `vicinityctl metrics`; 0 where there is none.
  [[nodiscard]] absl::StatusOr<double> metric(const std::string& series) const;
  // Of those it balances for, and of itself.
  [[nodiscard]] const testing::Cgroup& cgroup() const { return cgroup_; }
  [[nodiscard]] const testing::Cgroup& home() const { return home_; }
  [[nodiscard]] const std::string& pin_dir() const { return pin_dir_; }

 private:
  Daemon(testing::Cgroup cgroup, testing::Cgroup home, const testing::Netns& netns)
      : cgroup_(std::move(cgroup)), home_(std::move(home)), netns_(&netns) {}

  testing::Cgroup cgroup_;
  testing::Cgroup home_;
  const testing::Netns* netns_;
  std::string pin_dir_;
  std::string socket_;
  int feed_port_ = 0;
  std::optional<testing::Process> process_;
};

}  // namespace vicinity::bench
