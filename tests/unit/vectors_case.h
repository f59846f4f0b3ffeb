// Cases of locality rules: read from tests/data/vectors.yaml or from the shared collection, turned
// into a mesh file and a client for vicinityctl.
#pragma once

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace vicinity::testing {

struct VectorCase {
  std::string kind;
  int number = 0;
  std::string says;
  YAML::Node body;  // in the layout of tests/data/vectors.yaml
};

// tests/data/vectors.yaml, and the shared collection in the same layout; empty where that is not.
[[nodiscard]] std::vector<VectorCase> own_cases();
[[nodiscard]] std::vector<VectorCase> shared_cases();
[[nodiscard]] std::vector<VectorCase> of_kinds(std::vector<VectorCase> cases,
                                               const std::set<std::string>& only);
// "wds_select_3"
[[nodiscard]] std::string case_name(const ::testing::TestParamInfo<VectorCase>& info);

// One service "ns/svc.ns.svc.cluster.local", 80 -> 8080, with the case's workloads.
[[nodiscard]] std::string mesh_text(const YAML::Node& load_balancing, const YAML::Node& workloads);
inline constexpr const char* kVectorService = "ns/svc.ns.svc.cluster.local";
// "region=r,zone=z" for --client.
[[nodiscard]] std::string client_text(const YAML::Node& client);

}  // namespace vicinity::testing
