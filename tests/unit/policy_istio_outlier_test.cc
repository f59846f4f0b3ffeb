// outlierDetection: what istiod makes of each field, what is diagnosed, what ejections do to tiers.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compile/explain.h"
#include "unit/model_rows.h"
#include "unit/policy_rows.h"

namespace vicinity::testing {
namespace {

using ::testing::ElementsAreArray;

constexpr const char* kKey = "ns/svc.ns.svc.cluster.local";
constexpr const char* kHost = "svc.ns.svc.cluster.local";
constexpr const char* kHook = " hook refused=1 timeouts=3";

class IstioOutlier : public ::testing::Test {
 protected:
  // Four workloads in the own zone, four in the next.
  IstioOutlier() {
    std::vector<WorkloadRow> workloads;
    for (int i = 0; i < 8; ++i) {
      WorkloadRow& row = workloads.emplace_back();
      row.uid = fmt::format("w{}", i);
      row.addresses = {fmt::format("10.0.0.{}", i + 1)};
      row.region = "kr";
      row.zone = i < 4 ? "a" : "b";
      row.node = row.uid;
      row.services = {{kKey, {{80, 8080}, {81, 8081}}}};
    }
    world_.apply({.removed = {},
                  .services = {{.key = kKey,
                                .addresses = {"10.96.0.10"},
                                .ports = {{80, 8080}, {81, 8081}}}},
                  .workloads = workloads});
  }
  compile::Explanation explained(std::string_view policy, uint16_t port = 80) {
    world_.options.policies = book_of(destination_rule("ns", "r", kHost, policy));
    const auto result = compile::explain(
        world_.snapshot,
        {.query = {.service = world_.symbol(kKey), .port = port, .family = model::Family::kIpv4},
         .client = world_.snapshot.self()},
        world_.options);
    EXPECT_TRUE(result.ok());
    return result.ok() ? *result : compile::Explanation{};
  }
  // The first `count` workloads fail on port 80.
  void eject(int count) {
    std::vector<model::EjectedEndpoint> ejected;
    for (int i = 0; i < count; ++i) {
      const auto address = model::IpAddress::parse(fmt::format("10.0.0.{}", i + 1));
      ejected.push_back({.service_port = 80, .address = *address, .port = 8080});
    }
    world_.snapshot.set_ejected(world_.symbol(kKey), ejected);
  }
  std::string loads(std::string_view policy, uint16_t port = 80) {
    std::string text;
    for (const auto& tier : explained(policy, port).tiers) {
      text += fmt::format("{}{}:{}/{}", text.empty() ? "" : " ", tier.priority, tier.load_percent,
                          tier.endpoints.size());
    }
    return text;
  }

