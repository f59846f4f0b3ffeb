// One row of the benchmark while it is measured: a process that connects from a cgroup and network
// namespace of its own, and whatever rewrites its connects. All variants exist side by side, so
// that rounds can go from one to the next. Main thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/client.h"
#include "bench/foreign.h"
#include "bench/hooks.h"
#include "bench/options.h"
#include "bench/ours.h"
#include "bench/report.h"
#include "bench/rows.h"
#include "bench/workspace.h"

namespace vicinity::bench {

class Variant {
 public:
  // One that this machine cannot have is made too: it measures nothing and its row says why.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Variant>> make(const VariantSpec& spec,
                                                                     const Options& options,
                                                                     const Workspace& workspace);

  [[nodiscard]] const VariantSpec& spec() const { return spec_; }
  [[nodiscard]] bool has_program() const;
  // REQUIRES: a row of ours.
  [[nodiscard]] int program_fd(std::string_view hook) const { return ours_->program_fd(hook); }

  // How many connects so far were what the row says of all of them; 0 if it does not say.
  [[nodiscard]] uint64_t counted() const;

  // One batch with the kernel's statistics off, one of two clients at once if there are two CPUs,
  // and, where there is a program, one with statistics.
  [[nodiscard]] absl::Status measure(uint64_t seed);
  [[nodiscard]] const std::vector<double>& hook_ns() const { return hook_ns_; }
  [[nodiscard]] Row row() const;

 private:
  Variant(VariantSpec spec, unsigned connects, testing::Netns netns, testing::Cgroup cgroup)
      : spec_(std::move(spec)),
        connects_(connects),
        netns_(std::move(netns)),
        cgroup_(std::move(cgroup)) {}
  [[nodiscard]] absl::Status set_up(const Options& options, const Workspace& workspace);
  [[nodiscard]] absl::Status fill_ours(const Options& options, const Workspace& workspace);
  [[nodiscard]] absl::Status fill_foreign(const Options& options, const Workspace& workspace);
  [[nodiscard]] absl::Status load_rules(std::vector<std::string> argv, const std::string& text);
  [[nodiscard]] absl::Status load_ipvs();
  [[nodiscard]] absl::Status warm_up();
  [[nodiscard]] std::string directory() const;
  [[nodiscard]] bpf_attach_type hook() const;
  [[nodiscard]] Batch batch(uint64_t seed) const;
  [[nodiscard]] absl::Status measure_latency(uint64_t seed);
  [[nodiscard]] absl::Status measure_two(uint64_t seed);
  [[nodiscard]] absl::Status measure_hook(uint64_t seed);
  [[nodiscard]] absl::StatusOr<HookRuns> all_runs() const;

  VariantSpec spec_;
  unsigned connects_;
  testing::Netns netns_;
  testing::Cgroup cgroup_;
  std::string absent_;  // why there is nothing to measure
  std::optional<EmptyHooks> empty_;
  std::optional<Ours> ours_;
  std::optional<Foreign> foreign_;
  std::optional<Client> client_;

  std::vector<double> p50_us_;
  std::vector<double> p99_us_;
  std::vector<double> p999_us_;
  std::vector<double> rate_;
  std::vector<double> rate_of_two_;
  std::vector<double> hook_ns_;
  std::vector<double> all_programs_ns_;
  std::vector<double> fill_ms_;
  std::vector<double> compile_and_fill_ms_;
};

}  // namespace vicinity::bench
