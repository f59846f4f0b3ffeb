// One row of the benchmark while it is measured: a process that connects from a cgroup and network
// namespace of its own, and whatever rewrites its connects. All variants exist side by side, so
// that rounds can go from one to the next. Main thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/client.h"
#include "bench/hooks.h"
#include "bench/options.h"
#include "bench/ours.h"
#include "bench/report.h"
#include "bench/workspace.h"

namespace vicinity::bench {

enum class Rewriter { kNone, kEmpty, kOurs, kIptablesLegacy, kIptablesNft, kNftables };

struct VariantSpec {
  std::string name;
  Rewriter rewriter = Rewriter::kNone;
  ClusterSpec cluster;
  OursSpec ours = {};
};

// The rows, in the order they are printed.
[[nodiscard]] std::vector<VariantSpec> variant_specs(const Options& options);

class Variant {
 public:
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Variant>> make(const VariantSpec& spec,
                                                                     const Options& options,
                                                                     const Workspace& workspace);

  [[nodiscard]] const VariantSpec& spec() const { return spec_; }
  [[nodiscard]] bool has_program() const {
    return spec_.rewriter == Rewriter::kEmpty || spec_.rewriter == Rewriter::kOurs;
  }

  // One batch with the kernel's statistics off, and, where there is a program, one with them on.
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
  [[nodiscard]] absl::Status load_rules(std::vector<std::string> argv, const std::string& text);
  [[nodiscard]] absl::Status warm_up();
  [[nodiscard]] Batch batch(uint64_t seed) const;
  [[nodiscard]] absl::Status measure_latency(uint64_t seed);
  [[nodiscard]] absl::Status measure_hook(uint64_t seed);

  VariantSpec spec_;
  unsigned connects_;
  testing::Netns netns_;
  testing::Cgroup cgroup_;
  std::optional<EmptyHooks> empty_;
  std::optional<Ours> ours_;
  std::optional<Client> client_;

  std::vector<double> p50_us_;
  std::vector<double> p99_us_;
  std::vector<double> rate_;
  std::vector<double> hook_ns_;
  std::vector<double> fill_ms_;
  std::vector<double> compile_and_fill_ms_;
};

}  // namespace vicinity::bench
