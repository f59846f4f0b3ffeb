// The cases about MeshLoadBalancingStrategy, as documents that operators write, through
// `vicinityctl explain --policy`.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "policy/kuma/threshold.h"
#include "unit/vectors_explain.h"

namespace vicinity::testing {
namespace {

// What is a field of the feed is no label there.
void set_tag(YAML::Node workload, const std::string& tag, const YAML::Node& value) {
  if (tag == "kubernetes.io/hostname") {
    workload["node"] = value;
  } else if (tag == "topology.kubernetes.io/zone") {
    workload["locality"]["zone"] = value;
  } else {
    workload["labels"][tag] = value;
  }
}

YAML::Node workloads_of(const YAML::Node& given) {
  YAML::Node workloads;
  for (const YAML::Node& endpoint : given["endpoints"]) {
    YAML::Node workload(YAML::NodeType::Map);
    workload["uid"] = endpoint["id"];
    workload["clusterId"] = endpoint["zone"];
    for (const auto& tag : endpoint["tags"]) {
      set_tag(workload, tag.first.as<std::string>(), tag.second);
    }
    workloads.push_back(workload);
  }
  return workloads;
}

std::string client_of(const YAML::Node& given) {
  std::string text = "cluster=" + given["local_zone"].as<std::string>();
  for (const auto& tag : given["client_tags"]) {
    const auto name = tag.first.as<std::string>();
    std::string key = "label." + name;
    if (name == "kubernetes.io/hostname") key = "node";
    if (name == "topology.kubernetes.io/zone") key = "zone";
    text += fmt::format(",{}={}", key, tag.second.as<std::string>());
  }
  return text;
}

// The cases write a rule flat: from: [..], type, zones.
YAML::Node nested(const YAML::Node& flat) {
  YAML::Node rule;
  if (flat["from"]) rule["from"]["zones"] = flat["from"];
  rule["to"]["type"] = flat["type"];
  if (flat["zones"]) rule["to"]["zones"] = flat["zones"];
  return rule;
}

std::string strategy(const YAML::Node& locality) {
  YAML::Node document = YAML::Load(
      "{apiVersion: kuma.io/v1alpha1, kind: MeshLoadBalancingStrategy, metadata: {name: p, "
      "namespace: kuma-system}, spec: {to: [{targetRef: {kind: MeshService, name: svc}}]}}");
  YAML::Node conf(YAML::NodeType::Map);
  if (locality.IsDefined()) {
    YAML::Node copy = YAML::Clone(locality);
    YAML::Node zone = copy["crossZone"];
    if (zone.IsDefined()) {
      YAML::Node rules(YAML::NodeType::Sequence);
      for (const YAML::Node& rule : zone["failover"]) rules.push_back(nested(rule));
      zone["failover"] = rules;
      if (const YAML::Node flat = zone["failoverThreshold"]; flat && flat.IsScalar()) {
        YAML::Node threshold;
        threshold["percentage"] = flat.as<std::string>();
        zone["failoverThreshold"] = threshold;
      }
    }
    conf["localityAwareness"] = copy;
  }
  document["spec"]["to"][0]["default"] = conf;
  return YAML::Dump(document);
}

class KumaShares : public ::testing::TestWithParam<VectorCase> {};

// Expected per tag of the list: what the endpoints have that are in its group.
TEST_P(KumaShares, Explains) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node given = GetParam().body["given"];
  const auto shares = shares_of(explain(mesh_text({}, workloads_of(given)), client_of(given),
                                        strategy(given["localityAwareness"])));
  std::map<std::string, double> by_group;
  for (const YAML::Node& endpoint : given["endpoints"]) {
    std::string group = "_rest";
    for (const YAML::Node& tag : given["localityAwareness"]["localZone"]["affinityTags"]) {
      const auto key = tag["key"].as<std::string>();
      const YAML::Node wanted = given["client_tags"][key];
      const YAML::Node has = endpoint["tags"] ? endpoint["tags"][key] : YAML::Node();
      if (!wanted || !has || !has.IsScalar()) continue;
      if (wanted.as<std::string>() != has.as<std::string>()) continue;
      group = key;
      break;
    }
    const auto share = shares.find(endpoint["id"].as<std::string>());
    by_group[group] += share == shares.end() ? 0 : share->second;
  }
  const YAML::Node expected = GetParam().body["then"]["percent"];
  EXPECT_EQ(by_group.size(), expected.size());
  for (const auto& one : expected) {
    const auto group = one.first.as<std::string>();
    EXPECT_NEAR(by_group[group], one.second.as<double>(), 0.01) << group;
  }
}

INSTANTIATE_TEST_SUITE_P(Own, KumaShares,
                         ::testing::ValuesIn(of_kinds(own_cases(), {"kuma_local_share"})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Shared, KumaShares,
                         ::testing::ValuesIn(of_kinds(shared_cases(), {"kuma_local_share"})),
                         case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KumaShares);

class KumaEndpoints : public ::testing::TestWithParam<VectorCase> {};

TEST_P(KumaEndpoints, Explains) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node given = GetParam().body["given"];
  const auto priorities = priorities_of(explain(
      mesh_text({}, workloads_of(given)), client_of(given), strategy(given["localityAwareness"])));
  const YAML::Node expected = GetParam().body["then"]["endpoints"];
  EXPECT_EQ(priorities.size(), expected.size());
  for (const auto& one : expected) {
    const auto uid = one.first.as<std::string>();
    ASSERT_TRUE(priorities.contains(uid)) << uid;
    EXPECT_EQ(priorities.at(uid), one.second["priority"].as<int>()) << uid;
  }
}

INSTANTIATE_TEST_SUITE_P(Own, KumaEndpoints,
                         ::testing::ValuesIn(of_kinds(own_cases(), {"kuma_endpoints"})), case_name);
INSTANTIATE_TEST_SUITE_P(Shared, KumaEndpoints,
                         ::testing::ValuesIn(of_kinds(shared_cases(), {"kuma_endpoints"})),
                         case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KumaEndpoints);

class KumaFactor : public ::testing::TestWithParam<VectorCase> {};

// A factor shows in what a partly sick zone keeps: as many healthy of 100 as just do not suffice.
TEST_P(KumaFactor, Explains) {
  SCOPED_TRACE(GetParam().says);
  const auto percentage = GetParam().body["given"]["percentage"].as<std::string>();
  const auto factor = GetParam().body["then"]["opf"].as<int>();
  EXPECT_EQ(
      factor_percent(policy::kuma::parse_decimal(percentage), policy::kuma::Threshold::kCompat),
      static_cast<uint32_t>(factor));
  const int healthy = (100 * 100 - 1) / factor;
  YAML::Node workloads;
  for (int i = 0; i <= 100; ++i) {
    YAML::Node workload(YAML::NodeType::Map);
    workload["clusterId"] = i == 100 ? "far" : "near";
    if (i >= healthy && i < 100) workload["status"] = "UNHEALTHY";
    workloads.push_back(workload);
  }
  const YAML::Node locality = YAML::Load(fmt::format(
      "{{crossZone: {{failover: [{{type: Any}}], failoverThreshold: '{}'}}}}", percentage));
  const YAML::Node explanation = explain(mesh_text({}, workloads), "cluster=near",
                                         strategy(locality), {"--kuma-threshold", "compat"});
  EXPECT_EQ(explanation["tiers"][0]["load_percent"].as<int>(), factor * healthy / 100);
}

INSTANTIATE_TEST_SUITE_P(Own, KumaFactor, ::testing::ValuesIn(of_kinds(own_cases(), {"kuma_opf"})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Shared, KumaFactor,
                         ::testing::ValuesIn(of_kinds(shared_cases(), {"kuma_opf"})), case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KumaFactor);

}  // namespace
}  // namespace vicinity::testing
