#include "bench/document/blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "base/status.h"

namespace vicinity::bench {
namespace {

constexpr auto kGroups =
    std::to_array<const char*>({"floor", "profile", "options", "services", "endpoints", "tiers",
                                "protocols", "misses", "algorithms", "others"});

struct Column {
  const char* member;
  const char* title;
  int digits;
  enum { kMedian, kWithRange } how;
};
constexpr auto kColumns =
    std::to_array<Column>({{"hook_ns", "hook ns", 0, Column::kWithRange},
                           {"times_empty", "times empty", 1, Column::kWithRange},
                           {"all_programs_ns", "all programs ns", 0, Column::kMedian},
                           {"p50_us", "p50 us", 1, Column::kMedian},
                           {"p99_us", "p99 us", 1, Column::kMedian},
                           {"p999_us", "p99.9 us", 1, Column::kMedian},
                           {"connects_per_second", "1 CPU /s", 0, Column::kMedian},
                           {"connects_per_second_of_two", "2 CPUs /s", 0, Column::kMedian},
                           {"fill_ms", "fill ms", 2, Column::kMedian},
                           {"compile_and_fill_ms", "compile + fill ms", 2, Column::kMedian}});

std::string cell(const ConnectRow& row, const Column& column) {
  const std::optional<Spread> value = row.figure(column.member);
  if (!value) return "";
  if (column.how == Column::kMedian) return fmt::format("{:.{}f}", value->median, column.digits);
  return fmt::format("{:.{}f} ({:.{}f}-{:.{}f})", value->median, column.digits, value->low,
                     column.digits, value->high, column.digits);
}

// A column in which no row has anything is left out.
std::vector<Column> columns_of(const std::vector<ConnectRow>& rows) {
  std::vector<Column> columns;
  for (const Column& column : kColumns) {
    const auto has_it = [&](const ConnectRow& row) {
      return row.figure(column.member).has_value();
    };
    if (std::ranges::any_of(rows, has_it)) columns.push_back(column);
  }
  return columns;
}

std::string table_of(const std::vector<ConnectRow>& rows) {
  const std::vector<Column> columns = columns_of(rows);
  std::string header = "| |";
  std::string rule = "|---|";
  for (const Column& column : columns) {
    header += fmt::format(" {} |", column.title);
    rule += "---:|";
  }
  std::string text = header + "\n" + rule + "\n";
  for (const ConnectRow& row : rows) {
    const std::string absent = row.text("absent");
    text += fmt::format("| {}{}{} |", row.text("name"), absent.empty() ? "" : ": ", absent);
    for (const Column& column : columns) text += fmt::format(" {} |", cell(row, column));
    text += "\n";
  }
  return text;
}

std::string machine_of(const Results& results) {
  const YAML::Node run = results.of("connect");
  return fmt::format(
      "{}, {} CPUs, kernel {}, load average {:.1f} before the run; {} rounds of {} connects per "
      "row "
      "and kind of figure.\n",
      run["cpu"].as<std::string>(""), run["cpus"].as<unsigned>(0),
      run["kernel"].as<std::string>(""), run["load_average"].as<double>(0),
      run["rounds"].as<unsigned>(0), run["connects"].as<unsigned>(0));
}

struct Target {
  std::string what;
  std::optional<double> measured;
  double most;
};

std::string target_line(const Target& target) {
  if (!target.measured) return fmt::format("| {} | {:g} | | |\n", target.what, target.most);
  return fmt::format("| {} | {:g} | {:.2f} | {} |\n", target.what, target.most, *target.measured,
                     *target.measured <= target.most ? "yes" : "**no**");
}

// The dearest row of a group over its cheapest.
std::optional<double> slope_of(const std::vector<ConnectRow>& rows) {
  std::optional<double> least;
  std::optional<double> most;
  for (const ConnectRow& row : rows) {
    const std::optional<Spread> value = row.figure("hook_ns");
    if (!value) continue;
    least = std::min(least.value_or(value->median), value->median);
    most = std::max(most.value_or(value->median), value->median);
  }
  return least ? std::optional(*most / *least) : std::nullopt;
}

std::string targets_of(const Results& results) {
  const auto times = [&](std::string_view row) -> std::optional<double> {
    const auto value = results.figure(row, "times_empty");
    return value ? std::optional(value->median) : std::nullopt;
  };
  std::string text =
      "| times the empty program | at most | measured | met |\n|---|---:|---:|---|\n";
  for (const char* family : {"ipv4", "ipv6"}) {
    const auto row = [&](std::string_view what) { return fmt::format("ours {} {}", family, what); };
    for (const auto& [what, most] : {std::pair{"equal", 6.0}, std::pair{"equal, counters off", 4.0},
                                     std::pair{"unequal", 7.0}}) {
      text += target_line({row(what), times(row(what)), most});
    }
  }
  for (const auto& [row, most] : {std::pair{"ours ipv4, getpeername shows the service", 10.0},
                                  std::pair{"ours ipv4, no service's prefix", 2.0},
                                  std::pair{"ours ipv4, unknown address among services", 2.0}}) {
    text += target_line({row, times(row), most});
  }
  text += target_line({"one service of 1 to 5,000 endpoints: dearest over cheapest",
                       slope_of(results.group("endpoints")), 1.2});
  text +=
      target_line({"1 to 8 tiers: dearest over cheapest", slope_of(results.group("tiers")), 1.2});
  return text;
}

void add_bars(const Results& results, const char* group, std::vector<Bar>& bars) {
  for (const ConnectRow& row : results.group(group)) {
    if (const auto value = row.figure("hook_ns")) bars.push_back({row.text("name"), *value});
  }
}

// The figure of each row of a group over the number at the end of its name.
Series hook_series(const Results& results, const char* group, std::string name) {
  Series series{.name = std::move(name), .points = {}};
  for (const ConnectRow& row : results.group(group)) {
    const std::string label = row.text("name");
    const auto value = row.figure("hook_ns");
    const size_t colon = label.rfind(": ");
    if (!value || colon == std::string::npos) continue;
    series.points.push_back({std::stod(label.substr(colon + 2)), value->median});
  }
  return series;
}

// Without anything to draw there is no picture: a run of some rows only has not measured it.
void draw(std::string file, const BarChart& chart, std::vector<Picture>& pictures) {
  if (!chart.bars.empty()) pictures.push_back({std::move(file), to_svg(chart)});
}

void draw(std::string file, LineChart chart, std::vector<Picture>& pictures) {
  std::erase_if(chart.series, [](const Series& series) { return series.points.empty(); });
  if (!chart.series.empty()) pictures.push_back({std::move(file), to_svg(chart)});
}

BarChart hook_chart(const Results& results) {
  BarChart chart{.title = "Time in the connect (sendmsg) program",
                 .unit = "median hook time [ns]; thin line: lowest to highest round",
                 .bars = {}};
  for (const char* group :
       {"floor", "profile", "options", "protocols", "misses", "algorithms", "others"}) {
    add_bars(results, group, chart.bars);
  }
  return chart;
}

LineChart size_chart(const Results& results) {
  return {.title = "Hook time by the size of things",
          .x_label = "how many",
          .y_label = "hook [ns]",
          .series = {hook_series(results, "services", "services of 50 endpoints"),
                     hook_series(results, "endpoints", "endpoints of one service"),
                     hook_series(results, "tiers", "failover tiers")}};
}

BarChart latency_chart(const Results& results) {
  BarChart chart{.title = "connect() to one of 1,000 services of 50 endpoints, IPv4",
                 .unit = "p50 latency [us]; thin line: lowest to highest round",
                 .bars = {}};
  for (const char* row : {"no program ipv4", "empty program ipv4", "ours ipv4 equal",
                          "ours ipv4 unequal", "foreign object ipv4", "iptables-legacy ipv4",
                          "iptables-nft ipv4", "nftables ipv4", "ipvs ipv4"}) {
    if (const auto value = results.figure(row, "p50_us")) chart.bars.push_back({row, *value});
  }
  return chart;
}

// Of all sizes that bench_control ran: "SERVICESxWORKLOADS".
Series control_series(const YAML::Node& control, const char* figure, const char* member) {
  Series series{.name = member, .points = {}};
  for (const auto& size : control) {
    const auto name = size.first.as<std::string>();
    const YAML::Node row = size.second[figure];
    const YAML::Node value = row ? row[member] : row;
    if (!value) continue;
    series.points.push_back({std::stod(name.substr(name.find('x') + 1)), value.as<double>()});
  }
  return series;
}

void draw_control(const YAML::Node& control, std::vector<Picture>& pictures) {
  Series load = control_series(control, "everything in one response", "ms");
  load.name = "everything in one response";
  Series settled = control_series(control, "memory settled / peak", "settled");
  Series peak = control_series(control, "memory settled / peak", "peak");
  for (Series* series : {&settled, &peak}) {
    for (Point& point : series->points) point.y /= 1e6;
  }
  draw("bench-control-time.svg",
       {.title = "Following a mesh: time",
        .x_label = "workloads",
        .y_label = "[ms]",
        .y_scale = YScale::kLogarithmic,
        .series = {load}},
       pictures);
  draw("bench-control-memory.svg",
       {.title = "Following a mesh: memory of vicinityd",
        .x_label = "workloads",
        .y_label = "[MB]",
        .y_scale = YScale::kLogarithmic,
        .series = {settled, peak}},
       pictures);
}

}  // namespace

std::vector<Block> blocks_of(const Results& results) {
  std::vector<Block> blocks;
  if (results.of("connect")) {
    blocks.push_back({"machine", machine_of(results)});
    blocks.push_back({"targets", targets_of(results)});
    for (const char* group : kGroups) blocks.push_back({group, table_of(results.group(group))});
  }
  for (const Results::Printed& printed : results.printed()) {
    blocks.push_back({printed.benchmark, fmt::format("```\n{}```\n", printed.text)});
  }
  return blocks;
}

std::vector<Picture> pictures_of(const Results& results) {
  std::vector<Picture> pictures;
  draw("bench-hook.svg", hook_chart(results), pictures);
  draw("bench-flat.svg", size_chart(results), pictures);
  draw("bench-latency.svg", latency_chart(results), pictures);
  if (const YAML::Node control = results.of("control")) draw_control(control, pictures);
  return pictures;
}

absl::StatusOr<std::string> put_into(std::string document, const std::vector<Block>& blocks) {
  constexpr std::string_view kEnd = "<!-- end -->";
  for (const Block& block : blocks) {
    const std::string marker = fmt::format("<!-- results: {} -->\n", block.name);
    const size_t start = document.find(marker);
    const size_t end =
        start == std::string::npos ? start : document.find(kEnd, start + marker.size());
    if (end == std::string::npos) {
      return base::invalid("document: no place for the results of {}", block.name);
    }
    const size_t from = start + marker.size();
    document.replace(from, end - from, block.text);
  }
  return document;
}

}  // namespace vicinity::bench
