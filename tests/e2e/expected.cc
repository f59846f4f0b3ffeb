#include "e2e/expected.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/status.h"
#include "policy/plan.h"

namespace vicinity::testing {
namespace {

ExpectedTable parse_table(const YAML::Node& from) {
  ExpectedTable table{.mode = from["mode"].as<std::string>(), .tiers = {}};
  for (const auto& tier : from["tiers"]) {
    table.tiers.push_back(tier.as<std::map<std::string, uint64_t>>());
  }
  return table;
}

ExpectedView parse_view(const YAML::Node& from) {
  ExpectedView view;
  view.step = from["step"].as<std::string>();
  view.node = from["client"]["node"].as<std::string>();
  for (const auto& service : from["services"]) {
    const auto key = service.first.as<std::string>();
    view.tables[key] = parse_table(service.second);
    auto& excluded = view.excluded[key];
    if (service.second["excluded"]) {
      excluded = service.second["excluded"].as<std::map<std::string, std::string>>();
    }
  }
  return view;
}

}  // namespace

absl::StatusOr<std::vector<ExpectedView>> load_expected(const std::string& path) {
  std::vector<ExpectedView> views;
  try {
    for (const auto& view : YAML::LoadFile(path)) views.push_back(parse_view(view));
  } catch (const YAML::Exception& error) {
    return base::invalid("{}: {}", path, error.what());
  }
  if (views.empty()) return base::invalid("{}: states nothing", path);
  return views;
}

std::map<std::string, ExpectedView> at_step(const std::vector<ExpectedView>& views,
                                            std::string_view step) {
  std::map<std::string, ExpectedView> found;
  for (const auto& view : views) {
    if (view.step == step) found[view.node] = view;
  }
  return found;
}

ExpectedTables facts_of(const compile::Tables& tables) {
  ExpectedTables facts;
  for (const auto& [name, service] : tables.services) {
    for (const auto& port : service.ports) {
      const auto key = fmt::format("{} {} {}", name, port.port, model::family_name(port.family));
      auto& table = facts[key];
      table.mode = policy::mode_name(port.mode);
      table.tiers.resize(port.tiers.size());
      for (const auto& slot : port.slots) {
        table.tiers[slot.tier][model::endpoint_text(slot.address, slot.port)] += slot.weight;
      }
    }
  }
  return facts;
}

std::string to_text(const ExpectedTables& tables) {
  std::string text;
  for (const auto& [key, table] : tables) {
    text += fmt::format("{}: {}\n", key, table.mode);
    for (const auto& tier : table.tiers) {
      text += " ";
      for (const auto& [address, weight] : tier) text += fmt::format(" {}={}", address, weight);
      text += "\n";
    }
  }
  return text;
}

}  // namespace vicinity::testing
