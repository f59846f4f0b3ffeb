// Cases of locality rules: read from tests/data/vectors.yaml or from the shared collection, turned
// into a mesh file and a client for vicinityctl.
#pragma once

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <string>
#include <vector>

namespace vicinity::testing {

struct VectorCase {
  std::string kind;
  int number = 0;
  std::string says;
  YAML::Node body;  // in the layout of tests/data/vectors.yaml
};

[[nodiscard]] std::vector<VectorCase> load_vectors(const std::filesystem::path& file);
// The shared collection's layout, translated; only the WDS kinds have a body.
[[nodiscard]] std::vector<VectorCase> load_shared_vectors(const std::filesystem::path& file);

// One service "ns/svc.ns.svc.cluster.local", 80 -> 8080, with the case's workloads.
[[nodiscard]] std::string mesh_text(const YAML::Node& load_balancing, const YAML::Node& workloads);
inline constexpr const char* kVectorService = "ns/svc.ns.svc.cluster.local";
// "region=r,zone=z" for --client.
[[nodiscard]] std::string client_text(const YAML::Node& client);

}  // namespace vicinity::testing
