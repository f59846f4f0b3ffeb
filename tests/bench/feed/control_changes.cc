// Changes of a mesh that is followed.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "base/status.h"
#include "bench/feed/connects.h"
#include "bench/feed/control_bench.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

constexpr int kLosses = 5;  // of a third of all workloads: the median counts

// Microseconds. REQUIRES: sorted.
double at_part(const std::vector<int64_t>& ns, double part) {
  return static_cast<double>(ns[static_cast<size_t>(part * as_real(ns.size() - 1))]) / 1e3;
}

std::vector<int64_t> sorted(const std::vector<RoundTrip>& trips, int64_t RoundTrip::* of) {
  std::vector<int64_t> ns(trips.size());
  std::ranges::transform(trips, ns.begin(), [of](const RoundTrip& trip) { return trip.*of; });
  std::ranges::sort(ns);
  return ns;
}

// Calls `each(i)` at a pace, until it fails.
template <class Each>
absl::Status at_pace(uint32_t per_second, double seconds, Each each) {
  const auto count = std::max<uint64_t>(1, static_cast<uint64_t>(seconds * per_second));
  const int64_t step = 1'000'000'000 / per_second;
  const int64_t begin = testing::monotonic_ns();
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t due = begin + static_cast<int64_t>(i) * step;
    if (const int64_t early = due - testing::monotonic_ns(); early > 0)
      testing::pause_for(std::chrono::nanoseconds(early));
    VIC_RETURN_IF_ERROR(each());
  }
  return absl::OkStatus();
}

// Of one CPU, since its making.
class CpuPart {
 public:
  explicit CpuPart(const Daemon& daemon)
      : daemon_(daemon), used_(daemon.cpu_seconds()), begin_(testing::monotonic_ns()) {}
  [[nodiscard]] double so_far() const {
    const double lasted = static_cast<double>(testing::monotonic_ns() - begin_) / 1e9;
    return (daemon_.cpu_seconds() - used_) / lasted;
  }

 private:
  const Daemon& daemon_;
  double used_;
  int64_t begin_;
};

}  // namespace

// An answer to a response of one change leaves after the table is there. Nobody looks at the table
// meanwhile: who waits for it in memory takes a CPU that the daemon would have.
absl::StatusOr<RoundTrip> ControlBench::change_watched(TableWatch& tables, const Change& change) {
  const uint64_t nonce = server_->next_nonce();
  const std::string bytes = response(change.resources, change.removed, nonce);
  const uint32_t address = load_service_address(change.service);
  VIC_RETURN_IF_ERROR(tables.follow());
  const std::pair before(tables.generation(), tables.view(address));
  wire_->begin();
  server_->send(bytes);
  VIC_RETURN_IF_ERROR(server_->wait_answers(kControlPatience));
  VIC_RETURN_IF_ERROR(tables.follow());
  if (before == std::pair(tables.generation(), tables.view(address)))
    return base::internal("no table was changed");
  if (wire_->left() == 0) return base::internal("no packet was seen of an answer");
  return RoundTrip{.on_wire = wire_->left() - wire_->arrived(),
                   .at_server = server_->answered_ns(nonce) - server_->sent_ns(nonce)};
}

void ControlBench::add_trips(std::string name, const std::vector<RoundTrip>& trips, double cpu) {
  const std::vector<int64_t> ns = sorted(trips, &RoundTrip::on_wire);
  const double at_server = at_part(sorted(trips, &RoundTrip::at_server), 0.5);
  add(std::move(name),
      fmt::format("p50 {:.0f} us, p99 {:.0f} us, max {:.0f} us, at the server p50 {:.0f} us, "
                  "{:.1f} % of a CPU",
                  at_part(ns, 0.5), at_part(ns, 0.99), at_part(ns, 1), at_server, 100 * cpu),
      numbers({{"p50_us", at_part(ns, 0.5)},
               {"p99_us", at_part(ns, 0.99)},
               {"max_us", at_part(ns, 1)},
               {"at_server_p50_us", at_server},
               {"cpu", cpu}}));
}

