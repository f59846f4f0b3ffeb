#include "bench/document/results.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "base/status.h"

namespace vicinity::bench {
namespace {

absl::StatusOr<YAML::Node> read_file(const std::string& path) {
  try {
    return YAML::LoadFile(path);
  } catch (const YAML::Exception& error) {
    return base::invalid("{}: read: {}", path, error.what());
  }
}

}  // namespace

std::string ConnectRow::text(const char* member) const { return node_[member].as<std::string>(""); }

unsigned ConnectRow::number(const char* member) const { return node_[member].as<unsigned>(0); }

std::optional<Spread> ConnectRow::figure(const char* column) const {
  const YAML::Node value = node_[column];
  if (!value || !value.IsMap()) return std::nullopt;
  return Spread{.median = value["median"].as<double>(),
                .low = value["low"].as<double>(),
                .high = value["high"].as<double>()};
}

absl::StatusOr<Results> Results::read(const std::string& folder) {
  Results results;
  for (const char* name : {"connect", "control"}) {
    const std::string path = fmt::format("{}/{}.json", folder, name);
    if (!std::filesystem::exists(path)) continue;
    VIC_ASSIGN_OR_RETURN(YAML::Node node, read_file(path));
    results.by_name_.emplace_back(name, std::move(node));
  }
  for (const char* name : {"lines", "control", "failure", "judge", "peers"}) {
    std::ifstream file(fmt::format("{}/{}.txt", folder, name));
    if (!file) continue;
    std::string text;
    for (std::string line; std::getline(file, line);) {
      line.resize(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    results.printed_.push_back({name, std::move(text)});
  }
  if (results.by_name_.empty() && results.printed_.empty()) {
    return base::invalid("{}: no results in it", folder);
  }
  return results;
}

YAML::Node Results::of(std::string_view benchmark) const {
  for (const auto& [name, node] : by_name_) {
    if (name == benchmark) return node;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

std::vector<ConnectRow> Results::group(std::string_view name) const {
  std::vector<ConnectRow> rows;
  const YAML::Node connect = of("connect");
  if (!connect) return rows;
  for (const YAML::Node& node : connect["rows"]) {
    ConnectRow row(node);
    if (row.text("group") == name) rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<Spread> Results::figure(std::string_view row, const char* column) const {
  const YAML::Node connect = of("connect");
  if (!connect) return std::nullopt;
  for (const YAML::Node& node : connect["rows"]) {
    const ConnectRow candidate(node);
    if (candidate.text("name") == row) return candidate.figure(column);
  }
  return std::nullopt;
}

}  // namespace vicinity::bench
