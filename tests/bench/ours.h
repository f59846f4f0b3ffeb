// Vicinity itself as a variant: the real tables of a generated cluster in the real maps, with the
// real programs on the variant's cgroup. Main thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "bench/cluster.h"
#include "bench/hooks.h"
#include "bench/workspace.h"
#include "dataplane/kernel_dataplane.h"
#include "support/cgroup.h"

namespace vicinity::bench {

enum class Counters { kOn, kOff };
enum class Trace { kOff, kOn };
struct OursSpec {
  Counters counters = Counters::kOn;
  Trace trace = Trace::kOff;
  dataplane::PeerNames peer_names = dataplane::PeerNames::kUdp;  // the daemon's default
};

struct FillTime {
  double compile_ms = 0;  // model to tables
  double apply_ms = 0;    // tables to maps
};

class Ours {
 public:
  // Everything it pinned, and so the hooks, go with the object.
  Ours(Ours&&) noexcept = default;
  Ours& operator=(Ours&& other) noexcept;
  ~Ours();
  [[nodiscard]] static absl::StatusOr<Ours> attach(const testing::Cgroup& cgroup,
                                                   const std::string& pin_dir,
                                                   const OursSpec& spec);

  // Into empty tables. A service that is refused is an error.
  [[nodiscard]] absl::StatusOr<FillTime> fill(const model::Snapshot& snapshot,
                                              const ClusterSpec& spec);
  // Lets the dataplane do what is due, such as giving out counter rows that were asked for.
  void maintain();
  // The same until it has nothing more to do, as is the case soon after a daemon's last change.
  [[nodiscard]] absl::Status settle();
  // What the hooks counted so far.
  [[nodiscard]] dataplane::Outcomes outcomes() const { return dataplane_->outcomes(); }
  [[nodiscard]] int program_fd(std::string_view hook) const { return dataplane_->program_fd(hook); }
  // All runs so far of the programs that are attached elsewhere than to the cgroup.
  [[nodiscard]] absl::StatusOr<HookRuns> other_runs() const;

 private:
  Ours(std::unique_ptr<dataplane::KernelDataplane> dataplane, std::string pin_dir)
      : dataplane_(std::move(dataplane)), pin_dir_(std::move(pin_dir)) {}
  std::unique_ptr<dataplane::KernelDataplane> dataplane_;
  std::string pin_dir_;
};

}  // namespace vicinity::bench