// Faster than each can be waited for: what the answers tell.
absl::Status ControlBench::churn(const Pace& pace) {
  std::mt19937 random(pace.per_second);
  std::uniform_int_distribution<uint32_t> pick(0, spec_.workloads - 1);
  const uint64_t first = server_->next_nonce();
  const CpuPart cpu(*daemon_);
  VIC_RETURN_IF_ERROR(at_pace(pace.per_second, pace.seconds, [&] {
    const uint32_t workload = pick(random);
    load_.flip_health(workload);
    send({load_.workload(workload)});
    return absl::OkStatus();
  }));
  VIC_RETURN_IF_ERROR(server_->wait_answers(kControlPatience));
  const double used = cpu.so_far();
  std::vector<int64_t> ns;
  for (uint64_t nonce = first; nonce < server_->next_nonce(); nonce += 2)
    ns.push_back(latency_ns(nonce));
  std::ranges::sort(ns);
  add(fmt::format("{} changes a second, at the server", pace.per_second),
      fmt::format("p50 {:.0f} us, p99 {:.0f} us, max {:.0f} us, {:.1f} % of a CPU",
                  at_part(ns, 0.5), at_part(ns, 0.99), at_part(ns, 1), 100 * used),
      numbers({{"p50_us", at_part(ns, 0.5)},
               {"p99_us", at_part(ns, 0.99)},
               {"max_us", at_part(ns, 1)},
               {"cpu", used}}));
  return absl::OkStatus();
}

absl::Status ControlBench::churn_watched(const Pace& pace) {
  VIC_ASSIGN_OR_RETURN(TableWatch tables, TableWatch::open(daemon_->pin_dir()));
  std::mt19937 random(pace.per_second);
  std::uniform_int_distribution<uint32_t> pick(0, spec_.workloads - 1);
  const CpuPart cpu(*daemon_);
  std::vector<RoundTrip> trips;
  VIC_RETURN_IF_ERROR(at_pace(pace.per_second, pace.seconds, [&]() -> absl::Status {
    const uint32_t workload = pick(random);
    load_.flip_health(workload);
    VIC_ASSIGN_OR_RETURN(trips.emplace_back(),
                         change_watched(tables, {.resources = {load_.workload(workload)},
                                                 .removed = {},
                                                 .service = load_.service(workload)}));
    return absl::OkStatus();
  }));
  add_trips(fmt::format("{} changes a second, wire to answer", pace.per_second), trips,
            cpu.so_far());
  return absl::OkStatus();
}

// A client of gRPC alone, without decoding and without tables: to the answer on the wire.
absl::Status ControlBench::wire_alone(const Pace& pace) {
  VIC_ASSIGN_OR_RETURN(const auto swallower, Swallower::start(workspace_, *netns_));
  VIC_RETURN_IF_ERROR(swallower->watch_wire());
  std::vector<RoundTrip> trips;
  VIC_RETURN_IF_ERROR(at_pace(pace.per_second, pace.seconds, [&]() -> absl::Status {
    VIC_ASSIGN_OR_RETURN(trips.emplace_back(), swallower->take_empty());
    return absl::OkStatus();
  }));
  const std::vector<int64_t> ns = sorted(trips, &RoundTrip::on_wire);
  const double at_server = at_part(sorted(trips, &RoundTrip::at_server), 0.5);
  add(fmt::format("  {} a second, gRPC alone, wire to answer", pace.per_second),
      fmt::format("p50 {:.0f} us, p99 {:.0f} us, at the server p50 {:.0f} us", at_part(ns, 0.5),
                  at_part(ns, 0.99), at_server),
      numbers({{"p50_us", at_part(ns, 0.5)},
               {"p99_us", at_part(ns, 0.99)},
               {"at_server_p50_us", at_server}}));
  return absl::OkStatus();
}

absl::Status ControlBench::add_and_remove() {
  VIC_ASSIGN_OR_RETURN(TableWatch tables, TableWatch::open(daemon_->pin_dir()));
  std::mt19937 random(1);
  std::uniform_int_distribution<uint32_t> pick(0, spec_.workloads - 1);
  std::array<std::vector<RoundTrip>, 2> trips;  // of removals, of additions
  for (int i = 0; i < 100; ++i) {
    // One that is ill is in no table.
    uint32_t workload = pick(random);
    while (!load_.healthy(workload)) workload = pick(random);
    const uint32_t service = load_.service(workload);
    const uint32_t resource = load_.workload(workload);
    VIC_ASSIGN_OR_RETURN(
        trips[0].emplace_back(),
        change_watched(tables,
                       {.resources = {}, .removed = {load_.name(resource)}, .service = service}));
    VIC_ASSIGN_OR_RETURN(
        trips[1].emplace_back(),
        change_watched(tables, {.resources = {resource}, .removed = {}, .service = service}));
  }
  const double removed = at_part(sorted(trips[0], &RoundTrip::on_wire), 0.5);
  const double added = at_part(sorted(trips[1], &RoundTrip::on_wire), 0.5);
  add("one pod removed / added, wire to answer",
      fmt::format("p50 {:.0f} / {:.0f} us", removed, added),
      numbers({{"removed_us", removed}, {"added_us", added}}));
  return absl::OkStatus();
}

