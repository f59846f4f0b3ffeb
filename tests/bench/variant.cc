#include "bench/variant.h"

#include <fmt/format.h>

#include <utility>

#include "base/status.h"
#include "bench/rules.h"

namespace vicinity::bench {
namespace {

using model::Family;

// A quantile of sorted values.
double quantile_us(const std::vector<uint32_t>& sorted_ns, double quantile) {
  const auto last = static_cast<double>(sorted_ns.size() - 1);
  return sorted_ns[static_cast<size_t>(quantile * last)] / 1e3;
}

std::vector<VariantSpec> our_specs(const Options& options) {
  std::vector<VariantSpec> specs;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    for (const Weights weights : {Weights::kEqual, Weights::kUnequal}) {
      for (const Counters counters : {Counters::kOn, Counters::kOff}) {
        specs.push_back({.name = fmt::format("ours {} {}{}", model::family_name(family),
                                             weights == Weights::kEqual ? "equal" : "unequal",
                                             counters == Counters::kOn ? "" : ", counters off"),
                         .rewriter = Rewriter::kOurs,
                         .cluster = {options.shape, family, weights},
                         .ours = {.counters = counters}});
      }
    }
  }
  const ClusterSpec ip4 = {options.shape, Family::kIpv4, Weights::kEqual};
  specs.push_back({.name = "ours ipv4 equal, traced",
                   .rewriter = Rewriter::kOurs,
                   .cluster = ip4,
                   .ours = {.trace = Trace::kOn}});
  specs.push_back({.name = "ours ipv4 equal, few services",
                   .rewriter = Rewriter::kOurs,
                   .cluster = {options.small, Family::kIpv4, Weights::kEqual}});
  return specs;
}

// Beside "few services", which is plain random over the same tables.
std::vector<VariantSpec> algorithm_specs(const Options& options) {
  using policy::Algorithm;
  std::vector<VariantSpec> specs;
  const auto add = [&](std::string_view name, const policy::AlgorithmSpec& algorithm) {
    specs.push_back({.name = fmt::format("ours ipv4 {}, few", name),
                     .rewriter = Rewriter::kOurs,
                     .cluster = {options.small, Family::kIpv4, Weights::kEqual, algorithm}});
  };
  add("round robin", {.kind = Algorithm::kRoundRobin});
  add("least request", {.kind = Algorithm::kLeastRequest});
  add("ring hash", {.kind = Algorithm::kRingHash});
  add("maglev", {.kind = Algorithm::kMaglev});
  add("random with affinity", {.affinity_timeout_s = 10800});
  return specs;
}

}  // namespace

std::vector<VariantSpec> variant_specs(const Options& options) {
  const ClusterSpec ip4 = {options.shape, Family::kIpv4, Weights::kEqual};
  const ClusterSpec ip6 = {options.shape, Family::kIpv6, Weights::kEqual};
  std::vector<VariantSpec> specs = {
      {.name = "no program ipv4", .rewriter = Rewriter::kNone, .cluster = ip4},
      {.name = "no program ipv6", .rewriter = Rewriter::kNone, .cluster = ip6},
      {.name = "empty program ipv4", .rewriter = Rewriter::kEmpty, .cluster = ip4},
      {.name = "empty program ipv6", .rewriter = Rewriter::kEmpty, .cluster = ip6}};
  for (VariantSpec& spec : our_specs(options)) specs.push_back(std::move(spec));
  for (VariantSpec& spec : algorithm_specs(options)) specs.push_back(std::move(spec));
  specs.push_back(
      {.name = "iptables-legacy ipv4", .rewriter = Rewriter::kIptablesLegacy, .cluster = ip4});
  specs.push_back(
      {.name = "iptables-nft ipv4", .rewriter = Rewriter::kIptablesNft, .cluster = ip4});
  specs.push_back({.name = "nftables ipv4", .rewriter = Rewriter::kNftables, .cluster = ip4});
  return specs;
}

absl::StatusOr<std::unique_ptr<Variant>> Variant::make(const VariantSpec& spec,
                                                       const Options& options,
                                                       const Workspace& workspace) {
  std::string directory = spec.name;
  for (char& c : directory) c = c == ' ' || c == ',' ? '-' : c;
  VIC_ASSIGN_OR_RETURN(testing::Netns netns, make_endpoint_netns());
  VIC_ASSIGN_OR_RETURN(testing::Cgroup cgroup, workspace.make_cgroup(directory));
  std::unique_ptr<Variant> variant(
      new Variant(spec, options.connects, std::move(netns), std::move(cgroup)));
  VIC_RETURN_IF_ERROR(variant->set_up(options, workspace));
  VIC_ASSIGN_OR_RETURN(Client client, Client::start(variant->netns_, variant->cgroup_));
  variant->client_ = std::move(client);
  VIC_RETURN_IF_ERROR(variant->warm_up());
  return variant;
}

