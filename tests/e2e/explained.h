// What vicinityctl explain says, as values. One thread.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>

#include "e2e/cluster.h"

namespace vicinity::testing {

// Workload uid -> reason, as the node's daemon explains "namespace/hostname port family".
[[nodiscard]] absl::StatusOr<std::map<std::string, std::string>> explained_exclusions(
    Cluster& cluster, const std::string& node, const std::string& key);

}  // namespace vicinity::testing
