#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/json.h"

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
  return row.has_services ? fmt::format("{}x{}", row.shape.services, row.shape.endpoints) : "-";
}

void add_line(std::string& out, const Row& row) {
  fmt::format_to(std::back_inserter(out),
                 "{:<34} {:>8} {:>17} {:>17} {:>6} {:>8} {:>9} {:>22} {:>22}\n", row.name,
                 services_cell(row), cell_with_range(row.hook_ns, 0),
                 cell_with_range(row.times_empty, 1), cell(row.p50_us, 1), cell(row.p99_us, 1),
                 cell(row.connects_per_second, 0), cell_with_range(row.fill_ms, 2),
                 cell_with_range(row.compile_and_fill_ms, 2));
}

Json spread_json(const std::optional<Spread>& value) {
  if (!value) return Json();
  return Json::object({{"median", Json::real(value->median)},
                       {"low", Json::real(value->low)},
                       {"high", Json::real(value->high)}});
}

Json row_json(const Row& row) {
  return Json::object({{"name", Json::string(row.name)},
                       {"services", Json::number(row.has_services ? row.shape.services : 0)},
                       {"endpoints", Json::number(row.has_services ? row.shape.endpoints : 0)},
                       {"hook_ns", spread_json(row.hook_ns)},
                       {"times_empty", spread_json(row.times_empty)},
                       {"p50_us", spread_json(row.p50_us)},
                       {"p99_us", spread_json(row.p99_us)},
                       {"connects_per_second", spread_json(row.connects_per_second)},
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
      "kernel {}, load average {:.1f}; {} rounds of {} + {} connects per row; median "
      "(lowest-highest)\n\n",
      run.kernel, run.load_average, run.rounds, run.connects, run.connects);
  fmt::format_to(std::back_inserter(out),
                 "{:<34} {:>8} {:>17} {:>17} {:>6} {:>8} {:>9} {:>22} {:>22}\n", "", "services",
                 "hook ns", "times empty", "p50 us", "p99 us", "conn/s", "fill ms",
                 "compile + fill ms");
  for (const Row& row : run.rows) add_line(out, row);
  return out;
}

std::string to_json(const Run& run) {
  Json rows = Json::array();
  for (const Row& row : run.rows) rows.push(row_json(row));
  return Json::object({{"kernel", Json::string(run.kernel)},
                       {"load_average", Json::real(run.load_average)},
                       {"rounds", Json::number(run.rounds)},
                       {"connects", Json::number(run.connects)},
                       {"rows", std::move(rows)}})
             .pretty() +
         "\n";
}

}  // namespace vicinity::bench