absl::Status Variant::set_up(const Options& options, const Workspace& workspace) {
  const Shape& shape = spec_.cluster.shape;
  switch (spec_.rewriter) {
    case Rewriter::kNone:
      return absl::OkStatus();
    case Rewriter::kEmpty: {
      VIC_ASSIGN_OR_RETURN(EmptyHooks empty, EmptyHooks::attach(cgroup_));
      empty_ = std::move(empty);
      return absl::OkStatus();
    }
    case Rewriter::kOurs:
      return fill_ours(options, workspace);
    case Rewriter::kIptablesLegacy:
      return load_rules({"iptables-legacy-restore", "-w", "10"}, iptables_rules(shape));
    case Rewriter::kIptablesNft:
      return load_rules({"iptables-nft-restore"}, iptables_rules(shape));
    case Rewriter::kNftables:
      return load_rules({"nft", "-f"}, nftables_rules(shape));
  }
}

// Fills fresh tables as often as asked for; the last ones stay.
absl::Status Variant::fill_ours(const Options& options, const Workspace& workspace) {
  const model::Snapshot snapshot = make_cluster(spec_.cluster);
  for (unsigned i = 0; i < options.fills; ++i) {
    ours_.reset();
    const std::string pin_dir = workspace.pin_dir(
        fmt::format("{}-{}", cgroup_.path().substr(cgroup_.path().rfind('/') + 1), i));
    VIC_ASSIGN_OR_RETURN(Ours ours, Ours::attach(cgroup_, pin_dir, spec_.ours));
    VIC_ASSIGN_OR_RETURN(const FillTime time, ours.fill(snapshot, spec_.cluster.algorithm));
    ours_ = std::move(ours);
    fill_ms_.push_back(time.apply_ms);
    compile_and_fill_ms_.push_back(time.compile_ms + time.apply_ms);
  }
  return absl::OkStatus();
}

absl::Status Variant::load_rules(std::vector<std::string> argv, const std::string& text) {
  VIC_RETURN_IF_ERROR(route_services(netns_));
  VIC_ASSIGN_OR_RETURN(const double took, load_rules_ms(netns_, std::move(argv), text));
  fill_ms_.push_back(took);
  return absl::OkStatus();
}

// Each service once, so that those with counters have asked for their row; and once more with it.
absl::Status Variant::warm_up() {
  Batch once = batch(1);
  if (once.target == Target::kService) once.target = Target::kInTurn;
  once.connects = spec_.cluster.shape.services;
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<BatchResult> result = client_->run(once);
    if (!result.ok()) {
      return base::internal("{}: warm up: {}", spec_.name, base::message(result.status()));
    }
    if (ours_) ours_->maintain();
  }
  return absl::OkStatus();
}

Batch Variant::batch(uint64_t seed) const {
  const bool rewritten = spec_.rewriter != Rewriter::kNone && spec_.rewriter != Rewriter::kEmpty;
  return {.shape = spec_.cluster.shape,
          .connects = connects_,
          .target = rewritten ? Target::kService : Target::kEndpoint,
          .family = spec_.cluster.family,
          .seed = seed};
}

absl::Status Variant::measure(uint64_t seed) {
  VIC_RETURN_IF_ERROR(measure_latency(seed));
  return has_program() ? measure_hook(seed + 1) : absl::OkStatus();
}

absl::Status Variant::measure_latency(uint64_t seed) {
  VIC_ASSIGN_OR_RETURN(const BatchResult result, client_->run(batch(seed)));
  p50_us_.push_back(quantile_us(result.latencies_ns, 0.50));
  p99_us_.push_back(quantile_us(result.latencies_ns, 0.99));
  rate_.push_back(static_cast<double>(result.latencies_ns.size()) * 1e9 /
                  static_cast<double>(result.elapsed_ns));
  return absl::OkStatus();
}

absl::Status Variant::measure_hook(uint64_t seed) {
  const Family family = spec_.cluster.family;
  VIC_ASSIGN_OR_RETURN(const RunTimeStats stats, RunTimeStats::enable());
  VIC_ASSIGN_OR_RETURN(const HookRuns before, hook_runs(cgroup_, family));
  VIC_RETURN_IF_ERROR(client_->run(batch(seed)).status());
  VIC_ASSIGN_OR_RETURN(const HookRuns after, hook_runs(cgroup_, family));
  if (after.count - before.count < connects_) {
    return base::internal("{}: measure: {} of {} connects ran the program", spec_.name,
                          after.count - before.count, connects_);
  }
  hook_ns_.push_back(static_cast<double>(after.time_ns - before.time_ns) /
                     static_cast<double>(after.count - before.count));
  return absl::OkStatus();
}

Row Variant::row() const {
  Row row{.name = spec_.name,
          .shape = spec_.cluster.shape,
          .has_services = batch(0).target == Target::kService,
          .p50_us = spread_of(p50_us_),
          .p99_us = spread_of(p99_us_),
          .connects_per_second = spread_of(rate_)};
  if (!hook_ns_.empty()) row.hook_ns = spread_of(hook_ns_);
  if (!fill_ms_.empty()) row.fill_ms = spread_of(fill_ms_);
  if (!compile_and_fill_ms_.empty()) row.compile_and_fill_ms = spread_of(compile_and_fill_ms_);
  return row;
}

}  // namespace vicinity::bench
