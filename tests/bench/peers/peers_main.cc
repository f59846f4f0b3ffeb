// bench_peers: what other balancers that follow the same feed do badly under change (slow removals,
// connects that wait for updates, work by the size of a service, memory of a workload), measured
// here. As root. Prints one table.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "bench/json_file.h"
#include "bench/peers/followed.h"

namespace vicinity::bench {
namespace {

using base::Json;

struct PeersOptions {
  LoadSpec small = {.services = 1'000, .workloads = 10'000};
  LoadSpec large = {.services = 10'000, .workloads = 100'000};
  LoadSpec crowded = {.services = 100, .workloads = 100'000};  // its largest service has 10,000
  uint32_t changes = 200;
  uint32_t connects = 20'000;
  std::string json_file;
};

double us(int64_t ns) { return static_cast<double>(ns) / 1e3; }

// REQUIRES: sorted, not empty.
template <class T>
T at_part(const std::vector<T>& values, double part) {
  return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
}

class Table {
 public:
  void add(std::string_view name, double value, std::string_view unit) {
    fmt::print("{:<66} {:>10.1f} {}\n", name, value, unit);
    std::fflush(stdout);
    rows_.push(Json::object({{"name", Json::string(name)},
                             {"value", Json::real(value)},
                             {"unit", Json::string(unit)}}));
  }
  [[nodiscard]] const Json& rows() const { return rows_; }

