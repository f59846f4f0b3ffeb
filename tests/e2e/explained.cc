#include "e2e/explained.h"

#include <yaml-cpp/yaml.h>

#include <sstream>

#include "base/status.h"

namespace vicinity::testing {

absl::StatusOr<std::map<std::string, std::string>> explained_exclusions(Cluster& cluster,
                                                                        const std::string& node,
                                                                        const std::string& key) {
  std::istringstream words(key);
  std::string service;
  std::string port;
  std::string family;
  words >> service >> port >> family;
  VIC_ASSIGN_OR_RETURN(const auto done,
                       cluster.ctl(node, {"explain", "--service", service, "--port", port,
                                          "--family", family, "-o", "json"}));
  if (done.exit_code != 0) return base::internal("explain {}: {}", key, done.err);
  std::map<std::string, std::string> reasons;
  // JSON is YAML.
  const auto explanation = YAML::Load(done.out);
  for (const auto& excluded : explanation["excluded"]) {
    reasons[excluded["workload"].as<std::string>()] = excluded["reason"].as<std::string>();
  }
  return reasons;
}

}  // namespace vicinity::testing
