#include "bench/ours.h"

#include <fmt/format.h>

#include <utility>

#include "base/status.h"
#include "dataplane/kernel_dataplane.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

double ms_between(int64_t start_ns, int64_t end_ns) {
  return static_cast<double>(end_ns - start_ns) / 1e6;
}

}  // namespace

absl::StatusOr<Ours> Ours::attach(const testing::Cgroup& cgroup, const std::string& pin_dir,
                                  Counters counters) {
  VIC_ASSIGN_OR_RETURN(
      std::unique_ptr<dataplane::KernelDataplane> dataplane,
      dataplane::KernelDataplane::open(
          {.pin_dir = pin_dir, .cgroup = cgroup.path(), .counting = counters == Counters::kOn}));
  dataplane->renew_lease(absl::ZeroDuration());
  return Ours(std::move(dataplane));
}

absl::StatusOr<FillTime> Ours::fill(const model::Snapshot& snapshot) {
  const int64_t start = testing::monotonic_ns();
  VIC_ASSIGN_OR_RETURN(const compile::Diff diff, compile_cluster(snapshot));
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

void Ours::maintain() { dataplane_->maintain(); }

}  // namespace vicinity::bench
