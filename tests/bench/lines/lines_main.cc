// bench_lines: how many cache lines and pages of its tables a connect touches. Counted, not timed:
// the hooks' instructions are run in user space over the memory of real tables. As root. Prints one
// table.
#include <fmt/format.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "bench/client.h"
#include "bench/json_file.h"
#include "bench/lines/hook_copy.h"
#include "bench/rows.h"
#include "bench/variant.h"
#include "bench/workspace.h"

namespace vicinity::bench {
namespace {

using base::Json;
using model::Family;

constexpr uint32_t kConnects = 4000;

struct LinesOptions {
  std::string only;
  std::string json_file;
};

// Of one row's connects.
struct Counts {
  double mean_lines = 0;
  size_t most_lines = 0;
  double mean_pages = 0;
  size_t most_pages = 0;
  double mean_instructions = 0;
  size_t all_lines = 0;  // that all connects together touched
  size_t all_pages = 0;
};

model::IpAddress target_of(const VariantSpec& spec, std::mt19937& random) {
  const Shape& shape = spec.cluster.shape;
  const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
  switch (spec.traffic.aim) {
    case Aim::kEndpoint:
      return endpoint_address(spec.cluster.family, below(shape.all_endpoints()));
    case Aim::kFirst:
      return service_address(spec.cluster.family, 0);
    case Aim::kUnknown:
      return service_address(spec.cluster.family, shape.services + below(20));
    default:
      return service_address(spec.cluster.family, below(shape.services));
  }
}

// What the kernel would show the hook.
bpf_sock_addr context_of(const VariantSpec& spec, std::mt19937& random) {
  const model::IpAddress to = target_of(spec, random);
  bpf_sock_addr context{};
  context.protocol = IPPROTO_TCP;
  context.type = SOCK_STREAM;
  const uint16_t port = spec.traffic.aim == Aim::kEndpoint ? kEndpointPort : kServicePort;
  context.user_port = htons(port);
  if (to.family == Family::kIpv6) {
    context.family = context.user_family = AF_INET6;
    std::memcpy(context.user_ip6, to.bytes.data(), sizeof(context.user_ip6));
  } else if (spec.traffic.sockets == Sockets::kMapped) {
    context.family = context.user_family = AF_INET6;
    context.user_ip6[2] = htonl(0xffff);
    std::memcpy(&context.user_ip6[3], to.bytes.data(), sizeof(context.user_ip6[3]));
  } else {
    context.family = context.user_family = AF_INET;
    std::memcpy(&context.user_ip4, to.bytes.data(), sizeof(context.user_ip4));
  }
  return context;
}

absl::StatusOr<Counts> count(const VariantSpec& spec, const Variant& variant) {
  const bool ip6 = spec.cluster.family == Family::kIpv6 || spec.traffic.sockets == Sockets::kMapped;
  VIC_ASSIGN_OR_RETURN(const HookCopy hook,
                       HookCopy::make(variant.program_fd(ip6 ? "connect6" : "connect4"),
                                      ip6 ? "vic_connect6" : "vic_connect4"));
  std::mt19937 random(1);
  Machine machine(hook.instructions(), hook.maps(),
                  [&] { return static_cast<uint32_t>(random()); });
  const uint64_t counted_before = variant.counted();
  Counts counts;
  std::set<Place> lines;
  std::set<Place> pages;
  for (uint32_t i = 0; i < kConnects; ++i) {
    bpf_sock_addr context = context_of(spec, random);
    VIC_ASSIGN_OR_RETURN(const Ran ran, machine.run(context));
    const Touched& touched = ran.touched;
    counts.mean_lines += static_cast<double>(touched.lines.size());
    counts.mean_pages += static_cast<double>(touched.pages.size());
    counts.mean_instructions += static_cast<double>(touched.instructions);
    counts.most_lines = std::max(counts.most_lines, touched.lines.size());
    counts.most_pages = std::max(counts.most_pages, touched.pages.size());
    lines.insert(touched.lines.begin(), touched.lines.end());
    pages.insert(touched.pages.begin(), touched.pages.end());
  }
  // Rows whose outcomes are counted in the tables: every one has gone its way to the end.
  const bool in_tables = spec.outcome == &dataplane::Outcomes::translated;
  if (const uint64_t made = variant.counted() - counted_before; in_tables && made != kConnects) {
    return base::internal("{} of {} were translated", made, kConnects);
  }
  for (double* mean : {&counts.mean_lines, &counts.mean_pages, &counts.mean_instructions}) {
    *mean /= kConnects;
  }
  counts.all_lines = lines.size();
  counts.all_pages = pages.size();
  return counts;
}

Json json_of(const VariantSpec& spec, const Counts& counts) {
  return Json::object({{"name", Json::string(spec.name)},
                       {"mean_lines", Json::real(counts.mean_lines)},
                       {"most_lines", Json::number(counts.most_lines)},
                       {"mean_pages", Json::real(counts.mean_pages)},
                       {"most_pages", Json::number(counts.most_pages)},
                       {"mean_instructions", Json::real(counts.mean_instructions)},
                       {"all_lines", Json::number(counts.all_lines)},
                       {"all_pages", Json::number(counts.all_pages)}});
}

void print(const VariantSpec& spec, const Counts& counts) {
  fmt::print("{:<43} {:>6.2f} {:>4} {:>6.2f} {:>4} {:>6.0f} {:>8} {:>8}\n", spec.name,
             counts.mean_lines, counts.most_lines, counts.mean_pages, counts.most_pages,
             counts.mean_instructions, counts.all_lines, counts.all_pages);
  std::fflush(stdout);
}

// Rows whose hook needs nothing but tables.
bool is_countable(const VariantSpec& spec) {
  return spec.rewriter == Rewriter::kOurs && spec.traffic.talk == Talk::kTcp &&
         spec.group != "options" && spec.group != "algorithms";
}

absl::Status bench(const LinesOptions& options) {
  Options of_rows;
  of_rows.connects = 1;
  of_rows.fills = 1;
  VIC_ASSIGN_OR_RETURN(const Workspace workspace, Workspace::create());
  Json rows = Json::array();
  fmt::print(
      "{:<43} {:>11} {:>11} {:>6} {:>17}\n{:<43} {:>6} {:>4} {:>6} {:>4} {:>6} {:>8} {:>8}\n", "",
      "lines", "pages", "instr.", "of all together", "", "mean", "most", "mean", "most", "mean",
      "lines", "pages");
  for (const VariantSpec& spec : variant_specs(of_rows)) {
    if (!is_countable(spec) || spec.name.find(options.only) == std::string::npos) continue;
    VIC_ASSIGN_OR_RETURN(const auto variant, Variant::make(spec, of_rows, workspace));
    const absl::StatusOr<Counts> counts = count(spec, *variant);
    if (!counts.ok()) {
      return base::internal("{}: {}", spec.name, base::message(counts.status()));
    }
    print(spec, *counts);
    rows.push(json_of(spec, *counts));
  }
  return write_json(Json::object({{"rows", std::move(rows)}}), options.json_file);
}

int run(int argc, char** argv) {
  CLI::App app("Cache lines and pages that a connect touches");
  LinesOptions options;
  app.add_option("--json", options.json_file, "write the results to this file too");
  app.add_option("--only", options.only, "only rows whose name contains this");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::warn);
  const absl::Status status = bench(options);
  if (!status.ok()) fmt::print(stderr, "bench_lines: {}\n", base::message(status));
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace vicinity::bench

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "client") return vicinity::bench::client_main();
  return vicinity::bench::run(argc, argv);
}