 private:
  Json rows_ = Json::array();
};

struct Latencies {
  std::vector<int64_t> removed;
  std::vector<int64_t> added;
};

// Pods of many services go and come, one by one.
absl::StatusOr<Latencies> remove_and_add(Followed& followed, uint32_t changes) {
  Latencies latencies;
  const uint32_t stride = std::max(1U, followed.spec().workloads / changes);
  for (uint32_t i = 0; i < changes; ++i) {
    const uint32_t workload = i * stride % followed.spec().workloads;
    const std::string old = followed.load().replace(workload);
    VIC_ASSIGN_OR_RETURN(const int64_t removed, followed.change({}, {old}));
    VIC_ASSIGN_OR_RETURN(const int64_t added,
                         followed.change({followed.load().workload(workload)}));
    latencies.removed.push_back(removed);
    latencies.added.push_back(added);
  }
  std::ranges::sort(latencies.removed);
  std::ranges::sort(latencies.added);
  return latencies;
}

absl::Status measure_removals(Followed& followed, uint32_t changes, Table& table) {
  VIC_ASSIGN_OR_RETURN(const Latencies latencies, remove_and_add(followed, changes));
  const uint32_t workloads = followed.spec().workloads;
  for (const auto& [what, values] :
       {std::pair{"removed", &latencies.removed}, std::pair{"added", &latencies.added}}) {
    for (const auto& [part, name] : {std::pair{0.5, "p50"}, std::pair{0.99, "p99"}}) {
      table.add(fmt::format("one pod of {} {}, sent to table, {}", workloads, what, name),
                us(at_part(*values, part)), "us");
    }
  }
  return absl::OkStatus();
}

// To the services of many endpoints, which have some in every zone.
Batch to_large_services(const Followed& followed, uint32_t connects) {
  return {.shape = {.services = std::max(1U, followed.spec().services / 10), .endpoints = 1},
          .connects = connects,
          .traffic = {},
          .seed = 7};
}

void add_latencies(Table& table, std::string_view when, std::vector<uint32_t> latencies) {
  std::ranges::sort(latencies);
  for (const auto& [part, name] :
       {std::pair{0.5, "p50"}, std::pair{0.999, "p99.9"}, std::pair{1.0, "longest"}}) {
    table.add(fmt::format("connect() {}, {}", when, name), us(at_part(latencies, part)), "us");
  }
}

// A third of all workloads is lost and comes back, again and again, until the client is done.
absl::Status measure_waits(Followed& followed, uint32_t connects, Table& table) {
  VIC_ASSIGN_OR_RETURN(Client client, followed.client());
  const Batch batch = to_large_services(followed, connects);
  VIC_ASSIGN_OR_RETURN(BatchResult quiet, client.run(batch));
  add_latencies(table, "while nothing changes", std::move(quiet.latencies_ns));
  std::vector<uint32_t> lost;
  for (uint32_t i = 0; i < followed.spec().workloads; ++i) {
    if (followed.load().zone(i) % 3 == 1) lost.push_back(i);
  }
  std::atomic<bool> done = false;
  absl::StatusOr<BatchResult> busy = absl::UnknownError("not run");
  std::thread connecting([&] {
    busy = client.run(batch);
    done.store(true);
  });
  absl::Status status;
  std::vector<int64_t> applied;
  do {
    std::vector<uint32_t> resources;
    for (const uint32_t workload : lost) {
      followed.load().flip_health(workload);
      resources.push_back(followed.load().workload(workload));
    }
    const absl::StatusOr<int64_t> took = followed.change(resources);
    status = took.status();
    if (took.ok()) applied.push_back(*took);
  } while (!done.load() && status.ok());
  connecting.join();
  VIC_RETURN_IF_ERROR(status);
  VIC_RETURN_IF_ERROR(busy.status());
  std::ranges::sort(applied);
  table.add(fmt::format("{} workloads lost or back, sent to table, p50", lost.size()),
            us(at_part(applied, 0.5)) / 1e3, "ms");
  add_latencies(table, "while they go and come", std::move(busy->latencies_ns));
  return absl::OkStatus();
}

// REQUIRES: the first service is the largest.
absl::Status measure_crowd(Followed& followed, const PeersOptions& options, Table& table) {
  const std::vector<uint32_t> members = followed.load().members_of_size(followed.spec().workloads);
  std::vector<int64_t> latencies;
  for (uint32_t i = 0; i < options.changes; ++i) {
    const uint32_t member = members[i % members.size()];
    followed.load().flip_health(member);
    VIC_ASSIGN_OR_RETURN(const int64_t took, followed.change({followed.load().workload(member)}));
    latencies.push_back(took);
  }
  std::ranges::sort(latencies);
  table.add(fmt::format("one endpoint of a service of {} changed, p50", members.size()),
            us(at_part(latencies, 0.5)), "us");
  VIC_ASSIGN_OR_RETURN(Client client, followed.client());
  Batch batch = to_large_services(followed, options.connects);
  batch.traffic.aim = Aim::kFirst;
  VIC_ASSIGN_OR_RETURN(BatchResult result, client.run(batch));
  add_latencies(table, fmt::format("to a service of {}", members.size()),
                std::move(result.latencies_ns));
  return absl::OkStatus();
}

// Bytes at rest.
absl::StatusOr<uint64_t> measure_large(const PeersOptions& options, Table& table) {
  VIC_ASSIGN_OR_RETURN(const Workspace workspace, Workspace::create());
  VIC_ASSIGN_OR_RETURN(const auto large, Followed::make(options.large, workspace));
  const uint64_t settled = large->settled_bytes();
  VIC_RETURN_IF_ERROR(measure_removals(*large, options.changes, table));
  VIC_RETURN_IF_ERROR(measure_waits(*large, options.connects, table));
  return settled;
}

absl::StatusOr<uint64_t> measure_small(const PeersOptions& options, Table& table) {
  VIC_ASSIGN_OR_RETURN(const Workspace workspace, Workspace::create());
  VIC_ASSIGN_OR_RETURN(const auto small, Followed::make(options.small, workspace));
  const uint64_t settled = small->settled_bytes();
  VIC_RETURN_IF_ERROR(measure_removals(*small, options.changes, table));
  return settled;
}

absl::Status bench(const PeersOptions& options) {
  Table table;
  VIC_ASSIGN_OR_RETURN(const uint64_t small, measure_small(options, table));
  VIC_ASSIGN_OR_RETURN(const uint64_t large, measure_large(options, table));
  const double more = static_cast<double>(large) - static_cast<double>(small);
  const uint32_t workloads = options.large.workloads - options.small.workloads;
  table.add(fmt::format("memory of each workload from {} to {}", options.small.workloads,
                        options.large.workloads),
            more / workloads, "bytes");
  VIC_ASSIGN_OR_RETURN(const Workspace workspace, Workspace::create());
  VIC_ASSIGN_OR_RETURN(const auto crowded, Followed::make(options.crowded, workspace));
  VIC_RETURN_IF_ERROR(measure_crowd(*crowded, options, table));
  return write_json(Json::object({{"rows", table.rows()}}), options.json_file);
}

PeersOptions quick_options() {
  PeersOptions options;
  options.small = {.services = 50, .workloads = 1'000};
  options.large = {.services = 100, .workloads = 4'000};
  options.crowded = {.services = 10, .workloads = 2'000};
  options.changes = 20;
  options.connects = 500;
  return options;
}

int run(int argc, char** argv) {
  CLI::App app("What other balancers do badly under change");
  bool quick = false;
  std::string json_file;
  app.add_flag("--quick", quick, "small meshes: enough to see that it works");
  app.add_option("--json", json_file, "write the results to this file too");
  CLI11_PARSE(app, argc, argv);
  PeersOptions options = quick ? quick_options() : PeersOptions();
  options.json_file = json_file;
  spdlog::set_level(spdlog::level::warn);
  const absl::Status status = bench(options);
  if (!status.ok()) fmt::print(stderr, "bench_peers: {}\n", base::message(status));
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace vicinity::bench

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "client") return vicinity::bench::client_main();
  return vicinity::bench::run(argc, argv);
}
