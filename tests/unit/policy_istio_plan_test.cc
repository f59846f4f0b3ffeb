// Plans of DestinationRule and MeshConfig: the gate, the levels of precedence, spill, distribute.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "compile/compile.h"
#include "unit/model_rows.h"
#include "unit/policy_rows.h"

namespace vicinity::testing {
namespace {

using model::Health;
using model::RoutingMode;
using model::Scope;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr const char* kKey = "ns/svc.ns.svc.cluster.local";
constexpr const char* kHost = "svc.ns.svc.cluster.local";

// A workload "region-zone-N" of that locality.
struct Group {
  const char* region;
  const char* zone;
  int healthy;
  int sick = 0;
};

std::vector<WorkloadRow> workloads_of(const std::vector<Group>& groups) {
  std::vector<WorkloadRow> rows;
  for (const Group& group : groups) {
    for (int i = 0; i < group.healthy + group.sick; ++i) {
      WorkloadRow& row = rows.emplace_back();
      row.uid = fmt::format("{}-{}-{}", group.region, group.zone, i);
      row.addresses = {fmt::format("10.0.{}.{}", rows.size() / 250, rows.size() % 250 + 1)};
      row.region = group.region;
      row.zone = group.zone;
      row.node = row.uid;
      row.health = i < group.healthy ? Health::kHealthy : Health::kUnhealthy;
      row.services = {{kKey, {{80, 8080}}}};
    }
  }
  return rows;
}

// The client is in kr/a, on node "here".
class IstioPlan : public ::testing::Test {
 protected:
  void set_up(const std::vector<Group>& groups, ServiceRow service = {}) {
    service.key = kKey;
    service.addresses = {"10.96.0.10"};
    world_.apply({.removed = {}, .services = {service}, .workloads = workloads_of(groups)});
  }
  void rule(std::string_view policy) { policies(destination_rule("ns", "r", kHost, policy)); }
  void policies(std::string_view text) { world_.options.policies = book_of(text); }
  compile::Explanation explained() { return world_.explanation(kKey); }
  // "region/zone" -> share in percent, rounded.
  std::map<std::string, int> shares() {
    std::map<std::string, double> sums;
    for (const auto& tier : explained().tiers) {
      for (const auto& endpoint : tier.endpoints) {
        sums[endpoint.locality] += endpoint.share_percent;
      }
    }
    std::map<std::string, int> rounded;
    for (const auto& [locality, share] : sums) {
      if (share > 0) rounded[locality] = static_cast<int>(std::lround(share));
    }
    return rounded;
  }
  // "0:70 1:30"
  std::string loads() {
    std::string text;
    for (const auto& tier : explained().tiers) {
      text += fmt::format("{}{}:{}", text.empty() ? "" : " ", tier.priority, tier.load_percent);
    }
    return text;
  }

