// The cases of tests/data/vectors.yaml, end to end through `vicinityctl explain -o json`. The same
// cases from the shared collection are run as well where it exists.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/symbols.h"
#include "policy/wds/rank.h"
#include "support/gtest_support.h"
#include "unit/vectors_explain.h"

namespace vicinity::testing {
namespace {

// What happens to each kind of case.
const std::map<std::string, std::string>& kinds() {
  static const std::map<std::string, std::string> table = {
      {"wds_select", "run"},
      {"wds_tiers", "run"},
      {"istiod_map", "run"},
      {"kmesh_prio", "run"},
      {"behaviour", "run where it is about WDS or Istio"},
      {"istio_failover", "run"},
      {"istio_failover_priority", "run"},
      {"istio_distribute", "run"},
      {"istio_locality_match", "run"},
      {"istio_effective", "run"},
      {"envoy_priority_load", "run"},
      {"envoy_locality_weight", "run"},
      {"envoy_outlier_duration", "run"},
      {"envoy_outlier_cap", "run"},
      {"envoy_slow_start", "later: algorithms"},
      {"envoy_least_request", "run as rows"},
      {"envoy_maglev", "run as rows"},
      {"envoy_ring", "run as rows"},
      {"envoy_zone_aware", "later: algorithms"},
      {"kuma_local_share", "run"},
      {"kuma_endpoints", "run"},
      {"kuma_opf", "run"},
      {"kube_proxy", "later: Kubernetes' own rules"},
      {"k8s_hints", "later: Kubernetes' own rules"},
  };
  return table;
}

void expect_shares(const YAML::Node& explanation, const YAML::Node& expected) {
  const auto shares = shares_of(explanation);
  double sum = 0;
  for (const auto& [uid, share] : shares) sum += share;
  EXPECT_NEAR(sum, shares.empty() ? 0 : 100, 1e-3);
  EXPECT_EQ(shares.size(), expected.size());
  for (const auto& one : expected) {
    const auto uid = one.first.as<std::string>();
    EXPECT_NEAR(shares.contains(uid) ? shares.at(uid) : -1, one.second.as<double>(), 0.01) << uid;
  }
}

void expect_tiers(const YAML::Node& explanation, const YAML::Node& expected) {
  std::vector<std::set<std::string>> tiers;
  for (const YAML::Node& tier : expected) {
    const auto uids = tier.as<std::vector<std::string>>();
    tiers.emplace_back(uids.begin(), uids.end());
  }
  EXPECT_EQ(tiers_of(explanation), tiers);
}

class WdsVector : public ::testing::TestWithParam<VectorCase> {};

TEST_P(WdsVector, Explains) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node& body = GetParam().body;
  const YAML::Node explanation =
      explain(mesh_text(body["loadBalancing"], body["workloads"]), client_text(body["client"]));
  ASSERT_TRUE(body["shares"].IsDefined() || body["tiers"].IsDefined());
  if (body["shares"]) expect_shares(explanation, body["shares"]);
  if (body["tiers"]) expect_tiers(explanation, body["tiers"]);
}

INSTANTIATE_TEST_SUITE_P(Own, WdsVector,
                         ::testing::ValuesIn(of_kinds(own_cases(), {"wds_select", "wds_tiers"})),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Shared, WdsVector,
                         ::testing::ValuesIn(of_kinds(shared_cases(), {"wds_select", "wds_tiers"})),
                         case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WdsVector);

// What istiod makes of Kubernetes' fields is istiod's affair; that its result is understood, ours.
class IstiodVector : public ::testing::TestWithParam<VectorCase> {};

TEST_P(IstiodVector, ResultIsUnderstood) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node lb = GetParam().body["loadBalancing"];
  const std::map<std::string, std::string> mode_names = {{"UNSPECIFIED_MODE", "any"},
                                                         {"STRICT", "strict"},
                                                         {"FAILOVER", "failover"},
                                                         {"PASSTHROUGH", "passthrough"}};
  const std::string mode = lb.IsNull() ? "any" : mode_names.at(lb["mode"].as<std::string>());
  const bool allow_all = !lb.IsNull() && lb["healthPolicy"].as<std::string>() == "ALLOW_ALL";
  const YAML::Node workloads = YAML::Load(
      "[{uid: near, node: n, locality: {region: r, zone: z}},"
      " {uid: far, node: m, locality: {region: q}},"
      " {uid: sick, node: n, locality: {region: r, zone: z}, status: UNHEALTHY}]");
  const YAML::Node explanation = explain(mesh_text(lb, workloads), "region=r,zone=z,node=n");
  EXPECT_EQ(explanation["mode"].as<std::string>(), mode);
  std::set<std::string> nearest = {"near"};
  if (allow_all) nearest.insert("sick");
  if (mode == "any") nearest.insert("far");
  if (mode == "passthrough") {
    EXPECT_EQ(explanation["tiers"].size(), 0u);
    return;
  }
  ASSERT_NE(explanation["tiers"].size(), 0u);
  EXPECT_EQ(tiers_of(explanation).at(0), nearest);
}

