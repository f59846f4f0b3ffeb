// The cases about DestinationRule, as documents that operators write, through `vicinityctl
// explain --policy`; what no document can show, as rows of the rules themselves.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "policy/istio/effective.h"
#include "policy/istio/parse.h"
#include "policy/istio/spec.h"
#include "unit/vectors_explain.h"

namespace vicinity::testing {
namespace {

const std::map<std::string, std::string>& topology_fields() {
  static const std::map<std::string, std::string> fields = {
      {"topology.istio.io/network", "network"},    {"topology.istio.io/cluster", "cluster"},
      {"topology.kubernetes.io/region", "region"}, {"topology.kubernetes.io/zone", "zone"},
      {"topology.istio.io/subzone", "subzone"},    {"kubernetes.io/hostname", "node"}};
  return fields;
}

// "region/zone/subzone", levels may be missing.
std::array<std::string, 3> levels_of(const YAML::Node& locality) {
  if (!locality.IsDefined()) return {};
  return policy::istio::split_locality(locality.as<std::string>()).levels;
}

void set_locality(YAML::Node workload, const YAML::Node& locality) {
  const auto levels = levels_of(locality);
  const char* const names[] = {"region", "zone", "subzone"};
  for (size_t i = 0; i < levels.size(); ++i) {
    if (!levels[i].empty()) workload["locality"][names[i]] = levels[i];
  }
}

void set_labels(YAML::Node workload, const YAML::Node& labels) {
  for (const auto& label : labels) {
    const auto name = label.first.as<std::string>();
    const auto field = topology_fields().find(name);
    if (field == topology_fields().end()) {
      workload["labels"][name] = label.second;
    } else if (field->second == "cluster") {
      workload["clusterId"] = label.second;
    } else if (field->second == "network" || field->second == "node") {
      workload[field->second] = label.second;
    } else {
      workload["locality"][field->second] = label.second;
    }
  }
}

std::string client_of(const YAML::Node& given) {
  std::map<std::string, std::string> fields;
  const auto levels = levels_of(given["proxy"]);
  const char* const names[] = {"region", "zone", "subzone"};
  for (size_t i = 0; i < levels.size(); ++i) {
    if (!levels[i].empty()) fields[names[i]] = levels[i];
  }
  for (const auto& label : given["proxy_labels"]) {
    const auto name = label.first.as<std::string>();
    const auto field = topology_fields().find(name);
    fields[field == topology_fields().end() ? "label." + name : field->second] =
        label.second.as<std::string>();
  }
  std::string text;
  for (const auto& [key, value] : fields) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
  }
  return text;
}

std::string rule_of(const YAML::Node& given, bool gate) {
  YAML::Node document = YAML::Load(
      "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: rule, "
      "namespace: ns}, spec: {host: svc.ns.svc.cluster.local}}");
  YAML::Node policy = document["spec"]["trafficPolicy"];
  policy["loadBalancer"]["simple"] = "RANDOM";
  YAML::Node setting = policy["loadBalancer"]["localityLbSetting"];
  setting["enabled"] = true;
  for (const char* field : {"failover", "failoverPriority", "distribute"}) {
    if (given[field]) setting[field] = given[field];
  }
  if (gate) policy["outlierDetection"] = YAML::Node(YAML::NodeType::Map);
  return YAML::Dump(document);
}

class IstioPriorities : public ::testing::TestWithParam<VectorCase> {};

TEST_P(IstioPriorities, Explains) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node given = GetParam().body["given"];
  const auto expected = GetParam().body["then"]["priorities"].as<std::vector<int>>();
  YAML::Node workloads;
  for (size_t i = 0; i < expected.size(); ++i) {
    YAML::Node workload(YAML::NodeType::Map);
    if (given["localities"]) set_locality(workload, given["localities"][i]);
    if (given["endpoints"]) set_labels(workload, given["endpoints"][i]);
    workload["capacity"] = 1;
    workloads.push_back(workload);
  }
  const YAML::Node explanation =
      explain(mesh_text({}, workloads), client_of(given), rule_of(given, true));
  const auto priorities = priorities_of(explanation);
  ASSERT_EQ(priorities.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(priorities.at(fmt::format("e{}", i)), expected[i]) << i;
  }
}