absl::Status ControlBench::replace_pods() {
  const auto members = load_.members_of_size(5000);
  const double cpu = daemon_->cpu_seconds();
  const uint64_t first = server_->next_nonce();
  const size_t count = std::min<size_t>(members.size(), 1000);
  for (size_t i = 0; i < count; ++i) {
    const std::string old = load_.replace(members[i]);
    send({load_.workload(members[i])}, {old});
  }
  VIC_RETURN_IF_ERROR(server_->wait_answers(kControlPatience));
  const uint64_t last = server_->next_nonce() - 1;
  const double took = to_ms(server_->answered_ns(last) - server_->sent_ns(first));
  const double used = daemon_->cpu_seconds() - cpu;
  add(fmt::format("{} pods of a service of {}, one by one", count, members.size()),
      fmt::format("{:.0f} ms, {:.2f} s of CPU", took, used),
      numbers({{"ms", took}, {"cpu_s", used}, {"endpoints", as_real(members.size())}}));
  return absl::OkStatus();
}

// And back, by turns.
std::vector<uint32_t> ControlBench::lose_third() {
  std::vector<uint32_t> lost;
  for (uint32_t i = 0; i < spec_.workloads; ++i) {
    if (load_.zone(i) % 3 != 1) continue;
    load_.flip_health(i);
    lost.push_back(load_.workload(i));
  }
  return lost;
}

absl::Status ControlBench::lose_zones() {
  std::vector<uint32_t> lost;
  std::vector<Work> works;
  for (int i = 0; i < kLosses; ++i) {
    lost = lose_third();
    VIC_ASSIGN_OR_RETURN(works.emplace_back(), change(lost));
    VIC_RETURN_IF_ERROR(change(lose_third()).status());  // back
  }
  const auto median = works.begin() + kLosses / 2;
  std::ranges::nth_element(works, median, {}, &Work::wall_ns);
  const Work& work = *median;
  add(fmt::format("a third of all workloads ({}) lost", lost.size()),
      fmt::format("{:.0f} ms, {:.2f} s of CPU", to_ms(work.wall_ns), work.cpu_s),
      numbers({{"ms", to_ms(work.wall_ns)}, {"cpu_s", work.cpu_s}}));
  return absl::OkStatus();
}

// A connect does not wait for the control plane, whatever that is doing.
absl::Status ControlBench::connect_meanwhile() {
  const uint32_t services = std::min(100U, spec_.services);
  VIC_ASSIGN_OR_RETURN(Connects connects, Connects::start(*netns_, daemon_->cgroup(), services));
  for (int i = 0; i < 6; ++i) VIC_RETURN_IF_ERROR(change(lose_third()).status());
  VIC_ASSIGN_OR_RETURN(const ConnectTally tally, connects.stop());
  add("connects while a third goes and comes thrice",
      fmt::format("{} of {} failed, p50 {:.0f} us, p99 {:.0f} us, max {:.0f} us", tally.failed,
                  tally.connects, tally.p50_us, tally.p99_us, tally.max_us),
      numbers({{"connects", as_real(tally.connects)},
               {"failed", as_real(tally.failed)},
               {"p50_us", tally.p50_us},
               {"p99_us", tally.p99_us},
               {"max_us", tally.max_us}}));
  return absl::OkStatus();
}

absl::Status ControlBench::relabel() {
  std::vector<uint32_t> own;
  for (uint32_t i = 0; i < spec_.workloads; ++i) {
    if (load_.on_this_node(i)) own.push_back(load_.workload(i));
  }
  load_.move_this_node(4);
  VIC_ASSIGN_OR_RETURN(const Work work, change(own));
  add("this node relabelled, everything ranked again",
      fmt::format("{:.0f} ms, {:.2f} s of CPU", to_ms(work.wall_ns), work.cpu_s),
      numbers({{"ms", to_ms(work.wall_ns)}, {"cpu_s", work.cpu_s}}));
  return absl::OkStatus();
}

absl::Status ControlBench::change_all_ways(double churn_seconds) {
  for (const uint32_t per_second : {1U, 100U})
    VIC_RETURN_IF_ERROR(churn_watched({.per_second = per_second, .seconds = churn_seconds}));
  VIC_RETURN_IF_ERROR(churn({.per_second = 2000, .seconds = churn_seconds}));
  for (const uint32_t per_second : {1U, 100U})
    VIC_RETURN_IF_ERROR(wire_alone({.per_second = per_second, .seconds = churn_seconds}));
  VIC_RETURN_IF_ERROR(add_and_remove());
  VIC_RETURN_IF_ERROR(replace_pods());
  VIC_RETURN_IF_ERROR(lose_zones());
  VIC_RETURN_IF_ERROR(connect_meanwhile());
  return relabel();
}

}  // namespace vicinity::bench
