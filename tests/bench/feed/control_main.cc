// bench_control: what it costs to follow a large mesh: from the first byte of the feed to the last
// table in the kernel, then churn, a rolling restart, a lost zone, another place, a reconnect. As
// root. The feed comes from this process; vicinityd is another one.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "bench/feed/connects.h"
#include "bench/feed/control_bench.h"
#include "bench/feed/decoded.h"
#include "bench/feed/floor.h"
#include "bench/workspace.h"

namespace vicinity::bench {
namespace {

using base::Json;

struct ControlOptions {
  std::vector<std::string> sizes = {"1000x10000", "10000x100000"};  // services x workloads
  double seconds = 10;                                              // of each churn
  std::string json_file;
  // Not 0: this is the process that connects, or the one that takes a feed and drops it.
  uint32_t connects = 0;
  uint32_t swallow = 0;
};

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
  app.add_option("--swallow", options.swallow)->group("");
  CLI11_PARSE(app, argc, argv);
  if (options.connects > 0) return connect_until_stopped(options.connects);
  if (options.swallow > 0) return swallow_until_killed(options.swallow);
  const absl::Status status = bench(options);
  if (!status.ok()) fmt::print(stderr, "bench_control: {}\n", base::message(status));
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace vicinity::bench

int main(int argc, char** argv) { return vicinity::bench::run(argc, argv); }
