#include "e2e/kind/scenario.h"

#include <yaml-cpp/yaml.h>

#include <utility>

#include "base/status.h"

namespace vicinity::testing::kind {
namespace {

Place place_of(const YAML::Node& from) {
  return {.region = from["region"].as<std::string>(""),
          .zone = from["zone"].as<std::string>(),
          .subzone = from["subzone"].as<std::string>()};
}

Action deploy_of(const YAML::Node& from) {
  Action action{.kind = ActionKind::kDeploy};
  action.what = from["version"].as<std::string>();
  action.node = from["node"].as<std::string>();
  return action;
}

Action relabel_of(const YAML::Node& from) {
  Action action{.kind = ActionKind::kRelabel};
  action.node = from["node"].as<std::string>();
  action.place = place_of(from);
  return action;
}

Action upgrade_of(const YAML::Node& from) {
  Action action{.kind = ActionKind::kUpgrade};
  action.settings = from.as<std::map<std::string, std::string>>();
  return action;
}

template <ActionKind Kind>
Action named(const YAML::Node& from) {
  Action action{.kind = Kind};
  action.what = from.as<std::string>();
  return action;
}

absl::StatusOr<Action> parse_action(const YAML::Node& from) {
  static const std::map<std::string, Action (*)(const YAML::Node&)> parsers{
      {"deploy", deploy_of},
      {"delete", named<ActionKind::kDelete>},
      {"relabel", relabel_of},
      {"policy", named<ActionKind::kPolicy>},
      {"restart", named<ActionKind::kRestart>},
      {"upgrade", upgrade_of},
      {"uninstall", named<ActionKind::kUninstall>}};
  const auto key = from.begin()->first.as<std::string>();
  const auto parser = parsers.find(key);
  if (parser == parsers.end()) return base::invalid("no action {}", key);
  return parser->second(from.begin()->second);
}

absl::StatusOr<Step> parse_step(const YAML::Node& from) {
  Step step;
  step.name = from["name"].as<std::string>();
  step.title = from["title"].as<std::string>();
  step.load = from["load"].as<bool>(false);
  for (const auto& node : from["do"]) {
    VIC_ASSIGN_OR_RETURN(auto action, parse_action(node));
    step.actions.push_back(std::move(action));
  }
  const YAML::Node answers = from["answers"];
  if (answers.IsSequence()) {
    for (const auto& version : answers) step.answers.insert(version.as<std::string>());
    return step;
  }
  const auto word = answers.as<std::string>();
  if (word != "refused" && word != "unbalanced") return base::invalid("no outcome {}", word);
  step.outcome = word == "refused" ? Outcome::kRefused : Outcome::kUnbalanced;
  return step;
}

absl::StatusOr<Scenario> parse(const YAML::Node& from) {
  Scenario scenario;
  scenario.service = from["service"]["name"].as<std::string>();
  scenario.name_space = from["service"]["namespace"].as<std::string>();
  scenario.port = from["service"]["port"].as<uint16_t>();
  scenario.client = from["client"]["name"].as<std::string>();
  scenario.client_node = from["client"]["node"].as<std::string>();
  scenario.requests = from["requests"].as<uint64_t>();
  for (const auto& node : from["nodes"]) {
    scenario.nodes[node.first.as<std::string>()] = place_of(node.second);
  }
  for (const auto& run : from["runs"]) {
    scenario.runs[run.first.as<std::string>()] = {
        .traffic_distribution = run.second["trafficDistribution"].as<std::string>(),
        .scopes = run.second["scopes"].as<std::vector<std::string>>()};
  }
  for (const auto& node : from["steps"]) {
    VIC_ASSIGN_OR_RETURN(auto step, parse_step(node));
    scenario.steps.push_back(std::move(step));
  }
  return scenario;
}

}  // namespace

absl::StatusOr<Scenario> load_scenario(const std::string& path) {
  try {
    return parse(YAML::LoadFile(path));
  } catch (const YAML::Exception& error) {
    return base::invalid("{}: {}", path, error.what());
  }
}

}  // namespace vicinity::testing::kind
