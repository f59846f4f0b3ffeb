// An Explanation as JSON (the fields of the interface contract) and as a table for people.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "compile/explain.h"

namespace vicinity::compile {
namespace {

using base::Json;
using Row = std::vector<std::string>;

Json endpoint_json(const ExplainedEndpoint& endpoint) {
  return Json::object({{"workload", Json::string(endpoint.workload)},
                       {"address", Json::string(endpoint.address)},
                       {"locality", Json::string(endpoint.locality)},
                       {"node", Json::string(endpoint.node)},
                       {"status", Json::string(endpoint.status)},
                       {"weight", Json::number(endpoint.weight)},
                       {"share_percent", Json::real(endpoint.share_percent)}});
}

Json tier_json(const ExplainedTier& tier) {
  Json endpoints = Json::array();
  for (const ExplainedEndpoint& endpoint : tier.endpoints) endpoints.push(endpoint_json(endpoint));
  return Json::object({{"priority", Json::number(tier.priority)},
                       {"load_percent", Json::number(tier.load_percent)},
                       {"endpoints", std::move(endpoints)}});
}

// "10.244.1.5" of "10.244.1.5:5000": in the table the port stands once, in the heading.
std::string_view without_port(std::string_view address) {
  return address.substr(0, address.rfind(':'));
}

// All endpoints of one tier in one locality.
struct Group {
  uint64_t weight = 0;
  double share = 0;
  std::vector<std::string> endpoints;
};

std::vector<Row> rows_of(const ExplainedTier& tier) {
  std::map<std::string, Group> groups;
  for (const ExplainedEndpoint& endpoint : tier.endpoints) {
    Group& group = groups[endpoint.locality];
    group.weight += endpoint.weight;
    group.share += endpoint.share_percent;
    group.endpoints.push_back(
        fmt::format("{}|{}", without_port(endpoint.address), endpoint.status));
  }
  std::vector<Row> rows;
  for (const auto& [locality, group] : groups) {
    rows.push_back({fmt::format("{}", tier.priority), locality.empty() ? "-" : locality,
                    fmt::format("{}", group.weight), fmt::format("{:.2f}%", group.share),
                    fmt::format("{}", fmt::join(group.endpoints, ","))});
  }
  return rows;
}

constexpr std::array<std::string_view, 5> kColumns = {"PRIORITY", "LOCALITY", "WEIGHT", "SHARE",
                                                      "ENDPOINTS(ip|status)"};

std::vector<Row> rows_of(const Explanation& explanation) {
  std::vector<Row> rows;
  for (const ExplainedTier& tier : explanation.tiers) {
    for (Row& row : rows_of(tier)) rows.push_back(std::move(row));
  }
  return rows;
}

// Columns as wide as their widest cell; the last one ends where it ends.
std::string aligned(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) text += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += row.back() + "\n";
  }
  return text;
}

Json parameters_json(const Explanation& explanation) {
  Json parameters = Json::object();
  for (const ExplainedParameter& one : explanation.parameters) {
    parameters.add(one.name, Json::string(one.value));
  }
  return parameters;
}

std::string algorithm_text(const Explanation& explanation) {
  if (explanation.parameters.empty()) return explanation.algorithm;
  std::vector<std::string> parameters;
  for (const ExplainedParameter& one : explanation.parameters) {
    parameters.push_back(fmt::format("{} {}", one.name, one.value));
  }
  return fmt::format("{} ({})", explanation.algorithm, fmt::join(parameters, ", "));
}

Json policies_json(const Explanation& explanation) {
  Json policies = Json::array();
  for (const ExplainedPolicy& one : explanation.policies) {
    policies.push(
        Json::object({{"document", Json::string(one.document)}, {"why", Json::string(one.why)}}));
  }
  return policies;
}

Json states_json(const Explanation& explanation) {
  Json states = Json::array();
  for (const ExplainedState& one : explanation.states) {
    Json events = Json::array();
    for (const std::string& event : one.events) events.push(Json::string(event));
    states.push(Json::object({{"address", Json::string(one.address)},
                              {"state", Json::string(one.state)},
                              {"reason", Json::string(one.reason)},
                              {"events", std::move(events)}}));
  }
  return states;
}

