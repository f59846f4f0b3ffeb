// tests/e2e/kind/scenario.yaml as values: steps of actions on a cluster, and who answers after
// each. Plain data; any thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace vicinity::testing::kind {

struct Place {
  std::string region;
  std::string zone;
  std::string subzone;
};

enum class ActionKind : uint8_t {
  kDeploy,
  kDelete,
  kRelabel,
  kPolicy,
  kRestart,
  kUpgrade,
  kUninstall
};

struct Action {
  ActionKind kind = ActionKind::kPolicy;
  std::string what;                             // version, policy, "daemonset" or "istiod"
  std::string node;                             // of deploy and relabel
  Place place;                                  // of relabel, without region
  std::map<std::string, std::string> settings;  // of upgrade
};

enum class Outcome : uint8_t { kAnswered, kRefused, kUnbalanced };

struct Step {
  std::string name;
  std::string title;
  bool load = false;
  std::vector<Action> actions;
  Outcome outcome = Outcome::kAnswered;
  std::set<std::string> answers;  // versions
};

struct Run {
  std::string traffic_distribution;
  std::vector<std::string> scopes;
};

struct Scenario {
  std::string service;  // its name
  std::string name_space;
  uint16_t port = 0;
  std::string client;
  std::string client_node;
  uint64_t requests = 0;
  std::map<std::string, Place> nodes;
  std::map<std::string, Run> runs;
  std::vector<Step> steps;
};

// InvalidArgument: not YAML, or an action that there is not, with the step.
[[nodiscard]] absl::StatusOr<Scenario> load_scenario(const std::string& path);

}  // namespace vicinity::testing::kind
