#include "bench/failure_cost.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "bench/client.h"
#include "bench/cluster.h"
#include "bench/far_host.h"
#include "bench/hooks.h"
#include "bench/workspace.h"
#include "dataplane/kernel_dataplane.h"
#include "support/bpffs.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

using dataplane::KernelDataplane;

constexpr Shape kShape = {.services = 100, .endpoints = 20};
constexpr absl::Duration kLease = absl::Minutes(10);

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Of what a busy machine only makes longer.
double lowest(const std::vector<double>& values) { return std::ranges::min(values); }

struct Series {
  std::vector<double> connect_ns;
  std::vector<double> whole_ns;
  std::vector<double> hook_ns;
  std::vector<double> others_ns;
  std::vector<double> other_runs;
};

// By what the tables watch.
struct AllSeries {
  Series without;
  Series another;
  Series with;
};

// One node with the programs of detection attached, or without.
class Bench {
 public:
  // `netns`: of the client, where `arrival` says who answers it.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Bench>> make(const CostOptions& options,
                                                                   const testing::Netns& netns,
                                                                   Arrival arrival) {
    VIC_ASSIGN_OR_RETURN(Workspace workspace, Workspace::create());
    VIC_ASSIGN_OR_RETURN(testing::Cgroup cgroup, workspace.make_cgroup("failure"));
    VIC_ASSIGN_OR_RETURN(Client client, Client::start(netns, cgroup));
    auto self = std::unique_ptr<Bench>(
        new Bench(options, std::move(workspace), std::move(cgroup), std::move(client)));
    self->arrival_ = arrival;
    VIC_ASSIGN_OR_RETURN(self->plain_,
                         compile_cluster(make_cluster({.shape = kShape}), {.shape = kShape}));
    self->watched_ = watched(self->plain_);
    self->another_ = self->plain_;
    self->another_.upserts.front() = self->watched_.upserts.front();
    return self;
  }

  ~Bench() {
    dataplane_.reset();
    (void)testing::remove_pin_tree(pin_dir_);
  }

  // What the statistics say of a program that does nothing.
  [[nodiscard]] absl::StatusOr<double> floor() {
    VIC_ASSIGN_OR_RETURN(const EmptyHooks empty, EmptyHooks::attach(cgroup_));
    VIC_ASSIGN_OR_RETURN(const RunTimeStats stats, RunTimeStats::enable());
    Batch straight = batch();
    straight.traffic.aim = Aim::kEndpoint;
    VIC_RETURN_IF_ERROR(client_.run(straight).status());
    VIC_ASSIGN_OR_RETURN(const HookRuns runs, hook_runs(cgroup_, BPF_CGROUP_INET4_CONNECT));
    return static_cast<double>(runs.time_ns) / static_cast<double>(runs.count);
  }

  absl::Status open() {
    VIC_ASSIGN_OR_RETURN(
        dataplane_,
        KernelDataplane::open({.cgroup = cgroup_.path(), .pin_dir = pin_dir_, .limits = {}}));
    dataplane_->renew_lease(kLease);
    return absl::OkStatus();
  }

  absl::Status rounds(AllSeries& all) {
    for (unsigned round = 0; round < options_.rounds; ++round) {
      VIC_RETURN_IF_ERROR(publish(plain_));
      VIC_RETURN_IF_ERROR(measure(all.without));
      VIC_RETURN_IF_ERROR(publish(another_));
      VIC_RETURN_IF_ERROR(measure(all.another));
      VIC_RETURN_IF_ERROR(publish(watched_));
      VIC_RETURN_IF_ERROR(measure(all.with));
    }
    return absl::OkStatus();
  }

 private:
  Bench(const CostOptions& options, Workspace workspace, testing::Cgroup cgroup, Client client)
      : options_(options),
        workspace_(std::move(workspace)),
        cgroup_(std::move(cgroup)),
        client_(std::move(client)),
        pin_dir_(workspace_.pin_dir("failure")) {}

  // Until everything that replaced tables held is free, and with it the tracing programs.
  absl::Status publish(const compile::Diff& diff) {
    const dataplane::ApplyResult result = dataplane_->apply(diff);
    if (!result.refused.empty()) return result.refused.front().status;
    const bool watching = diff.upserts.front().ports.front().watch.has_value();
    const auto settled = [&] {
      dataplane_->maintain();
      const auto status = dataplane_->status();
      return status.pending_reclaims == 0 && (status.watched_endpoints.used > 0) == watching &&
             (runs_of_a_connect().value_or(0) > 0) == watching;
    };
    if (!testing::wait_until(settled, std::chrono::seconds(30))) {
      return base::internal("tables {} watch: not settled within 30 s",
                            watching ? "with" : "without");
    }
    return client_.run(batch()).status();  // warm
  }

  [[nodiscard]] Batch batch() {
    return {.shape = kShape,
            .connects = options_.connects,
            .traffic = {.arrival = arrival_},
            .seed = ++seed_};
  }

  absl::Status measure(Series& series) {
    VIC_ASSIGN_OR_RETURN(const BatchResult result, client_.run(batch()));
    series.connect_ns.push_back(result.latencies_ns[result.latencies_ns.size() / 2]);
    series.whole_ns.push_back(static_cast<double>(result.elapsed_ns) / options_.connects);
    VIC_ASSIGN_OR_RETURN(const RunTimeStats stats, RunTimeStats::enable());
    VIC_ASSIGN_OR_RETURN(const HookRuns before, hook_runs(cgroup_, BPF_CGROUP_INET4_CONNECT));
    VIC_ASSIGN_OR_RETURN(const HookRuns others_before, other_runs());
    VIC_RETURN_IF_ERROR(client_.run(batch()).status());
    VIC_ASSIGN_OR_RETURN(const HookRuns after, hook_runs(cgroup_, BPF_CGROUP_INET4_CONNECT));
    VIC_ASSIGN_OR_RETURN(const HookRuns others_after, other_runs());
    const double connects = options_.connects;
    series.hook_ns.push_back(static_cast<double>(after.time_ns - before.time_ns) / connects);
    series.others_ns.push_back(static_cast<double>(others_after.time_ns - others_before.time_ns) /
                               connects);
    series.other_runs.push_back(static_cast<double>(others_after.count - others_before.count) /
                                connects);
    return absl::OkStatus();
  }

  // Of the tracing program: the kernel detaches it in the background.
  [[nodiscard]] absl::StatusOr<uint64_t> runs_of_a_connect() {
    const int program = dataplane_->program_fd("vic_set_state");
    if (program < 0) return 0;
    VIC_ASSIGN_OR_RETURN(const RunTimeStats stats, RunTimeStats::enable());
    VIC_ASSIGN_OR_RETURN(const HookRuns before, runs_of_program(program));
    Batch one = batch();
    one.connects = 1;
    VIC_RETURN_IF_ERROR(client_.run(one).status());
    VIC_ASSIGN_OR_RETURN(const HookRuns after, runs_of_program(program));
    return after.count - before.count;
  }

  // Of the programs beside connect4.
  [[nodiscard]] absl::StatusOr<HookRuns> other_runs() const {
    HookRuns sum;
    for (const std::string_view name : {"sock_release", "vic_set_state", "vic_error_report"}) {
      const int program = dataplane_->program_fd(name);
      if (program < 0) continue;
      VIC_ASSIGN_OR_RETURN(const HookRuns runs, runs_of_program(program));
      sum.time_ns += runs.time_ns;
      sum.count += runs.count;
    }
    return sum;
  }

  CostOptions options_;
  Workspace workspace_;
  testing::Cgroup cgroup_;
  Client client_;
  Arrival arrival_ = Arrival::kEndpoint;
  std::string pin_dir_;
  uint64_t seed_ = 0;
  std::unique_ptr<KernelDataplane> dataplane_;
  compile::Diff plain_;
  compile::Diff watched_;
  compile::Diff another_;  // one service of all is watched, to which one connect in a hundred goes
};

