// bench_control: what it costs to follow a large mesh: from the first byte of the feed to the last
// table in the kernel, then churn, a rolling restart, a lost zone, another place, a reconnect. As
// root. The feed comes from this process; vicinityd is another one.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "bench/feed/connects.h"
#include "bench/feed/daemon.h"
#include "bench/feed/decoded.h"
#include "bench/feed/load.h"
#include "bench/feed/server.h"
#include "bench/workspace.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

using namespace std::chrono_literals;
using base::Json;

constexpr absl::Duration kPatience = absl::Minutes(5);

struct ControlOptions {
  std::vector<std::string> sizes = {"1000x10000", "10000x100000"};  // services x workloads
  double seconds = 10;                                              // of each churn
  std::string json_file;
  uint32_t connects = 0;  // not 0: this is the process that connects
};

struct Figure {
  std::string name;
  std::string text;
  Json json;
};

double as_real(uint64_t value) { return static_cast<double>(value); }

Json numbers(std::initializer_list<std::pair<const char*, double>> members) {
  Json json = Json::object();
  for (const auto& [name, value] : members) json.add(name, Json::real(value));
  return json;
}

double to_ms(int64_t ns) { return static_cast<double>(ns) / 1e6; }
double to_mb(uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

class ControlBench {
 public:
  ControlBench(LoadSpec spec, const Workspace& workspace)
      : spec_(spec), load_(spec), workspace_(workspace) {}

  absl::Status run(double churn_seconds);
  [[nodiscard]] const std::vector<Figure>& figures() const { return figures_; }

 private:
  struct Work {
    int64_t wall_ns = 0;
    double cpu_s = 0;
  };

  absl::Status set_up();
  absl::Status start_cold();
  absl::Status load_all();
  absl::Status settle(uint64_t peak_anonymous);
  absl::Status churn(uint32_t per_second, double seconds);
  absl::Status wire_alone(uint32_t per_second, double seconds);
  absl::Status add_and_remove();
  absl::Status connect_meanwhile();
  absl::Status replace_pods();
  absl::Status lose_zones();
  absl::Status relabel();
  absl::Status reconnect();
  absl::Status restart();

  // Sends one response with these resources and waits until its tables are there.
  absl::StatusOr<Work> change(const std::vector<uint32_t>& resources);
  // An empty response follows each: an answer leaves when the response is decoded, after the tables
  // of the one before it are written. So the answer to the second tells of the tables of the first.
  void send(const std::vector<uint32_t>& resources, const std::vector<std::string>& removed = {});
  [[nodiscard]] int64_t latency_ns(uint64_t nonce) const {
    return server_->answered_ns(nonce + 1) - server_->sent_ns(nonce);
  }
  // Sorted latencies of `count` changes at that pace, which `change` sends, and what they cost.
  struct Paced {
    std::vector<int64_t> latencies;
    double cpu = 0;  // of one
  };
  template <class Change>
  absl::StatusOr<Paced> paced(uint32_t per_second, double seconds, Change change);
  void add_latencies(std::string name, const Paced& paced);
  [[nodiscard]] std::vector<uint32_t> lose_third();
  void add(std::string name, std::string text, Json json);
  void add_start(std::string name, double took);

  LoadSpec spec_;
  Load load_;
  const Workspace& workspace_;
  std::optional<testing::Netns> netns_;
  std::unique_ptr<FeedServer> server_;
  std::optional<Daemon> daemon_;
  std::vector<Figure> figures_;
  uint64_t empty_ = 0;  // resident before the first response
};

void ControlBench::add(std::string name, std::string text, Json json) {
  fmt::print("  {:<44} {}\n", name, text);
  std::fflush(stdout);
  figures_.push_back({std::move(name), std::move(text), std::move(json)});
}

void ControlBench::add_start(std::string name, double took) {
  const double used = daemon_->cpu_seconds();
  add(std::move(name), fmt::format("{:.0f} ms, {:.2f} s of CPU", took, used),
      numbers({{"ms", took}, {"cpu_s", used}}));
}

void ControlBench::send(const std::vector<uint32_t>& resources,
                        const std::vector<std::string>& removed) {
  std::vector<std::string> encoded;
  encoded.reserve(resources.size());
  for (const uint32_t resource : resources) encoded.push_back(load_.resource(resource));
  server_->send(encode_response(encoded, removed, server_->next_nonce()));
  server_->send(encode_response({}, {}, server_->next_nonce()));
}

absl::StatusOr<ControlBench::Work> ControlBench::change(const std::vector<uint32_t>& resources) {
  const double cpu = daemon_->cpu_seconds();
  const uint64_t nonce = server_->next_nonce();
  send(resources);
  VIC_RETURN_IF_ERROR(server_->wait_answers(kPatience));
  return Work{.wall_ns = latency_ns(nonce), .cpu_s = daemon_->cpu_seconds() - cpu};
}

absl::Status ControlBench::set_up() {
  VIC_ASSIGN_OR_RETURN(testing::Netns netns, testing::Netns::create());
  netns_.emplace(std::move(netns));
  absl::StatusOr<std::unique_ptr<FeedServer>> server = absl::UnknownError("not tried");
  testing::run_in(*netns_, [&] { server = FeedServer::start(0); });
  VIC_ASSIGN_OR_RETURN(server_, std::move(server));
  VIC_ASSIGN_OR_RETURN(Daemon daemon, Daemon::create(workspace_, *netns_, server_->port()));
  daemon_.emplace(std::move(daemon));
  return absl::OkStatus();
}

absl::Status ControlBench::start_cold() {
  VIC_ASSIGN_OR_RETURN(const double took, daemon_->start());
  add_start("cold start, exec to ready", took);
  VIC_RETURN_IF_ERROR(server_->wait_stream(absl::Seconds(30)).status());
  empty_ = daemon_->memory().resident;
  return absl::OkStatus();
}

absl::Status ControlBench::load_all() {
  std::vector<uint32_t> all(load_.resources());
  std::iota(all.begin(), all.end(), 0);
  std::string bytes;
  {
    std::vector<std::string> encoded;
    for (const uint32_t resource : all) encoded.push_back(load_.resource(resource));
    bytes = encode_response(encoded, {}, server_->next_nonce());
  }
  const PeakSampler sampler(daemon_->pid());
  const double cpu = daemon_->cpu_seconds();
  const uint64_t nonce = server_->next_nonce();
  server_->send(bytes);
  server_->send(encode_response({}, {}, server_->next_nonce()));
  VIC_RETURN_IF_ERROR(server_->wait_answers(kPatience));
  const double took = to_ms(latency_ns(nonce));
  const double used = daemon_->cpu_seconds() - cpu;
  add("everything in one response",
      fmt::format("{:.1f} MB in {:.0f} ms, {:.2f} s of CPU", to_mb(bytes.size()), took, used),
      numbers({{"bytes", as_real(bytes.size())}, {"ms", took}, {"cpu_s", used}}));
  return settle(sampler.anonymous());
}

// Until the memory stays as it is for a second.
absl::Status ControlBench::settle(uint64_t peak_anonymous) {
  uint64_t before = 0;
  for (int second = 0; second < 10 && before != daemon_->anonymous(); ++second) {
    before = daemon_->anonymous();
    testing::pause_for(1s);
  }
  const Memory memory = daemon_->memory();
  const uint64_t other = memory.resident - std::min(memory.resident, daemon_->anonymous());
  VIC_ASSIGN_OR_RETURN(const double kernel, daemon_->metric("vicinity_table_memory_bytes"));
  VIC_ASSIGN_OR_RETURN(const double slots,
                       daemon_->metric("vicinity_table_entries_used{table=\"slots4\"}"));
  add("memory settled / peak",
      fmt::format("{:.0f} / {:.0f} MB", to_mb(memory.resident), to_mb(peak_anonymous + other)),
      numbers({{"settled", as_real(memory.resident)}, {"peak", as_real(peak_anonymous + other)}}));
  const double each = (as_real(memory.resident) - as_real(empty_)) / spec_.workloads;
  add("memory of a workload", fmt::format("{:.0f} bytes above an empty daemon's", each),
      numbers({{"bytes", each}}));
  add("kernel memory of the tables", fmt::format("{:.1f} MB for {:.0f} slots", kernel / 1e6, slots),
      numbers({{"bytes", kernel}, {"slots", slots}}));
  return absl::OkStatus();
}

// Microseconds. REQUIRES: sorted.
double at_part(const std::vector<int64_t>& ns, double part) {
  return static_cast<double>(ns[static_cast<size_t>(part * as_real(ns.size() - 1))]) / 1e3;
}

template <class Change>
absl::StatusOr<ControlBench::Paced> ControlBench::paced(uint32_t per_second, double seconds,
                                                        Change change) {
  const auto count = std::max<uint64_t>(1, static_cast<uint64_t>(seconds * per_second));
  const int64_t step = 1'000'000'000 / per_second;
  const uint64_t first = server_->next_nonce();
  const double cpu = daemon_->cpu_seconds();
  const int64_t begin = testing::monotonic_ns();
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t due = begin + static_cast<int64_t>(i) * step;
    if (const int64_t early = due - testing::monotonic_ns(); early > 0)
      testing::pause_for(std::chrono::nanoseconds(early));
    change();
  }
  VIC_RETURN_IF_ERROR(server_->wait_answers(kPatience));
  const double lasted = static_cast<double>(testing::monotonic_ns() - begin) / 1e9;
  Paced result = {.latencies = {}, .cpu = (daemon_->cpu_seconds() - cpu) / lasted};
  for (uint64_t i = 0; i < count; ++i) result.latencies.push_back(latency_ns(first + 2 * i));
  std::ranges::sort(result.latencies);
  return result;
}

