// bench_failure: what failure detection costs a connect when all is well, and how many connects
// fail when endpoints do. As root. Prints one table.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/status.h"
#include "bench/client.h"
#include "bench/failure_cost.h"
#include "bench/failure_scenes.h"
#include "bench/json_file.h"

namespace vicinity::bench {
namespace {

using base::Json;

struct FailureOptions {
  CostOptions cost;
  bool with_scenes = true;
  std::string json_file;
};

class Rows {
 public:
  void add(std::string_view name, const Compared& ns) {
    fmt::print("{:42} {:>8.0f} {:>8.0f} {:>8.0f} {:>+8.0f}\n", name, ns.without, ns.another,
               ns.with, ns.with - ns.without);
    json_.add(name, Json::object({{"without_ns", Json::real(ns.without)},
                                  {"another_ns", Json::real(ns.another)},
                                  {"with_ns", Json::real(ns.with)}}));
  }
  static void runs(std::string_view name, const Compared& runs) {
    fmt::print("{:42} {:>8.1f} {:>8.1f} {:>8.1f}\n", name, runs.without, runs.another, runs.with);
  }
  [[nodiscard]] const Json& json() const { return json_; }

 private:
  Json json_ = Json::object();
};

Compared all_programs(const Cost& cost) {
  return {.without = cost.hook_ns.without + cost.others_ns.without,
          .another = cost.hook_ns.another + cost.others_ns.another,
          .with = cost.hook_ns.with + cost.others_ns.with};
}

Json print_cost(const Cost& cost, const Cost& client) {
  Rows rows;
  fmt::print("{:42} {:>8} {:>8} {:>8} {:>8}\n", "per connect, medians of rounds [ns]", "without",
             "another", "with", "more");
  rows.add("connect(), half of them are faster", cost.connect_ns);
  rows.add("connect, accept, close, fastest round", cost.whole_ns);
  rows.add("connect4 program", cost.hook_ns);
  rows.add("programs beside it, at both ends", cost.others_ns);
  rows.add("all programs, at both ends", all_programs(cost));
  Rows::runs("runs of those beside it", cost.other_runs);
  rows.add("connect4 program, at the client's end", client.hook_ns);
  rows.add("programs beside it, at the client's end", client.others_ns);
  rows.add("all programs, at the client's end", all_programs(client));
  Rows::runs("runs of those beside it, client's end", client.other_runs);
  fmt::print("programs: above an empty one, {:.0f} ns a run\n", cost.floor_ns);
  return rows.json();
}

absl::StatusOr<Json> print_scenes() {
  Json results = Json::object();
  const auto row = [&](std::string_view name, uint64_t value) {
    fmt::print("{:58} {:>10}\n", name, value);
    results.add(name, Json::number(value));
  };
  fmt::print("\n{:58} {:>10}\n", "endpoints that fail", "");
  VIC_ASSIGN_OR_RETURN(const DeadEndpoint on, one_of_three_dies(Reaction::kOn));
  VIC_ASSIGN_OR_RETURN(const DeadEndpoint off, one_of_three_dies(Reaction::kOff));
  row("1 of 3 dies: failed of the next 1,000, reaction on", on.failed);
  row("  spared by another draw", on.saved);
  row("1 of 3 dies: failed of the next 1,000, reaction off", off.failed);
  VIC_ASSIGN_OR_RETURN(const DeadZone zone, zone_goes_silent());
  row("zone of 20 drops packets: failed connects", zone.failed);
  row("  most of one endpoint", zone.most_of_one);
  row("  failed of 500 after that, all in the next tier", zone.failed_after);
  return results;
}

absl::Status bench(const FailureOptions& options) {
  VIC_ASSIGN_OR_RETURN(const Cost cost, cost_of_detection(options.cost));
  VIC_ASSIGN_OR_RETURN(const Cost client, cost_to_the_client(options.cost));
  Json results = Json::object({{"cost", print_cost(cost, client)}});
  std::fflush(stdout);
  if (options.with_scenes) {
    VIC_ASSIGN_OR_RETURN(Json scenes, print_scenes());
    results.add("scenes", std::move(scenes));
  }
  return write_json(results, options.json_file);
}

int run(int argc, char** argv) {
  CLI::App app("Cost of failure detection, and what it saves");
  FailureOptions options;
  bool cost_only = false;
  app.add_option("--rounds", options.cost.rounds);
  app.add_option("--connects", options.cost.connects, "per round");
  app.add_option("--json", options.json_file, "write the results to this file too");
  app.add_flag("--cost-only", cost_only, "no endpoints that fail");
  CLI11_PARSE(app, argc, argv);
  options.with_scenes = !cost_only;
  spdlog::set_level(spdlog::level::warn);
  const absl::Status status = bench(options);
  if (!status.ok()) fmt::print(stderr, "bench_failure: {}\n", base::message(status));
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace vicinity::bench

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "client") return vicinity::bench::client_main();
  return vicinity::bench::run(argc, argv);
}
