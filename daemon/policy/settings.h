// What an operator sets about all policies, beside the documents themselves. Plain data.
#pragma once

#include <string>

namespace vicinity::policy {

struct Settings {
  std::string root_namespace = "istio-system";  // whose DestinationRules are for everybody
  std::string cluster_domain = "cluster.local";
  bool operator==(const Settings&) const = default;
};

}  // namespace vicinity::policy
