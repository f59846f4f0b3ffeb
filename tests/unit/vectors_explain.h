// Asks `vicinityctl explain` about a case's mesh, and reads its answer.
#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "unit/vectors_case.h"

namespace vicinity::testing {

// Runs `vicinityctl explain` on the mesh, with a policy if there is one and more flags, and returns
// what it printed, JSON being YAML. A failure of the program fails the test.
[[nodiscard]] YAML::Node explain(const std::string& mesh, const std::string& client,
                                 const std::string& policy = {},
                                 const std::vector<std::string>& flags = {});

// uid -> share in percent, of endpoints with a share above 0.
[[nodiscard]] std::map<std::string, double> shares_of(const YAML::Node& explanation);
[[nodiscard]] std::vector<std::set<std::string>> tiers_of(const YAML::Node& explanation);
// uid -> the number of its tier.
[[nodiscard]] std::map<std::string, int> priorities_of(const YAML::Node& explanation);

}  // namespace vicinity::testing
