// What the kernel says about the connect programs of a cgroup, and the programs that do nothing.
// Main thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <linux/bpf.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "support/cgroup.h"

struct bpf_link;
struct bpf_object;

namespace vicinity::bench {

// While it lives the kernel times every run of every BPF program (BPF_STATS_RUN_TIME).
class RunTimeStats {
 public:
  [[nodiscard]] static absl::StatusOr<RunTimeStats> enable();

 private:
  explicit RunTimeStats(base::UniqueFd fd) : fd_(std::move(fd)) {}
  base::UniqueFd fd_;
};

struct HookRuns {
  uint64_t time_ns = 0;
  uint64_t count = 0;
};

// All runs so far of this program.
[[nodiscard]] absl::StatusOr<HookRuns> runs_of_program(int fd);
// All runs so far of the programs of this kind that are attached to exactly this cgroup.
[[nodiscard]] absl::StatusOr<HookRuns> hook_runs(const testing::Cgroup& cgroup,
                                                 bpf_attach_type hook);
// The same of all kinds that see a socket.
[[nodiscard]] absl::StatusOr<HookRuns> all_hook_runs(const testing::Cgroup& cgroup);

// Programs of one instruction for connect() and sendto() in both families, attached as long as the
// object lives.
class EmptyHooks {
 public:
  [[nodiscard]] static absl::StatusOr<EmptyHooks> attach(const testing::Cgroup& cgroup);

 private:
  struct Close {
    void operator()(bpf_object* object) const;
    void operator()(bpf_link* link) const;
  };
  template <class T>
  using Owned = std::unique_ptr<T, Close>;
  [[nodiscard]] absl::StatusOr<Owned<bpf_link>> attach_one(const char* program, int cgroup_fd);

  Owned<bpf_object> object_;
  std::vector<Owned<bpf_link>> links_;
};

}  // namespace vicinity::bench
