#include "ctl/top_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "ctl/table.h"

namespace vicinity::ctl {
namespace {

// Connects by the nearest level in common.
struct Sum {
  double all = 0;
  double node = 0;
  double zone = 0;
  double region = 0;
  double refused = 0;

  void add(std::string_view near, double connects) {
    all += connects;
    const bool in_node = near == "node";
    const bool in_zone = in_node || near == "subzone" || near == "zone";
    if (in_node) node += connects;
    if (in_zone) zone += connects;
    if (in_zone || near == "region") region += connects;
  }
};

TopRow row_of(std::string name, const Sum& sum, double seconds) {
  const auto percent = [&](double part) { return sum.all > 0 ? part / sum.all * 100 : 0; };
  return {.name = std::move(name),
          .per_second = sum.all / seconds,
          .node_percent = percent(sum.node),
          .zone_percent = percent(sum.zone),
          .region_percent = percent(sum.region),
          .refused_per_second = sum.refused / seconds};
}

std::vector<TopRow> rows_of(const std::map<std::string, Sum>& sums, double seconds) {
  std::vector<TopRow> rows;
  for (const auto& [name, sum] : sums) {
    if (sum.all > 0 || sum.refused > 0) rows.push_back(row_of(name, sum, seconds));
  }
  std::ranges::sort(rows, [](const TopRow& left, const TopRow& right) {
    return std::tie(right.per_second, right.refused_per_second, left.name) <
           std::tie(left.per_second, left.refused_per_second, right.name);
  });
  return rows;
}

std::string zone_name(const admin::PlaceTraffic& place) {
  if (place.region().empty() && place.zone().empty()) return "(not known)";
  return fmt::format("{}/{}", place.region(), place.zone());
}

double connects_of(const admin::PlaceTraffic& row) { return row.connects(); }
double connects_of(const admin::ServiceTraffic& row) { return row.place().connects(); }
double connects_of(const admin::ServiceRefusals& row) {
  return static_cast<double>(row.connects());
}

std::string key_of(const admin::PlaceTraffic& row) {
  return fmt::format("{}\n{}\n{}", row.region(), row.zone(), row.near());
}
std::string key_of(const admin::ServiceTraffic& row) {
  return fmt::format("{}\n{}\n{}", row.service(), row.tier(), key_of(row.place()));
}
std::string key_of(const admin::ServiceRefusals& row) { return row.service(); }

// What came since `before`; a row that was reset counts from 0.
template <class Rows, class Each>
void for_each_more(const Rows& before, const Rows& after, Each each) {
  std::map<std::string, double> earlier;
  for (const auto& row : before) earlier[key_of(row)] = connects_of(row);
  for (const auto& row : after) {
    const auto found = earlier.find(key_of(row));
    const double base = found == earlier.end() ? 0 : found->second;
    const double now = connects_of(row);
    each(row, now < base ? now : now - base);
  }
}

uint64_t refused(const admin::Outcomes& all) {
  return all.refused_empty() + all.unknown_port_refused();
}

uint64_t passed(const admin::Outcomes& all) {
  return all.passed_empty() + all.passed_passthrough() + all.unknown_port_passed() +
         all.lease_expired() + all.internal_error() + all.unrecorded() + all.passed_waypoint() +
         all.opted_out() + all.captured() + all.host_network() + all.kernel_socket();
}

Row cells_of(const TopRow& row) {
  return {row.name, fmt::format("{:.1f}", row.per_second), fmt::format("{:.0f}%", row.node_percent),
          fmt::format("{:.0f}%", row.zone_percent), fmt::format("{:.0f}%", row.region_percent)};
}

Row heading(std::string_view name) {
  return {std::string(name), "CONNECTS/S", "IN NODE", "IN ZONE", "IN REGION"};
}

// The first `most` below the heading.
std::string first_of(std::vector<Row> cells, size_t most) {
  const size_t rows = cells.size() - 1;
  if (rows <= most) return table_text(cells);
  cells.resize(most + 1);
  return table_text(cells) + fmt::format("... and {} more\n", rows - most);
}

std::string zones_table(const std::vector<TopRow>& rows, size_t most) {
  std::vector<Row> cells{heading("TO ZONE")};
  for (const TopRow& row : rows) cells.push_back(cells_of(row));
  return first_of(std::move(cells), most);
}

std::string services_table(const std::vector<TopRow>& rows, size_t most) {
  std::vector<Row> cells{heading("SERVICE")};
  cells.front().emplace_back("REFUSED/S");
  for (const TopRow& row : rows) {
    Row& line = cells.emplace_back(cells_of(row));
    line.push_back(fmt::format("{:.1f}", row.refused_per_second));
  }
  return first_of(std::move(cells), most);
}

// Rows of each table: zones have a quarter of the screen at most, services the rest.
struct Rows {
  size_t services;
  size_t zones;
};

Rows rows_for(const Top& top, size_t lines) {
  constexpr size_t kAround = 8;  // summary, headings, blank lines, two "and more", the cursor
  if (lines == 0) return {.services = top.services.size(), .zones = top.zones.size()};
  const size_t zones = std::min(top.zones.size(), std::max<size_t>(1, lines / 4));
  return {.services = lines > kAround + zones ? lines - kAround - zones : 1, .zones = zones};
}

base::Json json_of(const TopRow& row, std::string_view name) {
  base::Json json = base::Json::object();
  if (!name.empty()) json.add(name, base::Json::string(row.name));
  json.add("connects_per_second", base::Json::real(row.per_second));
  json.add("node_percent", base::Json::real(row.node_percent));
  json.add("zone_percent", base::Json::real(row.zone_percent));
  json.add("region_percent", base::Json::real(row.region_percent));
  return json;
}

base::Json array_of(const std::vector<TopRow>& rows, std::string_view name) {
  base::Json array = base::Json::array();
  for (const TopRow& row : rows) array.push(json_of(row, name));
  return array;
}

base::Json services_json(const std::vector<TopRow>& rows) {
  base::Json array = base::Json::array();
  for (const TopRow& row : rows) {
    base::Json json = json_of(row, "service");
    json.add("refused_per_second", base::Json::real(row.refused_per_second));
    array.push(std::move(json));
  }
  return array;
}

}  // namespace

Top top_between(const admin::TrafficReply& before, const admin::TrafficReply& after) {
  const double seconds = std::max(after.sampled_at() - before.sampled_at(), 1e-3);
  std::map<std::string, Sum> services;
  for_each_more(before.services(), after.services(),
                [&](const admin::ServiceTraffic& row, double more) {
                  services[row.service()].add(row.place().near(), more);
                });
  for_each_more(before.refusals(), after.refusals(),
                [&](const admin::ServiceRefusals& row, double more) {
                  services[row.service()].refused += more;
                });
  Sum all;
  std::map<std::string, Sum> zones;
  for_each_more(before.places(), after.places(), [&](const admin::PlaceTraffic& row, double more) {
    all.add(row.near(), more);
    zones[zone_name(row)].add(row.near(), more);
  });
  const auto rate = [&](uint64_t earlier, uint64_t later) {
    return later < earlier ? 0 : static_cast<double>(later - earlier) / seconds;
  };
  return {.all = row_of("", all, seconds),
          .refused_per_second = rate(refused(before.outcomes()), refused(after.outcomes())),
          .passed_per_second = rate(passed(before.outcomes()), passed(after.outcomes())),
          .services = rows_of(services, seconds),
          .zones = rows_of(zones, seconds)};
}

std::string to_text(const Top& top, size_t lines) {
  const Rows rows = rows_for(top, lines);
  const TopRow& all = top.all;
  std::string text = fmt::format(
      "{:.1f} connects/s: {:.0f}% stayed in the node, {:.0f}% in the zone, {:.0f}% in the region; "
      "{:.1f} refused/s, {:.1f} passed/s\n\n",
      all.per_second, all.node_percent, all.zone_percent, all.region_percent,
      top.refused_per_second, top.passed_per_second);
  return text + services_table(top.services, rows.services) + "\n" +
         zones_table(top.zones, rows.zones);
}

base::Json to_json(const Top& top) {
  base::Json json = json_of(top.all, "");
  json.add("refused_per_second", base::Json::real(top.refused_per_second));
  json.add("passed_per_second", base::Json::real(top.passed_per_second));
  json.add("services", services_json(top.services));
  json.add("zones", array_of(top.zones, "zone"));
  return json;
}

}  // namespace vicinity::ctl