  World world_{
      {.network = "", .cluster = "Kubernetes", .region = "kr", .zone = "a", .subzone = ""}};
};

constexpr const char* kLocalityOn = "{loadBalancer: {localityLbSetting: {enabled: true}}}";
constexpr const char* kGated = "{outlierDetection: {}}";

TEST_F(IstioPlan, TheGateOpensDefaultFailover) {
  set_up({{"kr", "a", 2}, {"kr", "b", 2}, {"us", "a", 2}});
  rule(kLocalityOn);
  EXPECT_EQ(loads(), "0:100");
  EXPECT_THAT(shares(), UnorderedElementsAre(Pair("kr/a", 33), Pair("kr/b", 33), Pair("us/a", 33)));
  EXPECT_EQ(explained().mode, "any");
  rule(kGated);
  EXPECT_EQ(loads(), "0:100 1:0 2:0");
  EXPECT_EQ(explained().mode, "prioritized");
  EXPECT_EQ(explained().policies[0].document, "DestinationRule ns/r");
}

TEST_F(IstioPlan, LoadSpillsAsHealthDrops) {
  set_up({{"kr", "a", 5, 5}, {"kr", "b", 10}});
  rule(kGated);
  EXPECT_EQ(loads(), "0:70 1:30");
  EXPECT_THAT(shares(), UnorderedElementsAre(Pair("kr/a", 70), Pair("kr/b", 30)));
  EXPECT_EQ(explained().excluded.size(), 5U);
  EXPECT_EQ(explained().excluded[0].reason, "unhealthy");
}

TEST_F(IstioPlan, ATierOfTheSickKeepsItsNumber) {
  set_up({{"kr", "a", 0, 2}, {"kr", "b", 2}, {"us", "a", 2}});
  rule(kGated);
  EXPECT_EQ(loads(), "1:100 2:0");
}

TEST_F(IstioPlan, MinHealthPercentTakesTheSickOut) {
  set_up({{"kr", "a", 1, 9}, {"kr", "b", 10}});
  rule("{outlierDetection: {minHealthPercent: 50}}");
  EXPECT_EQ(loads(), "0:100 1:0");
}

TEST_F(IstioPlan, NobodyHealthyIsRefused) {
  set_up({{"kr", "a", 0, 2}, {"kr", "b", 0, 2}});
  rule(kGated);
  EXPECT_EQ(loads(), "");
  EXPECT_EQ(explained().on_empty, "refuse");
}

TEST_F(IstioPlan, DistributeFollowsThePercentages) {
  set_up({{"kr", "a", 3}, {"kr", "b", 3}, {"kr", "c", 1}});
  rule(
      "{loadBalancer: {localityLbSetting: {distribute: [{from: kr/a, to: {kr/b: 90, kr/c: "
      "10}}]}}}");
  EXPECT_THAT(shares(), UnorderedElementsAre(Pair("kr/b", 90), Pair("kr/c", 10)));
  EXPECT_EQ(explained().mode, "distribute");
  EXPECT_THAT(world_.excluded(kKey),
              UnorderedElementsAre(Pair("kr-a-0", "not_matched"), Pair("kr-a-1", "not_matched"),
                                   Pair("kr-a-2", "not_matched")));
}

TEST_F(IstioPlan, DistributeScalesBySickness) {
  // 1.4 * 1/4 of 50 beside 50.
  set_up({{"kr", "b", 1, 3}, {"kr", "c", 4}});
  rule("{loadBalancer: {localityLbSetting: {distribute: [{from: kr, to: {kr/b: 50, kr/c: 50}}]}}}");
  EXPECT_THAT(shares(), UnorderedElementsAre(Pair("kr/b", 26), Pair("kr/c", 74)));
}

TEST_F(IstioPlan, AllOfItToAnEmptyZoneIsRefused) {
  set_up({{"kr", "b", 3}});
  rule("{loadBalancer: {localityLbSetting: {distribute: [{from: kr/a, to: {\"kr/a/*\": 100}}]}}}");
  EXPECT_EQ(loads(), "");
  EXPECT_EQ(explained().on_empty, "refuse");
}

// --- levels ---

ServiceRow preferring_close() {
  ServiceRow row;
  row.mode = RoutingMode::kFailover;
  row.preference = {Scope::kNetwork, Scope::kRegion, Scope::kZone};
  return row;
}

constexpr const char* kMeshDistribute =
    "---\nkind: MeshConfig\nlocalityLbSetting: {distribute: [{from: kr, to: {us: 100}}]}\n";
constexpr const char* kMeshOff = "---\nkind: MeshConfig\nlocalityLbSetting: {enabled: false}\n";

TEST_F(IstioPlan, TheServicesOwnPreferenceBeatsTheMesh) {
  set_up({{"kr", "a", 1, 1}, {"us", "a", 1}}, preferring_close());
  policies(kMeshDistribute);
  EXPECT_EQ(explained().mode, "failover");
  EXPECT_THAT(shares(), ElementsAre(Pair("kr/a", 100)));
  EXPECT_THAT(explained().policies, IsEmpty());
}

TEST_F(IstioPlan, ARuleWithoutALocalitySettingLeavesItToTheService) {
  set_up({{"kr", "a", 1, 9}, {"us", "a", 1}}, preferring_close());
  rule(kGated);
  EXPECT_EQ(explained().mode, "failover");
  EXPECT_THAT(shares(), ElementsAre(Pair("kr/a", 100)));
}

TEST_F(IstioPlan, ARulesLocalitySettingBeatsTheService) {
  set_up({{"kr", "a", 1}, {"us", "a", 1}}, preferring_close());
  rule("{loadBalancer: {localityLbSetting: {distribute: [{from: kr, to: {us: 100}}]}}}");
  EXPECT_THAT(shares(), ElementsAre(Pair("us/a", 100)));
}

TEST_F(IstioPlan, DisabledEndsTheSearch) {
  set_up({{"kr", "a", 1}, {"us", "a", 1}}, preferring_close());
  rule("{loadBalancer: {localityLbSetting: {enabled: false}}, outlierDetection: {}}");
  EXPECT_EQ(explained().mode, "any");
  EXPECT_THAT(shares(), UnorderedElementsAre(Pair("kr/a", 50), Pair("us/a", 50)));
}

TEST_F(IstioPlan, TheMeshDecidesWhereNobodyElseDoes) {
  set_up({{"kr", "a", 1}, {"us", "a", 1}});
  policies(kMeshDistribute);
  EXPECT_THAT(shares(), ElementsAre(Pair("us/a", 100)));
  EXPECT_EQ(explained().policies[0].document, "MeshConfig mesh");
  policies(destination_rule("ns", "r", kHost, kGated) + kMeshOff);
  EXPECT_EQ(loads(), "0:100");
  EXPECT_EQ(explained().mode, "any");
}

TEST_F(IstioPlan, StrictHoldsUnderEveryPolicy) {
  ServiceRow local;
  local.mode = RoutingMode::kStrict;
  local.preference = {Scope::kZone};
  set_up({{"kr", "a", 1}, {"us", "a", 1}, {"kr", "b", 3}}, local);
  rule(kGated);
  EXPECT_EQ(loads(), "0:100 1:0");
  EXPECT_EQ(world_.excluded(kKey).size(), 3U);
  EXPECT_EQ(world_.excluded(kKey)["kr-b-0"], "not_matched");
}

TEST_F(IstioPlan, PassthroughServicesPass) {
  ServiceRow through;
  through.mode = RoutingMode::kPassthrough;
  set_up({{"kr", "a", 1}}, through);
  rule(kGated);
  EXPECT_EQ(explained().mode, "passthrough");
  EXPECT_THAT(explained().policies, IsEmpty());
}

TEST_F(IstioPlan, APassthroughRulePasses) {
  set_up({{"kr", "a", 1}});
  rule("{loadBalancer: {simple: PASSTHROUGH}}");
  EXPECT_EQ(explained().mode, "passthrough");
  EXPECT_EQ(explained().on_empty, "pass");
}

TEST_F(IstioPlan, PortLevelSettingsReplaceAll) {
  ServiceRow two;
  two.ports = {{80, 8080}, {81, 8080}};
  set_up({{"kr", "a", 1}, {"us", "a", 1}}, two);
  rule(
      "{outlierDetection: {}, portLevelSettings: [{port: {number: 81}, loadBalancer: {simple: "
      "RANDOM}}]}");
  EXPECT_EQ(world_.explanation(kKey, 80).tiers.size(), 2U);
  EXPECT_EQ(world_.explanation(kKey, 81).tiers.size(), 1U);
}

TEST_F(IstioPlan, ZoneAwareMakesTiersOfRegions) {
  set_up({{"kr", "a", 1}, {"kr", "b", 1}, {"eu", "a", 1}, {"us", "a", 1}});
  rule("{loadBalancer: {zoneAwareLbSetting: {enabled: true, failover: [{from: kr, to: us}]}}}");
  EXPECT_EQ(loads(), "0:100 1:0 2:0");
  EXPECT_THAT(shares(), UnorderedElementsAre(Pair("kr/a", 50), Pair("kr/b", 50)));
  rule("{loadBalancer: {zoneAwareLbSetting: {enabled: false}}, outlierDetection: {}}");
  EXPECT_EQ(loads(), "0:100");
}

TEST_F(IstioPlan, FailoverPrioritySkipsNothingButCountsFromTheFront) {
  set_up({{"kr", "a", 1}, {"kr", "b", 1}, {"us", "a", 1}});
  rule(
      "{loadBalancer: {localityLbSetting: {failoverPriority: [topology.kubernetes.io/region=us, "
      "topology.kubernetes.io/zone]}}, outlierDetection: {}}");
  EXPECT_EQ(loads(), "0:100 1:0");
  EXPECT_THAT(shares(), ElementsAre(Pair("us/a", 100)));
}

}  // namespace
}  // namespace vicinity::testing
