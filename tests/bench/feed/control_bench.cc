#include "bench/feed/control_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "base/status.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

constexpr size_t kRestarts = 5;  // the median counts

}  // namespace

using namespace std::chrono_literals;
using base::Json;

Json numbers(std::initializer_list<std::pair<const char*, double>> members) {
  Json json = Json::object();
  for (const auto& [name, value] : members) json.add(name, Json::real(value));
  return json;
}

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

std::string ControlBench::response(const std::vector<uint32_t>& resources,
                                   const std::vector<std::string>& removed, uint64_t nonce) const {
  std::vector<std::string> encoded;
  encoded.reserve(resources.size());
  for (const uint32_t resource : resources) encoded.push_back(load_.resource(resource));
  return encode_response(encoded, removed, nonce);
}

void ControlBench::send(const std::vector<uint32_t>& resources,
                        const std::vector<std::string>& removed) {
  server_->send(response(resources, removed, server_->next_nonce()));
  server_->send(encode_response({}, {}, server_->next_nonce()));
}

absl::StatusOr<ControlBench::Work> ControlBench::change(const std::vector<uint32_t>& resources) {
  const double cpu = daemon_->cpu_seconds();
  const uint64_t nonce = server_->next_nonce();
  send(resources);
  VIC_RETURN_IF_ERROR(server_->wait_answers(kControlPatience));
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
  VIC_ASSIGN_OR_RETURN(WireWatch wire, WireWatch::attach(daemon_->home()));
  wire_.emplace(std::move(wire));
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
  const std::string bytes = response(all, {}, server_->next_nonce());
  response_bytes_ = bytes.size();
  const PeakSampler sampler(daemon_->pid());
  const double cpu = daemon_->cpu_seconds();
  const uint64_t nonce = server_->next_nonce();
  server_->send(bytes);
  server_->send(encode_response({}, {}, server_->next_nonce()));
  VIC_RETURN_IF_ERROR(server_->wait_answers(kControlPatience));
  const double took = to_ms(latency_ns(nonce));
  const double used = daemon_->cpu_seconds() - cpu;
  add("everything in one response",
      fmt::format("{:.1f} MB in {:.0f} ms, {:.2f} s of CPU", to_mb(bytes.size()), took, used),
      numbers({{"bytes", as_real(bytes.size())}, {"ms", took}, {"cpu_s", used}}));
  VIC_RETURN_IF_ERROR(settle(sampler.anonymous()));
  return floor_of(all);
}

// What the same bytes cost a client that drops them, and one that only parses them.
absl::Status ControlBench::floor_of(const std::vector<uint32_t>& resources) {
  VIC_ASSIGN_OR_RETURN(const auto swallower, Swallower::start(workspace_, *netns_));
  VIC_ASSIGN_OR_RETURN(const Swallower::Cost cost,
                       swallower->take(response(resources, {}, swallower->next_nonce())));
  std::vector<std::string> encoded;
  for (const uint32_t resource : resources) encoded.push_back(load_.resource(resource));
  const double parsed = parse_ms(encoded);
  if (parsed < 0) return base::internal("a generated resource is malformed");
  add("  response, gRPC alone / protobuf alone",
      fmt::format("{:.0f} ms, {:.2f} s of CPU / {:.0f} ms", cost.ms, cost.cpu_s, parsed),
      numbers({{"grpc_ms", cost.ms}, {"grpc_cpu_s", cost.cpu_s}, {"protobuf_ms", parsed}}));
  return absl::OkStatus();
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
  const uint64_t peak = peak_anonymous + other;
  const double above = (as_real(peak) - as_real(memory.resident)) / as_real(response_bytes_);
  add("memory settled / peak",
      fmt::format("{:.0f} / {:.0f} MB, {:.2f} times the response above that",
                  to_mb(memory.resident), to_mb(peak), above),
      numbers({{"settled", as_real(memory.resident)}, {"peak", as_real(peak)}, {"above", above}}));
  const double each = (as_real(memory.resident) - as_real(empty_)) / spec_.workloads;
  add("memory of a workload", fmt::format("{:.0f} bytes above an empty daemon's", each),
      numbers({{"bytes", each}}));
  return add_table_memory();
}

absl::Status ControlBench::add_table_memory() {
  VIC_ASSIGN_OR_RETURN(const TableWatch tables, TableWatch::open(daemon_->pin_dir()));
  VIC_ASSIGN_OR_RETURN(const double slots,
                       daemon_->metric("vicinity_table_entries_used{table=\"slots4\"}"));
  const TableMemory bytes = tables.memory();
  const uint64_t all = bytes.slots4 + bytes.slots6 + bytes.services + bytes.other;
  const double of_slot = as_real(bytes.slots4) / slots;
  const double of_service = as_real(bytes.services) / spec_.services;
  add("kernel memory of the tables",
      fmt::format("{:.1f} MB: {:.1f} bytes for each of {:.0f} slots, {:.0f} for each service",
                  to_mb(all), of_slot, slots, of_service),
      numbers({{"bytes", as_real(all)},
               {"slots", slots},
               {"of_slot", of_slot},
               {"of_service", of_service}}));
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
  VIC_RETURN_IF_ERROR(server_->wait_answers(kControlPatience));
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
  std::vector<double> took(kRestarts);
  for (double& one : took) {
    VIC_RETURN_IF_ERROR(daemon_->kill());
    VIC_ASSIGN_OR_RETURN(one, daemon_->start());
  }
  const auto median = took.begin() + kRestarts / 2;
  std::ranges::nth_element(took, median);
  add_start("start with adopted tables, exec to ready", *median);
  return absl::OkStatus();
}

absl::Status ControlBench::run(double churn_seconds) {
  VIC_RETURN_IF_ERROR(set_up());
  VIC_RETURN_IF_ERROR(start_cold());
  VIC_RETURN_IF_ERROR(load_all());
  VIC_RETURN_IF_ERROR(change_all_ways(churn_seconds));
  VIC_RETURN_IF_ERROR(reconnect());
  return restart();
}

}  // namespace vicinity::bench
