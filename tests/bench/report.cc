#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace vicinity::bench {
namespace {

using base::Json;

std::string cell(const std::optional<Spread>& value, int digits) {
  return value ? fmt::format("{:.{}f}", value->median, digits) : "-";
}

std::string cell_with_range(const std::optional<Spread>& value, int digits) {
  if (!value) return "-";
  return fmt::format("{:.{}f} ({:.{}f}-{:.{}f})", value->median, digits, value->low, digits,
                     value->high, digits);
}

std::string services_cell(const Row& row) {
  if (!row.has_services) return "-";
  const std::string endpoints =
      row.shape.first == 0 ? fmt::format("{}", row.shape.endpoints) : "...";
  return fmt::format("{}x{}", row.shape.services, endpoints);
}

constexpr char kLine[] =
    "{:<43} {:>8} {:>16} {:>16} {:>8} {:>6} {:>6} {:>7} {:>7} {:>7} {:>22} {:>22}\n";

void add_line(std::string& out, const Row& row) {
  if (!row.absent.empty()) {
    fmt::format_to(std::back_inserter(out), "{:<43} {}\n", row.name, row.absent);
    return;
  }
  fmt::format_to(std::back_inserter(out), kLine, row.name, services_cell(row),
                 cell_with_range(row.hook_ns, 0), cell_with_range(row.times_empty, 1),
                 cell(row.all_programs_ns, 0), cell(row.p50_us, 1), cell(row.p99_us, 1),
                 cell(row.p999_us, 1), cell(row.connects_per_second, 0),
                 cell(row.connects_per_second_of_two, 0), cell_with_range(row.fill_ms, 2),
                 cell_with_range(row.compile_and_fill_ms, 2));
}

Json spread_json(const std::optional<Spread>& value) {
  if (!value) return Json();
  return Json::object({{"median", Json::real(value->median)},
                       {"low", Json::real(value->low)},
                       {"high", Json::real(value->high)}});
}

Json row_json(const Row& row) {
  return Json::object({{"group", Json::string(row.group)},
                       {"name", Json::string(row.name)},
                       {"absent", Json::string(row.absent)},
                       {"services", Json::number(row.has_services ? row.shape.services : 0)},
                       {"endpoints", Json::number(row.has_services ? row.shape.endpoints : 0)},
                       {"hook_ns", spread_json(row.hook_ns)},
                       {"times_empty", spread_json(row.times_empty)},
                       {"all_programs_ns", spread_json(row.all_programs_ns)},
                       {"p50_us", spread_json(row.p50_us)},
                       {"p99_us", spread_json(row.p99_us)},
                       {"p999_us", spread_json(row.p999_us)},
                       {"connects_per_second", spread_json(row.connects_per_second)},
                       {"connects_per_second_of_two", spread_json(row.connects_per_second_of_two)},
                       {"fill_ms", spread_json(row.fill_ms)},
                       {"compile_and_fill_ms", spread_json(row.compile_and_fill_ms)}});
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {.median = median, .low = values.front(), .high = values.back()};
}

std::string to_text(const Run& run) {
  std::string out = fmt::format(
      "kernel {}, load average {:.1f}; {} rounds of {} connects per row and kind of figure; median "
      "(lowest-highest)\n\n",
      run.kernel, run.load_average, run.rounds, run.connects);
  fmt::format_to(std::back_inserter(out), kLine, "", "services", "hook ns", "times empty", "all ns",
                 "p50 us", "p99 us", "p99.9", "1 CPU/s", "2 CPU/s", "fill ms", "compile + fill ms");
  for (const Row& row : run.rows) add_line(out, row);
  return out;
}

Json to_json(const Run& run) {
  Json rows = Json::array();
  for (const Row& row : run.rows) rows.push(row_json(row));
  return Json::object({{"kernel", Json::string(run.kernel)},
                       {"cpu", Json::string(run.cpu)},
                       {"cpus", Json::number(run.cpus)},
                       {"load_average", Json::real(run.load_average)},
                       {"rounds", Json::number(run.rounds)},
                       {"connects", Json::number(run.connects)},
                       {"rows", std::move(rows)}});
}

}  // namespace vicinity::bench