INSTANTIATE_TEST_SUITE_P(Own, IstiodVector,
                         ::testing::ValuesIn(of_kinds(own_cases(), {"istiod_map"})), case_name);

model::Place place_of(const YAML::Node& node, model::Symbols& symbols) {
  const auto field = [&](const char* name) {
    return symbols.intern(node[name] ? node[name].as<std::string>() : "");
  };
  return {.network = field("network"),
          .cluster = field("cluster"),
          .region = field("region"),
          .zone = field("zone"),
          .subzone = field("subzone"),
          .node = field("node")};
}

// The prefix ranking without NETWORK's exemption, an option of ours.
class PrefixVector : public ::testing::TestWithParam<VectorCase> {};

TEST_P(PrefixVector, Ranks) {
  SCOPED_TRACE(GetParam().says);
  const std::map<std::string, model::Scope> scope_names = {
      {"REGION", model::Scope::kRegion},   {"ZONE", model::Scope::kZone},
      {"SUBZONE", model::Scope::kSubzone}, {"NODE", model::Scope::kNode},
      {"CLUSTER", model::Scope::kCluster}, {"NETWORK", model::Scope::kNetwork}};
  const YAML::Node given = GetParam().body["given"];
  std::vector<model::Scope> scopes;
  for (const YAML::Node& name : given["scopes"]) {
    scopes.push_back(scope_names.at(name.as<std::string>()));
  }
  model::Symbols symbols;
  const auto rank = policy::wds::rank_place(
      place_of(given["src"], symbols), place_of(given["ep"], symbols),
      {.scopes = scopes, .leading_network = policy::wds::LeadingNetwork::kRequired});
  EXPECT_EQ(rank.distance, GetParam().body["then"]["prio"].as<uint32_t>());
}

INSTANTIATE_TEST_SUITE_P(Own, PrefixVector,
                         ::testing::ValuesIn(of_kinds(own_cases(), {"kmesh_prio"})), case_name);

const YAML::Node& body_of(const std::vector<VectorCase>& cases, int number) {
  return std::ranges::find(cases, number, &VectorCase::number)->body;
}

TEST(Vectors, Vector_136_ZoneOfAnotherRegionIsNotNearer) {
  const auto cases = own_cases();
  const YAML::Node& body = body_of(cases, 136);
  YAML::Node workloads;
  for (const YAML::Node& endpoint : body["given"]["endpoints"]) {
    YAML::Node workload;
    workload["locality"] = endpoint;
    workloads.push_back(workload);
  }
  const YAML::Node lb = YAML::Load("{mode: FAILOVER, routingPreference: [NETWORK, REGION, ZONE]}");
  const YAML::Node explanation =
      explain(mesh_text(lb, workloads), client_text(body["given"]["client"]));
  const YAML::Node nearest = explanation["tiers"][0]["endpoints"];
  ASSERT_EQ(nearest.size(), 1u);
  EXPECT_EQ(nearest[0]["locality"].as<std::string>(), body["then"]["wds"].as<std::string>());
}

TEST(Vectors, EveryCaseIsRunOrSaidToComeLater) {
  const auto cases = own_cases();
  std::map<std::string, int> counts;
  for (const VectorCase& one : cases) ++counts[one.kind];
  for (const auto& [kind, count] : counts) {
    ASSERT_TRUE(kinds().contains(kind)) << "nobody runs the cases of kind " << kind;
    fmt::print("{:>3} {:<24} {}\n", count, kind, kinds().at(kind));
  }
  EXPECT_EQ(cases.size(), 100u);
  EXPECT_EQ(counts.size(), kinds().size());
}

TEST(Vectors, NoSharedCaseIsMissingHere) {
  const auto shared = shared_cases();
  if (shared.empty()) {
    VICINITY_SKIP_OR_FAIL(
        "SKIPPED-NO-VECTORS: ../shared/vectors/vectors.yaml is not beside this tree; our own copy "
        "of "
        "the cases is run all the same");
  }
  std::map<int, std::string> ours;
  for (const VectorCase& one : own_cases()) ours[one.number] = one.kind;
  for (const VectorCase& one : shared) EXPECT_EQ(ours[one.number], one.kind) << one.number;
}

}  // namespace
}  // namespace vicinity::testing
