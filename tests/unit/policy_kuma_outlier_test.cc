// MeshCircuitBreaker's outlierDetection: what Kuma makes of each field, how it merges, what is
// diagnosed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/book/load.h"
#include "unit/policy_kuma_scene.h"

namespace vicinity::testing {
namespace {

using ::testing::ElementsAreArray;

constexpr const char* kHook = " hook refused=1 timeouts=3";

std::string breaker(std::string_view conf, std::string_view target = "{kind: Mesh}",
                    std::string_view name = "b") {
  return fmt::format(
      "---\napiVersion: kuma.io/v1alpha1\nkind: MeshCircuitBreaker\nmetadata: {{name: {}, "
      "namespace: kuma-system}}\nspec:\n  to:\n  - targetRef: {}\n    default: {}\n",
      name, target, conf);
}

std::string outlier(std::string_view fields) {
  return breaker(fmt::format("{{outlierDetection: {}}}", fields));
}

std::vector<HostRow> hosts() {
  return {{.uid = "a", .zone = "z1"}, {.uid = "b", .zone = "z1"}, {.uid = "c", .zone = "z2"}};
}

std::string judged(const std::string& documents) {
  return KumaScene(hosts(), {}).explain(book_of(documents)).outlier;
}

struct FieldRow {
  const char* fields;
  std::string spec;  // without the hook; empty: not judged
};

TEST(KumaOutlier, EveryFieldIsEnvoys) {
  const std::vector<FieldRow> rows = {
      // Without detectors Kuma leaves Envoy's success rate on.
      {"{}", "success_rate=1.9 interval=10s ejection=30s..300s max=10%"},
      {"{detectors: {}}", ""},
      {"{disabled: true, detectors: {totalFailures: {consecutive: 1}}}", ""},
      {"{detectors: {totalFailures: {consecutive: 3}}}",
       "errors=3 interval=10s ejection=30s..300s max=10%"},
      {"{detectors: {totalFailures: {}}}", ""},
      {"{detectors: {gatewayFailures: {consecutive: 4}}, interval: 5s, baseEjectionTime: 400s, "
       "maxEjectionPercent: 50}",
       "gateway_errors=4 interval=5s ejection=400s..400s max=50%"},
      {"{detectors: {localOriginFailures: {consecutive: 2}}}", ""},
      {"{detectors: {localOriginFailures: {consecutive: 2}}, splitExternalAndLocalErrors: true}",
       "local_origin=2 interval=10s ejection=30s..300s max=10%"},
      {"{detectors: {successRate: {standardDeviationFactor: '1.5'}}}",
       "success_rate=1.5 interval=10s ejection=30s..300s max=10%"},
      {"{detectors: {failurePercentage: {threshold: 60}}}",
       "failure_percentage=60% interval=10s ejection=30s..300s max=10%"},
  };
  for (const FieldRow& row : rows) {
    EXPECT_EQ(judged(outlier(row.fields)), row.spec.empty() ? "" : row.spec + kHook) << row.fields;
  }
}

TEST(KumaOutlier, MergesFieldByFieldAndLeavesTheBalancingAlone) {
  const std::string all = outlier("{interval: 5s, detectors: {totalFailures: {consecutive: 3}}}");
  const std::string one = breaker(
      "{outlierDetection: {detectors: {totalFailures: {consecutive: "
      "9}}}}",
      "{kind: MeshService, name: backend, namespace: kuma-demo}", "c");
  EXPECT_EQ(judged(all + one),
            std::string("errors=9 interval=5s ejection=30s..300s max=10%") + kHook);
  KumaScene scene(hosts(), {});
  EXPECT_EQ(scene.explain(book_of(all)).mode, "any") << "the service's own preference";
  const std::string both = strategy_for("{localityAwareness: {}}") + all;
  EXPECT_EQ(scene.explain(book_of(both)).mode, "prioritized");
  EXPECT_THAT(scene.explain(book_of(both)).outlier, ::testing::StartsWith("errors=3 "));
}

TEST(KumaOutlier, LimitsAloneDecideNothing) {
  KumaScene scene(hosts(), {});
  const auto explanation = scene.explain(book_of(breaker("{connectionLimits: {}}")));
  EXPECT_TRUE(explanation.policies.empty());
  EXPECT_EQ(explanation.outlier, "");
}

TEST(KumaOutlier, ThePanicThresholdIsItsOwn) {
  KumaScene scene({{.uid = "a", .zone = "z1"},
                   {.uid = "b", .zone = "z1", .labels = {}, .sick = true},
                   {.uid = "c", .zone = "z1", .labels = {}, .sick = true}},
                  {});
  const std::string strategy = strategy_for("{localityAwareness: {}}");
  EXPECT_EQ(scene.text(book_of(strategy)), "0=100: a100; b unhealthy; c unhealthy;");
  EXPECT_EQ(scene.text(book_of(strategy + outlier("{healthyPanicThreshold: '50.5'}"))),
            "0=100: a33.33 b33.33 c33.33;");
}

struct DiagnosisRow {
  std::string text;
  std::vector<std::string> lines;
};

TEST(KumaOutlier, WhatIsNotUsedIsDiagnosed) {
  const std::string seen =
      "warning: spec.to[0].default.outlierDetection.detectors: count connects "
      "that fail or are reset at once: HTTP responses are not seen at connect "
      "time, so use a readiness probe for them";
  const std::string at = "error: spec.to[0].default.outlierDetection.";
  const std::vector<DiagnosisRow> rows = {
      {outlier("{detectors: {totalFailures: {consecutive: 1}}}"), {seen}},
      {outlier("{detectors: {localOriginFailures: {consecutive: 1}}}"), {}},
      {breaker("{connectionLimits: {maxConnections: 2}}"),
       {"warning: spec.to[0].default.connectionLimits: are not enforced: a connection is only "
        "given a destination; keep a proxy for them"}},
      {outlier("{interval: 0s}"), {at + "interval: must be from 1ms to 720h"}},
      {outlier("{healthyPanicThreshold: half}"),
       {at + "healthyPanicThreshold: 'half' is not a number from 0 to 100"}},
      {outlier("{detectors: {failurePercentage: {threshold: 101}}}"),
       {at + "detectors.failurePercentage.threshold: '101' is not a whole number from 0 to 100"}},
      {outlier("{detectors: {successRate: {volume: 1}}}"),
       {at + "detectors.successRate.volume: unknown field"}},
      {"apiVersion: kuma.io/v1alpha1\nkind: MeshCircuitBreaker\nmetadata: {name: p}\nspec:\n  "
       "rules: [{default: {}}]\n",
       {"warning: spec.rules: are not used: inbound connections do not pass here; keep the "
        "service's proxy"}},
  };
  for (const DiagnosisRow& row : rows) {
    const policy::book::FileText file{.file = "f", .text = row.text};
    std::vector<std::string> lines;
    for (const auto& finding : policy::book::load({&file, 1}).findings) {
      const auto& one = finding.diagnostic;
      const bool error = one.severity == policy::Severity::kError;
      lines.push_back(
          fmt::format("{}: {}: {}", error ? "error" : "warning", one.path, one.message));
    }
    EXPECT_THAT(lines, ElementsAreArray(row.lines)) << row.text;
  }
}

}  // namespace
}  // namespace vicinity::testing