Compared medians(const AllSeries& all, std::vector<double> Series::* of) {
  return {.without = median(all.without.*of),
          .another = median(all.another.*of),
          .with = median(all.with.*of)};
}

absl::StatusOr<Cost> cost_in(const CostOptions& options, const testing::Netns& netns,
                             Arrival arrival) {
  VIC_ASSIGN_OR_RETURN(const std::unique_ptr<Bench> bench, Bench::make(options, netns, arrival));
  VIC_ASSIGN_OR_RETURN(const double floor, bench->floor());
  VIC_RETURN_IF_ERROR(bench->open());
  AllSeries all;
  VIC_RETURN_IF_ERROR(bench->rounds(all));
  const Compared runs = medians(all, &Series::other_runs);
  const auto above_floor = [&](const Compared& ns, const Compared& runs_each) {
    return Compared{.without = ns.without - runs_each.without * floor,
                    .another = ns.another - runs_each.another * floor,
                    .with = ns.with - runs_each.with * floor};
  };
  return Cost{.floor_ns = floor,
              .connect_ns = medians(all, &Series::connect_ns),
              .whole_ns = {lowest(all.without.whole_ns), lowest(all.another.whole_ns),
                           lowest(all.with.whole_ns)},
              .hook_ns = above_floor(medians(all, &Series::hook_ns),
                                     {.without = 1, .another = 1, .with = 1}),
              .others_ns = above_floor(medians(all, &Series::others_ns), runs),
              .other_runs = runs};
}

}  // namespace

absl::StatusOr<Cost> cost_of_detection(const CostOptions& options) {
  VIC_ASSIGN_OR_RETURN(const testing::Netns netns, make_endpoint_netns());
  return cost_in(options, netns, Arrival::kEndpoint);
}

absl::StatusOr<Cost> cost_to_the_client(const CostOptions& options) {
  VIC_ASSIGN_OR_RETURN(const std::unique_ptr<FarHost> far, FarHost::start());
  return cost_in(options, far->netns(), Arrival::kElsewhere);
}

}  // namespace vicinity::bench
