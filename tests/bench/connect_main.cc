// bench_connect: what a connect costs with nothing, with an empty program, with Vicinity, and with
// packet filter rules for the same services. As root. Prints one table.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/utsname.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "bench/client.h"
#include "bench/json_file.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/variant.h"
#include "bench/workspace.h"

namespace vicinity::bench {
namespace {

using Variants = std::vector<std::unique_ptr<Variant>>;

volatile std::sig_atomic_t stop_requested = 0;

void request_stop(int /*signal*/) { stop_requested = 1; }

absl::Status check_stop() {
  return stop_requested != 0 ? absl::CancelledError("stopped") : absl::OkStatus();
}

std::string kernel_release() {
  utsname name{};
  uname(&name);
  return name.release;
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

// Of the last minute: above the number of CPUs, times are those of a busy machine.
double load_average() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

bool is_wanted(const VariantSpec& spec, const Options& options) {
  return spec.rewriter == Rewriter::kEmpty || spec.name.find(options.only) != std::string::npos;
}

absl::StatusOr<Variants> make_variants(const Options& options, const Workspace& workspace) {
  Variants variants;
  for (const VariantSpec& spec : variant_specs(options)) {
    if (!is_wanted(spec, options)) continue;
    VIC_RETURN_IF_ERROR(check_stop());
    fmt::print(stderr, "set up: {}\n", spec.name);
    VIC_ASSIGN_OR_RETURN(std::unique_ptr<Variant> variant, Variant::make(spec, options, workspace));
    variants.push_back(std::move(variant));
  }
  return variants;
}

absl::Status measure_rounds(const Variants& variants, unsigned rounds) {
  uint64_t seed = 1;
  for (unsigned round = 0; round < rounds; ++round) {
    fmt::print(stderr, "round {} of {}\n", round + 1, rounds);
    for (const std::unique_ptr<Variant>& variant : variants) {
      VIC_RETURN_IF_ERROR(check_stop());
      VIC_RETURN_IF_ERROR(variant->measure(seed));
      seed += 3;
    }
  }
  return absl::OkStatus();
}

const std::vector<double>& empty_program_ns(const Variants& variants, const VariantSpec& spec) {
  const auto is_floor = [&](const std::unique_ptr<Variant>& variant) {
    return is_floor_of(variant->spec(), spec);
  };
  return (*std::ranges::find_if(variants, is_floor))->hook_ns();
}

// Rounds are compared with themselves: what slows the machine slows both.
Spread ratio_by_round(const std::vector<double>& values, const std::vector<double>& floor) {
  std::vector<double> ratios;
  for (size_t i = 0; i < values.size(); ++i) ratios.push_back(values[i] / floor[i]);
  return spread_of(std::move(ratios));
}

Run collect(const Variants& variants, const Options& options, double load_before) {
  Run run{.kernel = kernel_release(),
          .cpu = cpu_model(),
          .cpus = usable_cpus(),
          .load_average = load_before,
          .rounds = options.rounds,
          .connects = options.connects};
  for (const std::unique_ptr<Variant>& variant : variants) {
    Row row = variant->row();
    if (variant->has_program()) {
      row.times_empty =
          ratio_by_round(variant->hook_ns(), empty_program_ns(variants, variant->spec()));
    }
    run.rows.push_back(std::move(row));
  }
  return run;
}

absl::Status bench(const Options& options) {
  const double load_before = load_average();
  VIC_ASSIGN_OR_RETURN(const Workspace workspace, Workspace::create());
  VIC_ASSIGN_OR_RETURN(const Variants variants, make_variants(options, workspace));
  VIC_RETURN_IF_ERROR(measure_rounds(variants, options.rounds));
  const Run run = collect(variants, options, load_before);
  fmt::print("{}", to_text(run));
  return write_json(to_json(run), options.json_file);
}

// Enough to see that everything works; too little to compare.
Options quick_options() {
  Options options;
  options.shape = {.services = 100, .endpoints = 20};
  options.small = {.services = 10, .endpoints = 20};
  options.large = {.services = 200, .endpoints = 20};
  options.most_endpoints = 500;
  options.rounds = 2;
  options.connects = 500;
  options.fills = 1;
  return options;
}

// Says what is missing of a pair of options; empty: nothing.
std::string missing_option(const Options& options) {
  if (options.object_file.empty() == options.fill_program.empty()) return "";
  return options.object_file.empty() ? "--object" : "--fill";
}

int run(int argc, char** argv) {
  CLI::App app("Cost of a connect and of filling the tables");
  bool quick = false;
  Options given;
  app.add_flag("--quick", quick, "few services, two short rounds");
  app.add_option("--json", given.json_file, "write the results to this file too");
  app.add_option("--only", given.only, "only rows whose name contains this (and the floor)");
  app.add_option("--object", given.object_file,
                 "a row for this BPF object: its cgroup programs are attached, its maps pinned");
  app.add_option("--fill", given.fill_program,
                 "fills its maps: run with the directory of the pinned maps and a file with a line "
                 "\"SERVICE PORT ENDPOINT PORT TIER LOADED\" for each endpoint");
  const CLI::Option* rounds = app.add_option("--rounds", given.rounds);
  const CLI::Option* connects = app.add_option("--connects", given.connects, "per row and round");
  CLI11_PARSE(app, argc, argv);
  if (const std::string missing = missing_option(given); !missing.empty()) {
    fmt::print(stderr, "bench_connect: {}: missing\n", missing);
    return 1;
  }
  Options options = quick ? quick_options() : given;
  options.json_file = given.json_file;
  options.only = given.only;
  options.object_file = given.object_file;
  options.fill_program = given.fill_program;
  if (!rounds->empty()) options.rounds = given.rounds;
  if (!connects->empty()) options.connects = given.connects;
  spdlog::set_level(spdlog::level::warn);
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  const absl::Status status = bench(options);
  if (!status.ok()) fmt::print(stderr, "bench_connect: {}\n", base::message(status));
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace vicinity::bench

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "client") return vicinity::bench::client_main();
  return vicinity::bench::run(argc, argv);
}