const std::set<std::string> kPriorityKinds = {"istio_failover", "istio_failover_priority"};
INSTANTIATE_TEST_SUITE_P(Own, IstioPriorities,
                         ::testing::ValuesIn(of_kinds(own_cases(), kPriorityKinds)), case_name);
INSTANTIATE_TEST_SUITE_P(Shared, IstioPriorities,
                         ::testing::ValuesIn(of_kinds(shared_cases(), kPriorityKinds)), case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(IstioPriorities);

class IstioDistribute : public ::testing::TestWithParam<VectorCase> {};

TEST_P(IstioDistribute, Explains) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node given = GetParam().body["given"];
  const auto weights = GetParam().body["then"]["weights"].as<std::vector<double>>();
  const auto kept = GetParam().body["then"]["kept"].as<std::vector<bool>>();
  YAML::Node workloads;
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    YAML::Node workload(YAML::NodeType::Map);
    set_locality(workload, given["localities"][i]["locality"]);
    workload["capacity"] = given["localities"][i]["weight"];
    workloads.push_back(workload);
    if (kept[i]) sum += weights[i];
  }
  const YAML::Node explanation =
      explain(mesh_text({}, workloads), client_of(given), rule_of(given, false));
  const auto shares = shares_of(explanation);
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto share = shares.find(fmt::format("e{}", i));
    const double expected = kept[i] ? weights[i] / sum * 100 : 0;
    EXPECT_NEAR(share == shares.end() ? 0 : share->second, expected, 0.01) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Own, IstioDistribute,
                         ::testing::ValuesIn(of_kinds(own_cases(), {"istio_distribute"})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Shared, IstioDistribute,
                         ::testing::ValuesIn(of_kinds(shared_cases(), {"istio_distribute"})),
                         case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(IstioDistribute);

// Weighted localities of partly healthy hosts: one tier, whose localities are weighted because the
// rule has a failoverPriority that everybody matches.
class LocalityWeights : public ::testing::TestWithParam<VectorCase> {};

TEST_P(LocalityWeights, Explains) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node localities = GetParam().body["given"]["localities"];
  int hosts = 1;
  for (const YAML::Node& one : localities) hosts = std::lcm(hosts, one["total"].as<int>());
  YAML::Node workloads;
  for (size_t at = 0; at < localities.size(); ++at) {
    const int total = localities[at]["total"].as<int>();
    for (int i = 0; i < total; ++i) {
      YAML::Node workload(YAML::NodeType::Map);
      workload["uid"] = fmt::format("l{}-{}", at, i);
      workload["addresses"].push_back(fmt::format("10.{}.{}.{}", at + 1, i / 200, i % 200 + 1));
      workload["locality"]["region"] = fmt::format("r{}", at);
      // The same weight for the locality, however many hosts it is spread over.
      workload["capacity"] = localities[at]["weight"].as<int>() * hosts / total;
      if (i >= localities[at]["healthy"].as<int>()) workload["status"] = "UNHEALTHY";
      workloads.push_back(workload);
    }
  }
  YAML::Node given;
  given["failoverPriority"].push_back("topology.istio.io/network");
  const YAML::Node explanation =
      explain(mesh_text({}, workloads), "network=,node=n", rule_of(given, true));
  std::map<char, double> shares;
  for (const auto& [uid, share] : shares_of(explanation)) shares[uid[1]] += share;
  const auto expected = GetParam().body["then"]["percent"].as<std::vector<double>>();
  for (size_t at = 0; at < expected.size(); ++at) {
    EXPECT_NEAR(shares[static_cast<char>('0' + at)], expected[at], 0.6) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(Own, LocalityWeights,
                         ::testing::ValuesIn(of_kinds(own_cases(), {"envoy_locality_weight"})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Shared, LocalityWeights,
                         ::testing::ValuesIn(of_kinds(shared_cases(), {"envoy_locality_weight"})),
                         case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LocalityWeights);

class IstioLocalityMatch : public ::testing::TestWithParam<VectorCase> {};

TEST_P(IstioLocalityMatch, Matches) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node given = GetParam().body["given"];
  const auto levels = levels_of(given["locality"]);
  EXPECT_EQ(policy::istio::matches(policy::istio::split_locality(given["rule"].as<std::string>()),
                                   {levels[0], levels[1], levels[2]}),
            GetParam().body["then"]["match"].as<bool>());
}

INSTANTIATE_TEST_SUITE_P(Own, IstioLocalityMatch,
                         ::testing::ValuesIn(of_kinds(own_cases(), {"istio_locality_match"})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Shared, IstioLocalityMatch,
                         ::testing::ValuesIn(of_kinds(shared_cases(), {"istio_locality_match"})),
                         case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(IstioLocalityMatch);

class IstioEffective : public ::testing::TestWithParam<VectorCase> {};

template <class Setting>
std::optional<Setting> setting_of(const YAML::Node& node) {
  if (!node.IsDefined() || node.IsNull()) return std::nullopt;
  Setting setting;
  setting.enabled = !node["enabled"] || node["enabled"].as<bool>();
  return setting;
}

TEST_P(IstioEffective, Decides) {
  SCOPED_TRACE(GetParam().says);
  using policy::istio::Level;
  const std::map<Level, std::string> names = {{Level::kNone, "none"},
                                              {Level::kRuleZones, "dr.zone_aware"},
                                              {Level::kRule, "dr.locality"},
                                              {Level::kService, "service.traffic_distribution"},
                                              {Level::kMeshZones, "mesh.zone_aware"},
                                              {Level::kMesh, "mesh.locality"}};
  const YAML::Node given = GetParam().body["given"];
  policy::istio::LoadBalancer rule;
  rule.locality = setting_of<policy::istio::LocalitySetting>(given["dr_locality"]);
  rule.zone_aware = setting_of<policy::istio::ZoneAwareSetting>(given["dr_zone_aware"]);
  policy::istio::MeshConfig mesh;
  mesh.locality = setting_of<policy::istio::LocalitySetting>(given["mesh_locality"]);
  mesh.zone_aware = setting_of<policy::istio::ZoneAwareSetting>(given["mesh_zone_aware"]);
  const auto effective = effective_setting(&rule, given["service_td"].IsDefined(), &mesh);
  EXPECT_EQ(names.at(effective.level), GetParam().body["then"]["effective"].as<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Own, IstioEffective,
                         ::testing::ValuesIn(of_kinds(own_cases(), {"istio_effective"})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Shared, IstioEffective,
                         ::testing::ValuesIn(of_kinds(shared_cases(), {"istio_effective"})),
                         case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(IstioEffective);

TEST(IstioVectors, Vector_64_NoFailoverWithoutOutlierDetection) {
  const YAML::Node workloads = YAML::Load(
      "[{uid: a, locality: {region: r}}, {uid: b, locality: {region: q}}, {uid: c, locality: "
      "{region: q}}]");
  const auto explained = [&](bool gate) {
    return priorities_of(
        explain(mesh_text({}, workloads), "region=r", rule_of(YAML::Node(), gate)));
  };
  EXPECT_EQ(explained(false), (std::map<std::string, int>{{"a", 0}, {"b", 0}, {"c", 0}}));
  EXPECT_EQ(explained(true), (std::map<std::string, int>{{"a", 0}, {"b", 1}, {"c", 1}}));
}

}  // namespace
}  // namespace vicinity::testing
