#include "bench/ours.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "base/status.h"
#include "support/bpffs.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

// As a daemon sets it, and longer than any run.
constexpr absl::Duration kLease = absl::Minutes(10);
// The hooks compare with it, as they do on a node, but no client is in it.
constexpr uint64_t kHostNetns = 1;

double ms_between(int64_t start_ns, int64_t end_ns) {
  return static_cast<double>(end_ns - start_ns) / 1e6;
}

}  // namespace

absl::StatusOr<Ours> Ours::attach(const testing::Cgroup& cgroup, const std::string& pin_dir,
                                  const OursSpec& spec) {
  const auto counting =
      spec.counters == Counters::kOn ? dataplane::Counting::kOn : dataplane::Counting::kOff;
  VIC_ASSIGN_OR_RETURN(std::unique_ptr<dataplane::KernelDataplane> dataplane,
                       dataplane::KernelDataplane::open({.cgroup = cgroup.path(),
                                                         .pin_dir = pin_dir,
                                                         .limits = {},
                                                         .counting = counting,
                                                         .peer_names = spec.peer_names,
                                                         .host_netns = kHostNetns}));
  dataplane->renew_lease(kLease);
  if (spec.trace == Trace::kOn) VIC_RETURN_IF_ERROR(dataplane->traces()->keep_on(kLease));
  return Ours(std::move(dataplane), pin_dir);
}

Ours& Ours::operator=(Ours&& other) noexcept {
  std::swap(dataplane_, other.dataplane_);
  std::swap(pin_dir_, other.pin_dir_);
  return *this;
}

Ours::~Ours() {
  if (dataplane_ == nullptr) return;
  dataplane_.reset();
  const absl::Status status = testing::remove_pin_tree(pin_dir_);
  if (!status.ok()) fmt::print(stderr, "bench: clean up: {}\n", base::message(status));
}

absl::StatusOr<FillTime> Ours::fill(const model::Snapshot& snapshot, const ClusterSpec& spec) {
  const int64_t start = testing::monotonic_ns();
  VIC_ASSIGN_OR_RETURN(const compile::Diff diff, compile_cluster(snapshot, spec));
  const int64_t compiled = testing::monotonic_ns();
  const dataplane::ApplyResult result = dataplane_->apply(diff);
  const int64_t applied = testing::monotonic_ns();
  if (!result.refused.empty()) return result.refused.front().status;
  if (result.published != snapshot.service_count()) {
    return base::internal("fill: {} of {} services published", result.published,
                          snapshot.service_count());
  }
  return FillTime{.compile_ms = ms_between(start, compiled),
                  .apply_ms = ms_between(compiled, applied)};
}

absl::StatusOr<HookRuns> Ours::other_runs() const {
  HookRuns sum;
  for (const std::string_view name : {"vic_set_state", "vic_error_report"}) {
    const int program = dataplane_->program_fd(name);
    if (program < 0) continue;
    VIC_ASSIGN_OR_RETURN(const HookRuns runs, runs_of_program(program));
    sum.time_ns += runs.time_ns;
    sum.count += runs.count;
  }
  return sum;
}

void Ours::maintain() { dataplane_->maintain(); }

// Some of what is due takes several steps with a grace period between them.
absl::Status Ours::settle() {
  constexpr int kLeast = 10;
  constexpr int kMost = 500;
  for (int step = 0; step < kMost; ++step) {
    maintain();
    if (step >= kLeast && dataplane_->status().pending_reclaims == 0) return absl::OkStatus();
    testing::pause_for(std::chrono::milliseconds(20));
  }
  return base::internal("tables do not come to rest");
}

}  // namespace vicinity::bench
