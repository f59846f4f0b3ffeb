#include "bench/variant.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
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

double per_second(const BatchResult& result) {
  return static_cast<double>(result.latencies_ns.size()) * 1e9 /
         static_cast<double>(result.elapsed_ns);
}

constexpr uint32_t kTwo = 2;
constexpr uint32_t kAskedAtOnce = 1000;

bool kernel_has_ipvs() { return access("/proc/net/ip_vs", F_OK) == 0; }

double per_connect(const HookRuns& before, const HookRuns& after, uint64_t connects) {
  return static_cast<double>(after.time_ns - before.time_ns) / static_cast<double>(connects);
}

}  // namespace

bool Variant::has_program() const {
  return spec_.rewriter == Rewriter::kEmpty || spec_.rewriter == Rewriter::kOurs ||
         spec_.rewriter == Rewriter::kForeign;
}

std::string Variant::directory() const {
  const std::string path = cgroup_.path();
  return path.substr(path.rfind('/') + 1);
}

bpf_attach_type Variant::hook() const {
  const bool ip6 =
      spec_.cluster.family == Family::kIpv6 || spec_.traffic.sockets == Sockets::kMapped;
  if (sends(spec_.traffic.talk)) return ip6 ? BPF_CGROUP_UDP6_SENDMSG : BPF_CGROUP_UDP4_SENDMSG;
  return ip6 ? BPF_CGROUP_INET6_CONNECT : BPF_CGROUP_INET4_CONNECT;
}

absl::StatusOr<std::unique_ptr<Variant>> Variant::make(const VariantSpec& spec,
                                                       const Options& options,
                                                       const Workspace& workspace) {
  std::string directory = spec.name;
  for (char& c : directory) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '-';
  }
  VIC_ASSIGN_OR_RETURN(testing::Netns netns, make_endpoint_netns());
  VIC_ASSIGN_OR_RETURN(testing::Cgroup cgroup, workspace.make_cgroup(directory));
  std::unique_ptr<Variant> variant(
      new Variant(spec, options.connects, std::move(netns), std::move(cgroup)));
  VIC_RETURN_IF_ERROR(variant->set_up(options, workspace));
  if (!variant->absent_.empty()) return variant;
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
    case Rewriter::kForeign:
      return fill_foreign(options, workspace);
    case Rewriter::kIptablesLegacy:
      return load_rules({"iptables-legacy-restore", "-w", "10"}, iptables_rules(shape));
    case Rewriter::kIptablesNft:
      return load_rules({"iptables-nft-restore"}, iptables_rules(shape));
    case Rewriter::kNftables:
      return load_rules({"nft", "-f"}, nftables_rules(shape));
    case Rewriter::kIpvs:
      return load_ipvs();
  }
}

// Fills fresh tables as often as asked for; the last ones stay.
absl::Status Variant::fill_ours(const Options& options, const Workspace& workspace) {
  if (spec_.traffic.arrival == Arrival::kService) VIC_RETURN_IF_ERROR(own_services(netns_));
  const model::Snapshot snapshot = make_cluster(spec_.cluster);
  for (unsigned i = 0; i < options.fills; ++i) {
    ours_.reset();
    const std::string pin_dir = workspace.pin_dir(fmt::format("{}-{}", directory(), i));
    VIC_ASSIGN_OR_RETURN(Ours ours, Ours::attach(cgroup_, pin_dir, spec_.ours));
    VIC_ASSIGN_OR_RETURN(const FillTime time, ours.fill(snapshot, spec_.cluster));
    ours_ = std::move(ours);
    fill_ms_.push_back(time.apply_ms);
    compile_and_fill_ms_.push_back(time.compile_ms + time.apply_ms);
  }
  return absl::OkStatus();
}

absl::Status Variant::fill_foreign(const Options& options, const Workspace& workspace) {
  const std::string pin_dir = workspace.pin_dir(directory());
  VIC_ASSIGN_OR_RETURN(Foreign foreign, Foreign::attach(cgroup_, options.object_file, pin_dir));
  VIC_ASSIGN_OR_RETURN(const compile::Diff diff,
                       compile_cluster(make_cluster(spec_.cluster), spec_.cluster));
  VIC_ASSIGN_OR_RETURN(const double took,
                       load_rules_ms(netns_, {options.fill_program, pin_dir}, table_lines(diff)));
  foreign_ = std::move(foreign);
  fill_ms_.push_back(took);
  return absl::OkStatus();
}

absl::Status Variant::load_rules(std::vector<std::string> argv, const std::string& text) {
  VIC_RETURN_IF_ERROR(route_services(netns_));
  VIC_ASSIGN_OR_RETURN(const double took, load_rules_ms(netns_, std::move(argv), text));
  fill_ms_.push_back(took);
  return absl::OkStatus();
}

absl::Status Variant::load_ipvs() {
  if (!kernel_has_ipvs()) {
    absent_ = "not in this kernel";
    return absl::OkStatus();
  }
  VIC_RETURN_IF_ERROR(own_services(netns_));
  return load_rules({"ipvsadm", "--restore"}, ipvs_rules(spec_.cluster.shape));
}