void ControlBench::add_latencies(std::string name, const Paced& paced) {
  const auto at = [&](double part) { return at_part(paced.latencies, part); };
  add(std::move(name),
      fmt::format("p50 {:.0f} us, p99 {:.0f} us, max {:.0f} us, {:.1f} % of a CPU", at(0.5),
                  at(0.99), at(1.0), 100 * paced.cpu),
      numbers(
          {{"p50_us", at(0.5)}, {"p99_us", at(0.99)}, {"max_us", at(1.0)}, {"cpu", paced.cpu}}));
}

absl::Status ControlBench::churn(uint32_t per_second, double seconds) {
  std::mt19937 random(per_second);
  std::uniform_int_distribution<uint32_t> pick(0, spec_.workloads - 1);
  VIC_ASSIGN_OR_RETURN(const Paced result, paced(per_second, seconds, [&] {
                         const uint32_t workload = pick(random);
                         load_.flip_health(workload);
                         send({load_.workload(workload)});
                       }));
  add_latencies(fmt::format("{} changes a second, wire to table", per_second), result);
  return absl::OkStatus();
}

// Of the rows above, what is neither decoding nor tables: responses that say nothing.
absl::Status ControlBench::wire_alone(uint32_t per_second, double seconds) {
  VIC_ASSIGN_OR_RETURN(const Paced result, paced(per_second, seconds, [&] { send({}); }));
  add_latencies(fmt::format("{} empty responses a second", per_second), result);
  return absl::OkStatus();
}