// Empty: nothing ever happened to an endpoint. Of its events the last two.
std::string states_table(std::span<const Explanation> explanations) {
  std::vector<Row> rows = {{"ENDPOINT", "STATE", "REASON", "LAST EVENTS"}};
  for (const Explanation& explanation : explanations) {
    for (const ExplainedState& one : explanation.states) {
      const size_t skipped = one.events.size() > 2 ? one.events.size() - 2 : 0;
      rows.push_back({one.address, one.state, one.reason.empty() ? "-" : one.reason,
                      fmt::format("{}", fmt::join(std::span(one.events).subspan(skipped), "; "))});
    }
  }
  return rows.size() == 1 ? std::string() : "\n" + aligned(rows);
}

}  // namespace

Json to_json(const Explanation& explanation) {
  Json tiers = Json::array();
  for (const ExplainedTier& tier : explanation.tiers) tiers.push(tier_json(tier));
  Json excluded = Json::array();
  for (const ExplainedExclusion& one : explanation.excluded) {
    excluded.push(Json::object(
        {{"workload", Json::string(one.workload)}, {"reason", Json::string(one.reason)}}));
  }
  Json notes = Json::array();
  for (const std::string& note : explanation.notes) notes.push(Json::string(note));
  Json json = Json::object({{"service", Json::string(explanation.service)},
                            {"port", Json::number(explanation.port)},
                            {"family", Json::string(explanation.family)},
                            {"mode", Json::string(explanation.mode)},
                            {"algorithm", Json::string(explanation.algorithm)},
                            {"on_empty", Json::string(explanation.on_empty)},
                            {"tiers", std::move(tiers)},
                            {"excluded", std::move(excluded)},
                            {"notes", std::move(notes)}});
  if (!explanation.parameters.empty()) {
    json.add("algorithm_parameters", parameters_json(explanation));
  }
  if (!explanation.policies.empty()) json.add("policies", policies_json(explanation));
  if (!explanation.outlier.empty()) json.add("outlier", Json::string(explanation.outlier));
  if (!explanation.load_spill.empty()) json.add("load_spill", Json::string(explanation.load_spill));
  if (!explanation.states.empty()) json.add("states", states_json(explanation));
  return json;
}

std::string to_table(const Explanation& explanation) {
  std::string text = fmt::format("{} port {} {}: {}, {}, when empty {}\n", explanation.service,
                                 explanation.port, explanation.family, explanation.mode,
                                 algorithm_text(explanation), explanation.on_empty);
  for (const ExplainedPolicy& one : explanation.policies) {
    text += fmt::format("by {}: {}\n", one.document, one.why);
  }
  if (!explanation.outlier.empty()) text += fmt::format("judged: {}\n", explanation.outlier);
  if (!explanation.load_spill.empty()) {
    text += fmt::format("spills by load: {}\n", explanation.load_spill);
  }
  for (const std::string& note : explanation.notes) text += fmt::format("note: {}\n", note);
  std::vector<Row> rows = rows_of(explanation);
  if (rows.empty()) {
    text += "no endpoints\n";
  } else {
    rows.insert(rows.begin(), Row(kColumns.begin(), kColumns.end()));
    text += aligned(rows);
  }
  text += states_table({&explanation, 1});
  if (explanation.excluded.empty()) return text;
  std::vector<Row> excluded = {{"EXCLUDED", "REASON"}};
  for (const ExplainedExclusion& one : explanation.excluded) {
    excluded.push_back({one.workload, one.reason});
  }
  return text + "\n" + aligned(excluded);
}

std::string to_endpoints_table(std::span<const Explanation> explanations) {
  const bool with_port = explanations.size() > 1;
  std::vector<Row> rows = {Row(kColumns.begin(), kColumns.end())};
  if (with_port) rows.front().insert(rows.front().begin(), "PORT");
  for (const Explanation& explanation : explanations) {
    const std::string port = fmt::format("{}/{}", explanation.port, explanation.family);
    std::vector<Row> of_port = rows_of(explanation);
    if (of_port.empty()) of_port = {{"-", "-", "-", "-", "none"}};
    for (Row& row : of_port) {
      if (with_port) row.insert(row.begin(), port);
      rows.push_back(std::move(row));
    }
  }
  return aligned(rows) + states_table(explanations);
}

}  // namespace vicinity::compile