// Each service once, so that those with counters have asked for their row; and once more with it.
// No more at a time than there is room for in the buffer in which they ask.
absl::Status Variant::warm_up() {
  const uint32_t services = spec_.cluster.shape.services;
  Batch once = batch(1);
  if (once.traffic.aim == Aim::kService) once.traffic.aim = Aim::kInTurn;
  for (uint32_t first = 0; first < 2 * services; first += kAskedAtOnce) {
    once.first_turn = first;
    once.connects = std::min(kAskedAtOnce, 2 * services - first);
    const absl::StatusOr<BatchResult> result = client_->run(once);
    if (!result.ok()) {
      return base::internal("{}: warm up: {}", spec_.name, base::message(result.status()));
    }
    if (ours_) ours_->maintain();
  }
  return ours_ ? ours_->settle() : absl::OkStatus();
}

Batch Variant::batch(uint64_t seed) const {
  return {.shape = spec_.cluster.shape,
          .connects = connects_,
          .family = spec_.cluster.family,
          .traffic = spec_.traffic,
          .seed = seed};
}

absl::Status Variant::measure(uint64_t seed) {
  if (!absent_.empty()) return absl::OkStatus();
  absl::Status status = measure_latency(seed);
  if (status.ok() && usable_cpus() >= kTwo) status = measure_two(seed + 1);
  if (status.ok() && has_program()) status = measure_hook(seed + 2);
  if (status.ok()) return status;
  return base::internal("{}: measure: {}", spec_.name, base::message(status));
}

absl::Status Variant::measure_latency(uint64_t seed) {
  VIC_ASSIGN_OR_RETURN(const BatchResult result, client_->run(batch(seed)));
  p50_us_.push_back(quantile_us(result.latencies_ns, 0.50));
  p99_us_.push_back(quantile_us(result.latencies_ns, 0.99));
  p999_us_.push_back(quantile_us(result.latencies_ns, 0.999));
  rate_.push_back(per_second(result));
  return absl::OkStatus();
}

absl::Status Variant::measure_two(uint64_t seed) {
  Batch two = batch(seed);
  two.workers = kTwo;
  VIC_ASSIGN_OR_RETURN(const BatchResult result, client_->run(two));
  rate_of_two_.push_back(per_second(result));
  return absl::OkStatus();
}

absl::StatusOr<HookRuns> Variant::all_runs() const {
  VIC_ASSIGN_OR_RETURN(HookRuns runs, all_hook_runs(cgroup_));
  if (!ours_) return runs;
  VIC_ASSIGN_OR_RETURN(const HookRuns others, ours_->other_runs());
  return HookRuns{.time_ns = runs.time_ns + others.time_ns, .count = runs.count + others.count};
}

uint64_t Variant::counted() const {
  return spec_.outcome == nullptr ? 0 : ours_->outcomes().*spec_.outcome;
}

absl::Status Variant::measure_hook(uint64_t seed) {
  VIC_ASSIGN_OR_RETURN(const RunTimeStats stats, RunTimeStats::enable());
  VIC_ASSIGN_OR_RETURN(const HookRuns before, hook_runs(cgroup_, hook()));
  VIC_ASSIGN_OR_RETURN(const HookRuns all_before, all_runs());
  const uint64_t counted_before = counted();
  VIC_RETURN_IF_ERROR(client_->run(batch(seed)).status());
  VIC_ASSIGN_OR_RETURN(const HookRuns after, hook_runs(cgroup_, hook()));
  VIC_ASSIGN_OR_RETURN(const HookRuns all_after, all_runs());
  const uint64_t runs = after.count - before.count;
  if (runs < connects_) return base::internal("{} of {} ran the program", runs, connects_);
  if (spec_.outcome != nullptr && counted() - counted_before != connects_) {
    return base::internal("{} of {} were what they should be", counted() - counted_before,
                          connects_);
  }
  hook_ns_.push_back(per_connect(before, after, runs));
  all_programs_ns_.push_back(per_connect(all_before, all_after, runs));
  return absl::OkStatus();
}

Row Variant::row() const {
  const bool straight = spec_.rewriter == Rewriter::kNone || spec_.rewriter == Rewriter::kEmpty;
  Row row{.group = spec_.group,
          .name = spec_.name,
          .absent = absent_,
          .shape = spec_.cluster.shape,
          .has_services = !straight};
  const auto take = [](const std::vector<double>& values, std::optional<Spread>& into) {
    if (!values.empty()) into = spread_of(values);
  };
  take(p50_us_, row.p50_us);
  take(p99_us_, row.p99_us);
  take(p999_us_, row.p999_us);
  take(rate_, row.connects_per_second);
  take(rate_of_two_, row.connects_per_second_of_two);
  take(hook_ns_, row.hook_ns);
  take(all_programs_ns_, row.all_programs_ns);
  take(fill_ms_, row.fill_ms);
  take(compile_and_fill_ms_, row.compile_and_fill_ms);
  return row;
}

}  // namespace vicinity::bench