  World world_{
      {.network = "", .cluster = "Kubernetes", .region = "kr", .zone = "a", .subzone = ""}};
};

struct FieldRow {
  const char* fields;
  std::string spec;  // without the hook; empty: not judged
};

TEST_F(IstioOutlier, EveryFieldIsEnvoys) {
  const std::vector<FieldRow> rows = {
      {"{}", "errors=5 interval=10s ejection=30s..300s max=10%"},
      {"{consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 1m}",
       "errors=1 interval=1s ejection=60s..300s max=10%"},
      {"{consecutive5xxErrors: 0}", ""},
      {"{consecutive5xxErrors: 0, consecutiveGatewayErrors: 3}",
       "gateway_errors=3 interval=10s ejection=30s..300s max=10%"},
      {"{consecutiveGatewayErrors: 0}", "errors=5 interval=10s ejection=30s..300s max=10%"},
      {"{splitExternalLocalOriginErrors: true}",
       "errors=5 local_origin=5 interval=10s ejection=30s..300s max=10%"},
      {"{splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2}",
       "errors=5 local_origin=2 interval=10s ejection=30s..300s max=10%"},
      {"{maxEjectionPercent: 75}", "errors=5 interval=10s ejection=30s..300s max=75%"},
      {"{maxEjectionPercent: 0}", "errors=5 interval=10s ejection=30s..300s max=10%"},
      {"{baseEjectionTime: 10m}", "errors=5 interval=10s ejection=600s..600s max=10%"},
      {"{interval: 100ms}", "errors=5 interval=0.1s ejection=30s..300s max=10%"},
  };
  for (const FieldRow& row : rows) {
    const auto explanation = explained(fmt::format("{{outlierDetection: {}}}", row.fields));
    EXPECT_EQ(explanation.outlier, row.spec.empty() ? "" : row.spec + kHook) << row.fields;
  }
}

TEST_F(IstioOutlier, OfAPortAlone) {
  const char* policy =
      "{outlierDetection: {consecutive5xxErrors: 7}, portLevelSettings: [{port: {number: 81}, "
      "outlierDetection: {consecutive5xxErrors: 2}}, {port: {number: 82}, loadBalancer: {simple: "
      "RANDOM}}]}";
  EXPECT_THAT(explained(policy, 80).outlier, ::testing::StartsWith("errors=7 "));
  EXPECT_THAT(explained(policy, 81).outlier, ::testing::StartsWith("errors=2 "));
}

TEST_F(IstioOutlier, TheDefaultIsForThoseWithoutARule) {
  world_.options.outlier_default = policy::conservative_outlier();
  const auto conservative = to_text(policy::conservative_outlier());
  EXPECT_EQ(explained("{loadBalancer: {simple: RANDOM}}").outlier, conservative);
  EXPECT_EQ(explained("{outlierDetection: {consecutive5xxErrors: 0}}").outlier, "");
  EXPECT_EQ(explained("{loadBalancer: {simple: PASSTHROUGH}}").outlier, "");
  world_.options.outlier_hook = false;
  EXPECT_EQ(explained("{outlierDetection: {}}").outlier,
            "errors=5 interval=10s ejection=30s..300s max=10%");
}

struct DiagnosisRow {
  const char* fields;
  std::vector<std::string> lines;
};

TEST_F(IstioOutlier, WhatIsNotSeenIsDiagnosed) {
  const std::string reset =
      ": HTTP responses are not seen at connect time, so use a readiness "
      "probe for them";
  const std::vector<DiagnosisRow> rows = {
      {"{}", {}},
      {"{interval: 1s, baseEjectionTime: 1m, maxEjectionPercent: 50, minHealthPercent: 30}", {}},
      {"{consecutive5xxErrors: 1}",
       {"consecutive5xxErrors: counts connects that fail or are reset at once" + reset}},
      {"{consecutiveGatewayErrors: 1, splitExternalLocalOriginErrors: true}",
       {"consecutiveGatewayErrors: counts connections that are reset at once, for connects that "
        "fail are local origin" +
        reset}},
      {"{consecutive5xxErrors: 0}", {}},
      {"{consecutiveErrors: 1}",
       {"consecutiveErrors: is Istio's old name and has no effect there either: use "
        "consecutive5xxErrors"}},
      {"{consecutiveLocalOriginFailures: 1}",
       {"consecutiveLocalOriginFailures: has no effect without splitExternalLocalOriginErrors"}},
      {"{interval: 0s}", {"interval: must be from 1ms to 720h"}},
      {"{baseEjectionTime: soon}",
       {"baseEjectionTime: 'soon' is not a duration like 30s or 1m30s"}},
      {"{maxEjectionPercent: 101}",
       {"maxEjectionPercent: '101' is not a whole number from 0 to 100"}},
      {"{splitExternalLocalOriginErrors: 1}",
       {"splitExternalLocalOriginErrors: '1' is neither true nor false"}},
      {"{consecutive6xxErrors: 1}", {"consecutive6xxErrors: unknown field"}},
  };
  const std::string path = "spec.trafficPolicy.outlierDetection.";
  for (const DiagnosisRow& row : rows) {
    const policy::book::FileText file{
        .file = "p",
        .text = destination_rule("ns", "r", kHost,
                                 fmt::format("{{outlierDetection: {}}}", row.fields))};
    std::vector<std::string> lines;
    for (const auto& finding : policy::book::load({&file, 1}).findings) {
      const auto& one = finding.diagnostic;
      lines.push_back(one.path.substr(path.size()) + ": " + one.message);
    }
    EXPECT_THAT(lines, ElementsAreArray(row.lines)) << row.fields;
  }
}

TEST_F(IstioOutlier, TheEjectedSpillLikeTheSick) {
  const char* failover = "{outlierDetection: {maxEjectionPercent: 100}}";
  EXPECT_EQ(loads(failover), "0:100/4 1:0/4");
  eject(1);
  EXPECT_EQ(loads(failover), "0:100/3 1:0/4");
  EXPECT_EQ(explained(failover).excluded[0].reason, "ejected");
  eject(2);
  EXPECT_EQ(loads(failover), "0:70/2 1:30/4");
  eject(4);
  EXPECT_EQ(loads(failover), "1:100/4");
  EXPECT_EQ(loads(failover, 81), "0:100/4 1:0/4") << "another port is another judgement";
}

TEST_F(IstioOutlier, PanicUsesTheEjected) {
  const char* panic = "{outlierDetection: {maxEjectionPercent: 100, minHealthPercent: 60}}";
  eject(6);
  // Half of the second tier is healthy, nobody of the first: both are in panic.
  EXPECT_EQ(loads(panic), "0:50/4 1:50/4");
}

TEST_F(IstioOutlier, NobodyLeftMeansEverybody) {
  const char* failover = "{outlierDetection: {maxEjectionPercent: 100}}";
  eject(8);
  EXPECT_EQ(loads(failover), "0:100/4 1:0/4");
  const auto explanation = explained(failover);
  EXPECT_EQ(explanation.tiers[0].endpoints[0].status, "EJECTED");
  ASSERT_EQ(explanation.notes.size(), 1u);
  EXPECT_EQ(explanation.notes[0],
            "connects to all endpoints failed: the ejected are used like the others");
}

}  // namespace
}  // namespace vicinity::testing
