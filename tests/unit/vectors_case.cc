#include "unit/vectors_case.h"

#include <fmt/format.h>

#include <set>

#include "support/recordings.h"

namespace vicinity::testing {
namespace {

bool is_wds(const std::string& kind) { return kind == "wds_select" || kind == "wds_tiers"; }

YAML::Node shared_load_balancing(const YAML::Node& input) {
  YAML::Node result;
  const bool tiers_only = !input["lb"].IsDefined();
  const YAML::Node lb = tiers_only ? input : input["lb"];
  if (lb.IsNull()) return result;
  const std::string mode = tiers_only ? "FAILOVER" : lb["mode"].as<std::string>();
  result["mode"] = mode == "UNSPECIFIED" ? "UNSPECIFIED_MODE" : mode;
  if (lb["prefs"] && lb["prefs"].size() != 0) result["routingPreference"] = lb["prefs"];
  if (lb["health_policy"]) result["healthPolicy"] = lb["health_policy"];
  return result;
}

YAML::Node shared_workload(const YAML::Node& endpoint, size_t index) {
  YAML::Node workload;
  workload["uid"] = endpoint["id"] ? endpoint["id"].as<std::string>() : fmt::format("e{}", index);
  for (const char* same : {"network", "node", "capacity"}) {
    if (endpoint[same]) workload[same] = endpoint[same];
  }
  if (endpoint["cluster"]) workload["clusterId"] = endpoint["cluster"];
  if (endpoint["health"]) workload["status"] = endpoint["health"];
  for (const char* level : {"region", "zone", "subzone"}) {
    if (endpoint[level]) workload["locality"][level] = endpoint[level];
  }
  if (endpoint["has_address"] && !endpoint["has_address"].as<bool>()) {
    workload["addresses"] = YAML::Node(YAML::NodeType::Sequence);
  }
  return workload;
}

YAML::Node shared_body(const YAML::Node& vector) {
  const YAML::Node input = vector["input"];
  YAML::Node body;
  body["client"] = input["src"];
  const YAML::Node load_balancing = shared_load_balancing(input);
  if (!load_balancing.IsNull()) body["loadBalancing"] = load_balancing;
  size_t index = 0;
  for (const YAML::Node& endpoint : input["endpoints"]) {
    body["workloads"].push_back(shared_workload(endpoint, index++));
  }
  const YAML::Node expect = vector["expect"];
  if (expect["selected"]) body["shares"] = expect["selected"];
  if (expect["tiers"]) body["tiers"] = expect["tiers"];
  return body;
}

YAML::Node service_document(const YAML::Node& load_balancing) {
  YAML::Node service = YAML::Load(
      "{name: svc, namespace: ns, hostname: svc.ns.svc.cluster.local, addresses: [10.96.0.10],"
      " ports: [{servicePort: 80, targetPort: 8080}]}");
  if (load_balancing.IsDefined() && !load_balancing.IsNull()) {
    service["loadBalancing"] = load_balancing;
  }
  YAML::Node document;
  document["service"] = service;
  return document;
}

YAML::Node workload_document(const YAML::Node& row, size_t index) {
  YAML::Node workload = YAML::Clone(row);
  if (!workload["uid"]) workload["uid"] = fmt::format("e{}", index);
  workload["name"] = workload["uid"];
  workload["namespace"] = "ns";
  if (!workload["addresses"]) workload["addresses"].push_back(fmt::format("10.0.0.{}", index + 1));
  workload["services"][kVectorService]["ports"] =
      YAML::Load("[{servicePort: 80, targetPort: 8080}]");
  YAML::Node document;
  document["workload"] = workload;
  return document;
}

std::vector<VectorCase> load_vectors(const std::filesystem::path& file) {
  std::vector<VectorCase> cases;
  for (const auto& kind : YAML::LoadFile(file.string())) {
    for (const YAML::Node& row : kind.second) {
      cases.push_back({.kind = kind.first.as<std::string>(),
                       .number = row["vector"].as<int>(),
                       .says = row["says"].as<std::string>(),
                       .body = row});
    }
  }
  return cases;
}

// Kinds that are arithmetic have one layout in both, under other names.
YAML::Node arithmetic_body(const YAML::Node& vector) {
  YAML::Node body;
  body["given"] = vector["input"];
  body["then"] = vector["expect"];
  return body;
}

std::vector<VectorCase> load_shared_vectors() {
  std::vector<VectorCase> cases;
  const auto shared = shared_dir();
  if (!shared) return cases;
  const auto file = *shared / "vectors" / "vectors.yaml";
  if (!std::filesystem::exists(file)) return cases;
  for (const YAML::Node& vector : YAML::LoadFile(file.string())["vectors"]) {
    VectorCase& one = cases.emplace_back();
    one.kind = vector["kind"].as<std::string>();
    one.number = vector["id"].as<int>();
    one.says = vector["name"].as<std::string>();
    one.body = is_wds(one.kind) ? shared_body(vector) : arithmetic_body(vector);
  }
  return cases;
}

// A YAML::Node is a handle, and looking into it may change it.
std::vector<VectorCase> copies(std::vector<VectorCase> cases) {
  for (VectorCase& one : cases) one.body.reset(YAML::Clone(one.body));
  return cases;
}

}  // namespace

// Read once: every suite asks for them, and every case is a process.
std::vector<VectorCase> own_cases() {
  static const std::vector<VectorCase> cases = load_vectors(test_data_dir() / "vectors.yaml");
  return copies(cases);
}

std::vector<VectorCase> shared_cases() {
  static const std::vector<VectorCase> cases = load_shared_vectors();
  return copies(cases);
}

std::vector<VectorCase> of_kinds(std::vector<VectorCase> cases, const std::set<std::string>& only) {
  std::erase_if(cases, [&](const VectorCase& one) { return !only.contains(one.kind); });
  return cases;
}

std::string case_name(const ::testing::TestParamInfo<VectorCase>& info) {
  return fmt::format("{}_{}", info.param.kind, info.param.number);
}

std::string mesh_text(const YAML::Node& load_balancing, const YAML::Node& workloads) {
  std::string text = YAML::Dump(service_document(load_balancing)) + "\n";
  size_t index = 0;
  for (const YAML::Node& row : workloads) {
    text += "---\n" + YAML::Dump(workload_document(row, index++)) + "\n";
  }
  return text;
}

std::string client_text(const YAML::Node& client) {
  std::string text;
  for (const auto& field : client) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", field.first.as<std::string>(),
                        field.second.as<std::string>());
  }
  return text;
}

}  // namespace vicinity::testing
