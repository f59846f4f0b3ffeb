// Kuma's rules: local zone, affinity tags, cross-zone failover, threshold (semantics section 6).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/kuma/threshold.h"
#include "unit/policy_kuma_scene.h"

namespace vicinity::testing {
namespace {

using policy::kuma::factor_percent;
using policy::kuma::parse_decimal;
using policy::kuma::Threshold;

struct FactorRow {
  const char* percentage;
  uint32_t exact;
  uint32_t compat;
};

TEST(KumaThreshold, FactorIsExactOrKumas) {
  const std::vector<FactorRow> rows = {
      {"100", 100, 100},
      {"99.9", 101, 100},
      {"70", 143, 100},
      {"51", 197, 100},
      {"50", 200, 200},
      {"49.99", 201, 200},
      {"34", 295, 200},
      {"33.4", 300, 200},
      {"33.3", 301, 300},
      {"30", 334, 300},
      {"25", 400, 400},
      {"25.1", 399, 300},
      {"12.5", 800, 800},
      {"10", 1000, 1000},
      {"1", 10000, 10000},
      {"0.5", 20000, 20000},
      {"0.000001", UINT32_MAX, UINT32_MAX},
  };
  for (const FactorRow& row : rows) {
    const auto percentage = parse_decimal(row.percentage);
    ASSERT_TRUE(percentage && is_threshold(*percentage)) << row.percentage;
    EXPECT_EQ(factor_percent(percentage, Threshold::kExact), row.exact) << row.percentage;
    EXPECT_EQ(factor_percent(percentage, Threshold::kCompat), row.compat) << row.percentage;
  }
  EXPECT_EQ(factor_percent({}, Threshold::kExact), 200u);
  EXPECT_EQ(factor_percent({}, Threshold::kCompat), 200u);
}

TEST(KumaThreshold, WhatIsNoThreshold) {
  for (const char* text : {"", ".", "5.", ".5", "-1", "+1", "1e1", "70%", " 1", "1.2.3", "0x10",
                           "1.0000001", "1234567890"}) {
    EXPECT_FALSE(parse_decimal(text)) << text;
  }
  for (const char* text : {"0", "0.0", "100.000001", "101"}) {
    EXPECT_FALSE(is_threshold(*parse_decimal(text))) << text;
  }
}

struct PlanRow {
  const char* what;
  const char* locality;  // localityAwareness
  std::vector<HostRow> hosts;
  std::string text;
  ClientRow client;
};

const std::string kNode = "kubernetes.io/hostname";
const std::string kAz = "topology.kubernetes.io/zone";

const std::vector<HostRow> kFourZones = {
    {"l", "eu-1"}, {"a", "us-1"}, {"b", "us-2"}, {"c", "us-3"}, {"d", "ap-1"}};
constexpr const char* kOrdered =
    "{crossZone: {failover: [{to: {type: Only, zones: [us-1]}},"
    " {to: {type: AnyExcept, zones: [us-2, us-3]}}, {to: {type: Any}}],"
    " failoverThreshold: {percentage: 25}}}";

std::vector<PlanRow> presence_rows() {
  const std::vector<HostRow> two = {{"a", "z1"}, {"b", "z2"}};
  return {
      {"nothing said: the own zone first", "{}", two, "0=100: a100; 1=0: b0;", {}},
      {"the own zone spills at 140",
       "{}",
       {{"a", "z1"}, {"s", "z1", {}, true}, {"b", "z2"}},
       "0=70: a70; 1=30: b30; s unhealthy;",
       {}},
      {"disabled: everybody", "{disabled: true}", two, "0=100: a50 b50;", {}},
      {"not disabled is the default", "{disabled: false}", two, "0=100: a100; 1=0: b0;", {}},
      {"no zone counts as near", "{}", {{"a", "z1"}, {"n", ""}}, "0=100: a50 n50;", {}},
      {"localZone beats disabled",
       "{disabled: true, localZone: {}}",
       two,
       "0=100: a100; b not_matched;",
       {}},
      {"crossZone beats disabled",
       "{disabled: true, crossZone: {}}",
       two,
       "0=100: a100; b not_matched;",
       {}},
      {"localZone alone: other zones are out of reach",
       "{localZone: {affinityTags: []}}",
       two,
       "0=100: a100; b not_matched;",
       {}},
      {"nobody in the own zone", "{localZone: {}}", {{"b", "z2"}}, "b not_matched;", {}},
      {"no zone is remote once there are rules",
       "{localZone: {}}",
       {{"a", "z1"}, {"n", ""}},
       "0=100: a100; n not_matched;",
       {}},
      {"a rule for any admits no zone",
       "{crossZone: {failover: [{to: {type: Any}}]}}",
       {{"n", ""}},
       "1=100: n100;",
       {}},
      {"a rule by name does not",
       "{crossZone: {failover: [{to: {type: Only, zones: [z2]}}]}}",
       {{"n", ""}},
       "n not_matched;",
       {}},
  };
}

std::vector<PlanRow> affinity_rows() {
  const ClientRow here{.zone = "z1", .labels = {{kNode, "n1"}, {kAz, "a1"}}};
  const HostRow node{"a", "z1", {{kNode, "n1"}, {kAz, "a1"}}};
  const HostRow az{"b", "z1", {{kNode, "n2"}, {kAz, "a1"}}};
  const HostRow rest{"c", "z1", {{kNode, "n3"}, {kAz, "a2"}}};
  constexpr const char* kTwo =
      "{localZone: {affinityTags: [{key: kubernetes.io/hostname}, {key: k8s.io/az}]}}";
  HostRow sick_node = node;
  sick_node.sick = true;
  return {
      {"90, 9, 1", kTwo, {node, az, rest}, "0=100: a90 b9 c1;", here},
      {"not by the number of endpoints",
       kTwo,
       {node, az, rest, {"d", "z1"}, {"e", "z1"}},
       "0=100: a90 b9 c0.33 d0.33 e0.33;",
       here},
      {"k8s.io/node is the node",
       "{localZone: {affinityTags: [{key: k8s.io/node}]}}",
       {node, rest},
       "0=100: a90 c10;",
       here},
      {"a group that is not there leaves the sum", kTwo, {az, rest}, "0=100: b90 c10;", here},
      {"a tag the client lacks keeps its place",
       kTwo,
       {node, rest},
       "0=100: a90 c10;",
       {.zone = "z1", .labels = {{kAz, "a1"}}}},
      {"a client without any of the tags",
       kTwo,
       {node, az, rest},
       "0=100: a33.33 b33.33 c33.33;",
       {.zone = "z1", .labels = {}}},
      {"three tags: 900, 90, 9, 1",
       "{localZone: {affinityTags: [{key: k8s.io/node}, {key: rack}, {key: k8s.io/az}]}}",
       {node, {"r", "z1", {{"rack", "r1"}}}, az, rest},
       "0=100: a90 r9 b0.9 c0.1;",
       {.zone = "z1", .labels = {{kNode, "n1"}, {kAz, "a1"}, {"rack", "r1"}}}},
      {"given weights: the rest has 1",
       "{localZone: {affinityTags: [{key: k8s.io/node, weight: 9000}, {key: k8s.io/az, weight: "
       "9}]}}",
       {node, az, rest},
       "0=100: a99.89 b0.1 c0.01;",
       here},
      {"the first tag that fits counts",
       "{localZone: {affinityTags: [{key: k8s.io/az}, {key: k8s.io/node}]}}",
       {node, az, rest},
       "0=100: a49.45 b49.45 c1.1;",
       here},
      {"a sick group leaves its share to the others",
       kTwo,
       {sick_node, az, rest},
       "0=100: b90 c10; a unhealthy;",
       here},
      {"a half sick one keeps it up to the factor",
       kTwo,
       {node, {"a2", "z1", {{kNode, "n1"}}, true}, az, rest},
       "0=100: a90 b9 c1; a2 unhealthy;",
       here},
      {"below the factor it shrinks: a third of 200 % is two thirds",
       kTwo,
       {node, {"a2", "z1", {{kNode, "n1"}}, true}, {"a3", "z1", {{kNode, "n1"}}, true}, az, rest},
       "0=100: a85.71 b12.86 c1.43; a2 unhealthy; a3 unhealthy;",
       here},
      {"capacities share inside a group",
       kTwo,
       {node, {"a2", "z1", {{kNode, "n1"}}, false, 3}, rest},
       "0=100: a24.73 a274.18 c1.1;",
       here},
      {"nothing without capacity",
       kTwo,
       {{"a", "z1", {{kNode, "n1"}}, false, 0}, rest},
       "0=100: c100; a zero_capacity;",
       here},
      {"remote zones have no weights",
       "{localZone: {affinityTags: [{key: k8s.io/node}]}, crossZone: {failover: [{to: {type: "
       "Any}}]}}",
       {sick_node, {"x", "z2"}, {"y", "z3"}},
       "1=100: x50 y50; a unhealthy;",
       here},
  };
}

std::vector<PlanRow> cross_zone_rows() {
  const ClientRow eu1{.zone = "eu-1", .labels = {}};
  constexpr const char* kGroups =
      "{crossZone: {failover: ["
      "{from: {zones: [us-1, us-2, us-3]}, to: {type: Only, zones: [us-1, us-2, us-3]}},"
      "{from: {zones: [eu-1, eu-2, eu-3]}, to: {type: Only, zones: [eu-1, eu-2, eu-3]}},"
      "{to: {type: Only, zones: [us-4]}}]}}";
  return {
      {"in the order of the rules", kOrdered, kFourZones,
       "0=100: l100; 1=0: a0; 2=0: d0; 3=0: b0 c0;", eu1},
      {"a quarter is enough for 25",
       kOrdered,
       {{"l", "eu-1"},
        {"s", "eu-1", {}, true},
        {"t", "eu-1", {}, true},
        {"u", "eu-1", {}, true},
        {"a", "us-1"}},
       "0=100: l100; 1=0: a0; s unhealthy; t unhealthy; u unhealthy;",
       eu1},
      {"less is not",
       kOrdered,
       {{"l", "eu-1"},
        {"s", "eu-1", {}, true},
        {"t", "eu-1", {}, true},
        {"u", "eu-1", {}, true},
        {"v", "eu-1", {}, true},
        {"a", "us-1"}},
       "0=80: l80; 1=20: a20; s unhealthy; t unhealthy; u unhealthy; v unhealthy;",
       eu1},
      {"a dead zone is skipped",
       kOrdered,
       {{"l", "eu-1", {}, true}, {"a", "us-1", {}, true}, {"d", "ap-1"}},
       "2=100: d100; a unhealthy; l unhealthy;",
       eu1},
      {"numbers keep the gaps",
       kOrdered,
       {{"l", "eu-1"}, {"b", "us-2"}},
       "0=100: l100; 3=0: b0;",
       eu1},
      {"rules of other zones keep their numbers",
       kGroups,
       {{"l", "eu-2"}, {"e1", "eu-1"}, {"e3", "eu-3"}, {"u1", "us-1"}, {"u4", "us-4"}},
       "0=100: l100; 2=0: e10 e30; 3=0: u40; u1 not_matched;",
       {.zone = "eu-2", .labels = {}}},
      {"no rule for this zone",
       kGroups,
       {{"l", "ap-1"}, {"u1", "us-1"}, {"u4", "us-4"}},
       "0=100: l100; 3=0: u40; u1 not_matched;",
       {.zone = "ap-1", .labels = {}}},
      {"None does not stop later rules",
       "{crossZone: {failover: [{to: {type: None}}, {to: {type: Any}}]}}",
       {{"a", "z1"}, {"b", "z2"}},
       "0=100: a100; 2=0: b0;",
       {}},
      {"the last rule is None",
       "{crossZone: {failover: [{to: {type: Only, zones: [z3]}}]}}",
       {{"a", "z1", {}, true}, {"b", "z2"}},
       "a unhealthy; b not_matched;",
       {}},
      {"an empty from never applies",
       "{crossZone: {failover: [{from: {zones: []}, to: {type: Any}}, {to: {type: Only, zones: "
       "[z3]}}]}}",
       {{"a", "z1"}, {"b", "z2"}, {"c", "z3"}},
       "0=100: a100; 2=0: c0; b not_matched;",
       {}},
      {"without a local zone the rules stand alone",
       kOrdered,
       {{"a", "us-1"}, {"d", "ap-1"}},
       "1=100: a100; 2=0: d0;",
       eu1},
      {"localZone and crossZone together",
       "{localZone: {affinityTags: [{key: k8s.io/node}]}, crossZone: {failover: [{to: {type: "
       "Any}}]}}",
       {{"a", "z1", {{kNode, "n1"}}}, {"c", "z1"}, {"x", "z2"}},
       "0=100: a90 c10; 1=0: x0;",
       {.zone = "z1", .labels = {{kNode, "n1"}}}},
      {"the default threshold is half",
       "{crossZone: {failover: [{to: {type: Any}}]}}",
       {{"a", "z1"}, {"s", "z1", {}, true}, {"b", "z2"}},
       "0=100: a100; 1=0: b0; s unhealthy;",
       {}},
  };
}

void expect_rows(const std::vector<PlanRow>& rows) {
  for (const PlanRow& row : rows) {
    KumaScene scene(row.hosts, row.client);
    const std::string conf = "{localityAwareness: " + std::string(row.locality) + "}";
    EXPECT_EQ(scene.text(book_of(strategy_for(conf))), row.text) << row.what;
  }
}

TEST(KumaPlan, PresenceOfZones) { expect_rows(presence_rows()); }
TEST(KumaPlan, AffinityTags) { expect_rows(affinity_rows()); }
TEST(KumaPlan, CrossZone) { expect_rows(cross_zone_rows()); }

TEST(KumaPlan, AnEmptyConfIsKumasDefault) {
  KumaScene scene({{"a", "z1"}, {"b", "z2"}}, {});
  EXPECT_EQ(scene.text(book_of(strategy_for("{}"))), "0=100: a100; 1=0: b0;");
}

TEST(KumaPlan, ThresholdOfSeventyExactAndAsInKuma) {
  std::vector<HostRow> hosts = {{"x", "z2"}};
  for (int i = 0; i < 10; ++i) hosts.push_back({"h" + std::to_string(i), "z1", {}, i >= 7});
  const std::string text = strategy_for(
      "{localityAwareness: {crossZone: {failover: [{to: {type: Any}}],"
      " failoverThreshold: {percentage: 70}}}}");
  const auto load = [&](const policy::Settings& settings) {
    return KumaScene(hosts, {}).explain(book_of(text, settings)).tiers.front().load_percent;
  };
  EXPECT_EQ(load({}), 100u);
  policy::Settings compat;
  compat.kuma.compat_threshold = true;
  EXPECT_EQ(load(compat), 70u);
  hosts[7].sick = true;  // 6 of 10
  EXPECT_EQ(load({}), 85u);
}

// Two of three of the near group are sick. A hash table is built from the weights as they are
// given.
TEST(KumaPlan, HashingTakesWeightsAsTheyAre) {
  const ClientRow here{.zone = "z1", .labels = {{kNode, "n1"}}};
  const std::vector<HostRow> hosts = {{"a", "z1", {{kNode, "n1"}}},
                                      {"s", "z1", {{kNode, "n1"}}, true},
                                      {"t", "z1", {{kNode, "n1"}}, true},
                                      {"c", "z1", {{kNode, "n2"}}}};
  const auto text_with = [&](const std::string& type) {
    return KumaScene(hosts, here)
        .text(book_of(strategy_for("{loadBalancer: {type: " + type +
                                   "}, localityAwareness: {localZone: {affinityTags: "
                                   "[{key: kubernetes.io/hostname, weight: 9}]}}}")));
  };
  EXPECT_EQ(text_with("Random"), "0=100: a85.71 c14.29; s unhealthy; t unhealthy;");
  EXPECT_EQ(text_with("Maglev"), "0=100: a90 c10; s unhealthy; t unhealthy;");
  EXPECT_EQ(text_with("RingHash"), "0=100: a90 c10; s unhealthy; t unhealthy;");
}

TEST(KumaPlan, PanicIsOffUnlessAskedFor) {
  const std::vector<HostRow> hosts = {{"a", "z1", {}, true}, {"b", "z1", {}, true}};
  const std::string text = strategy_for("{localityAwareness: {localZone: {}}}");
  EXPECT_EQ(KumaScene(hosts, {}).text(book_of(text)), "a unhealthy; b unhealthy;");
  policy::Settings panic;
  panic.kuma.panic_percent = 50;
  EXPECT_EQ(KumaScene(hosts, {}).text(book_of(text, panic)), "0=100: a50 b50;");
}

TEST(KumaPlan, ZonesAreWhatTheOperatorSays) {
  const std::vector<HostRow> hosts = {
      {"a", "c1", {{"topology.kubernetes.io/region", "r1"}, {kAz, "a2"}, {"site", "s2"}}},
      {"b", "c2", {{"topology.kubernetes.io/region", "r2"}, {kAz, "a1"}, {"site", "s2"}}},
      {"c", "c2", {{"topology.kubernetes.io/region", "r2"}, {kAz, "a2"}, {"site", "s1"}}}};
  const ClientRow client{
      .zone = "c1",
      .labels = {{"topology.kubernetes.io/region", "r1"}, {kAz, "a1"}, {"site", "s1"}}};
  const std::map<std::string, std::string> rows = {
      {"topology.istio.io/cluster", "0=100: a100; b not_matched; c not_matched;"},
      {"topology.kubernetes.io/region", "0=100: a100; b not_matched; c not_matched;"},
      {"topology.kubernetes.io/zone", "0=100: b100; a not_matched; c not_matched;"},
      {"site", "0=100: c100; a not_matched; b not_matched;"}};
  for (const auto& [label, text] : rows) {
    policy::Settings settings;
    settings.kuma.zone_label = label;
    const auto book = book_of(strategy_for("{localityAwareness: {localZone: {}}}"), settings);
    EXPECT_EQ(KumaScene(hosts, client).text(book), text) << label;
  }
}

TEST(KumaPlan, ServicesThatTakeAnybodyHaveNoSickHosts) {
  KumaScene scene({{"a", "z1", {}, true}, {"b", "z2"}}, {});
  scene.world.apply({.removed = {},
                     .services = {{.key = kBackend,
                                   .addresses = {"10.96.0.7"},
                                   .ports = {{8080, 80}},
                                   .health_policy = model::HealthPolicy::kAllowAll}},
                     .workloads = {}});
  EXPECT_EQ(scene.text(book_of(strategy_for("{}"))), "0=100: a100; 1=0: b0;");
}

}  // namespace
}  // namespace vicinity::testing