absl::Status ControlBench::add_and_remove() {
  std::mt19937 random(1);
  std::uniform_int_distribution<uint32_t> pick(0, spec_.workloads - 1);
  uint32_t workload = 0;
  bool there = true;
  std::array<std::vector<int64_t>, 2> times;  // of removals, of additions
  for (int i = 0; i < 200; ++i) {
    if (there) workload = pick(random);
    const uint64_t nonce = server_->next_nonce();
    if (there)
      send({}, {load_.name(load_.workload(workload))});
    else
      send({load_.workload(workload)});
    VIC_RETURN_IF_ERROR(server_->wait_answers(kPatience));
    times[there ? 0 : 1].push_back(latency_ns(nonce));
    there = !there;
  }
  for (auto& each : times) std::ranges::sort(each);
  const double removed = at_part(times[0], 0.5);
  const double added = at_part(times[1], 0.5);
  add("one pod removed / added", fmt::format("p50 {:.0f} / {:.0f} us", removed, added),
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
  VIC_RETURN_IF_ERROR(server_->wait_answers(kPatience));
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
  const std::vector<uint32_t> lost = lose_third();
  VIC_ASSIGN_OR_RETURN(const Work work, change(lost));
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

absl::Status ControlBench::reconnect() {
  constexpr char kPublished[] = "vicinity_services_published_total";
  VIC_ASSIGN_OR_RETURN(const double before, daemon_->metric(kPublished));
  const double cpu = daemon_->cpu_seconds();
  server_->end_stream();
  VIC_ASSIGN_OR_RETURN(const FeedServer::Request request, server_->wait_stream(absl::Seconds(60)));
  const int64_t begin = testing::monotonic_ns();
  const auto& claimed = request.initial_resource_versions();
  std::vector<uint32_t> stale;
  for (uint32_t i = 0; i < load_.resources(); ++i) {
    const auto found = claimed.find(load_.name(i));
    if (found == claimed.end() || found->second != load_.version(i)) stale.push_back(i);
  }
  send(stale);
  VIC_RETURN_IF_ERROR(server_->wait_answers(kPatience));
  const double took = to_ms(testing::monotonic_ns() - begin);
  const double used = daemon_->cpu_seconds() - cpu;
  VIC_ASSIGN_OR_RETURN(const double after, daemon_->metric(kPublished));
  add("reconnect, nothing changed",
      fmt::format("{} of {} versions claimed in {:.2f} MB, {} resources sent again, {:.0f} tables "
                  "published, {:.0f} ms, {:.2f} s of CPU",
                  claimed.size(), load_.resources(), to_mb(request.ByteSizeLong()), stale.size(),
                  after - before, took, used),
      numbers({{"claimed", as_real(claimed.size())},
               {"request_bytes", as_real(request.ByteSizeLong())},
               {"sent", as_real(stale.size())},
               {"published", after - before},
               {"ms", took},
               {"cpu_s", used}}));
  return absl::OkStatus();
}

absl::Status ControlBench::restart() {
  VIC_RETURN_IF_ERROR(daemon_->kill());
  VIC_ASSIGN_OR_RETURN(const double took, daemon_->start());
  add_start("start with adopted tables, exec to ready", took);
  return absl::OkStatus();
}

absl::Status ControlBench::run(double churn_seconds) {
  VIC_RETURN_IF_ERROR(set_up());
  VIC_RETURN_IF_ERROR(start_cold());
  VIC_RETURN_IF_ERROR(load_all());
  for (const uint32_t per_second : {1U, 100U, 2000U})
    VIC_RETURN_IF_ERROR(churn(per_second, churn_seconds));
  for (const uint32_t per_second : {1U, 100U})
    VIC_RETURN_IF_ERROR(wire_alone(per_second, churn_seconds));
  VIC_RETURN_IF_ERROR(add_and_remove());
  VIC_RETURN_IF_ERROR(replace_pods());
  VIC_RETURN_IF_ERROR(lose_zones());
  VIC_RETURN_IF_ERROR(connect_meanwhile());
  VIC_RETURN_IF_ERROR(relabel());
  VIC_RETURN_IF_ERROR(reconnect());
  return restart();
}

absl::Status bench_decoded(const Workspace& workspace, Json& results) {
  constexpr std::array<uint32_t, 3> kSizes = {100, 1000, 10000};
  VIC_ASSIGN_OR_RETURN(const auto rows, measure_decoded(workspace, kSizes));
  fmt::print("decoded to table, one change of a service\n");
  Json figures = Json::object();
  for (const DecodedRow& row : rows) {
    const std::string name = fmt::format("one of {} endpoints {}", row.endpoints, row.change);
    fmt::print("  {:<44} p50 {:.0f} us, p99 {:.0f} us\n", name, row.p50_us, row.p99_us);
    figures.add(name, numbers({{"p50_us", row.p50_us}, {"p99_us", row.p99_us}}));
  }
  results.add("decoded", std::move(figures));
  return absl::OkStatus();
}

absl::StatusOr<LoadSpec> parse_size(const std::string& text) {
  LoadSpec spec;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%ux%u%c", &spec.services, &spec.workloads, &rest) != 2 ||
      spec.services == 0 || spec.workloads < spec.nodes)
    return base::invalid("--size {}: SERVICESxWORKLOADS, at least 1x{}", text, spec.nodes);
  return spec;
}

absl::Status bench(const ControlOptions& options) {
  VIC_ASSIGN_OR_RETURN(const Workspace workspace, Workspace::create());
  Json results = Json::object();
  VIC_RETURN_IF_ERROR(bench_decoded(workspace, results));
  for (const std::string& size : options.sizes) {
    VIC_ASSIGN_OR_RETURN(const LoadSpec spec, parse_size(size));
    fmt::print("{} services, {} workloads\n", spec.services, spec.workloads);
    ControlBench bench(spec, workspace);
    VIC_RETURN_IF_ERROR(bench.run(options.seconds));
    Json of_size = Json::object();
    for (const Figure& figure : bench.figures()) of_size.add(figure.name, figure.json);
    results.add(size, std::move(of_size));
  }
  if (options.json_file.empty()) return absl::OkStatus();
  std::ofstream file(options.json_file);
  file << results.pretty() << "\n" << std::flush;
  return file ? absl::OkStatus() : base::errno_status(options.json_file + ": write");
}

int run(int argc, char** argv) {
  CLI::App app("Cost of following a large mesh");
  ControlOptions options;
  app.add_option("--size", options.sizes, "SERVICESxWORKLOADS, may be repeated");
  app.add_option("--seconds", options.seconds, "of each churn");
  app.add_option("--json", options.json_file, "write the results to this file too");
  app.add_option("--connects", options.connects)->group("");
  CLI11_PARSE(app, argc, argv);
  if (options.connects > 0) return connect_until_stopped(options.connects);
  const absl::Status status = bench(options);
  if (!status.ok()) fmt::print(stderr, "bench_control: {}\n", base::message(status));
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace vicinity::bench

int main(int argc, char** argv) { return vicinity::bench::run(argc, argv); }
