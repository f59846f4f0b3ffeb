// From failed connects to tables: the engine over counts that a test sets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/engine_fixture.h"

namespace vicinity {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kName = "sample/web.example";

class Judged : public EngineTest {
 protected:
  Judged() {
    policy::OutlierSpec spec;
    spec.consecutive_5xx.failures = 1;
    spec.interval_ms = 1000;
    spec.base_ejection_ms = 30'000;
    spec.max_ejection_percent = 100;
    options_.compile.outlier_default = spec;
  }
  void start(const std::string& mesh) {
    message(mesh);
    advance(absl::Seconds(1));
  }
  void fail(const std::string& address, uint32_t times = 1) {
    for (auto& one : kernel_) {
      if (one.address.to_string() != address) continue;
      one.seen.refused += times;
      one.seen.failed_in_row += times;
    }
    dataplane_.set_observed(kernel_);
  }
  void count(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses) {
      kernel_.push_back({.id = kernel_.size() + 1,
                         .service = kName,
                         .service_port = 80,
                         .address = *model::IpAddress::parse(address),
                         .port = 8080,
                         .seen = {}});
    }
    dataplane_.set_observed(kernel_);
  }

  std::vector<dataplane::ObservedEndpoint> kernel_;
};

TEST_F(Judged, FailuresMoveTheLoadAndTimeBringsItBack) {
  count({"10.244.1.5", "10.244.2.5"});
  start(two_zones());
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  fail("10.244.1.5");
  advance(absl::Seconds(1));
  EXPECT_EQ(tiers(), "10.244.2.5");
  advance(absl::Seconds(29));
  EXPECT_EQ(tiers(), "10.244.2.5");
  advance(absl::Seconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
}

TEST_F(Judged, WithTheHookOffTheOldTableServesOneIntervalAtMost) {
  count({"10.244.1.5", "10.244.2.5"});
  start(two_zones());
  fail("10.244.1.5");
  EXPECT_LE(next_ - now_, absl::Seconds(1));
  now_ = next_;
  turn();
  EXPECT_EQ(tiers(), "10.244.2.5");
}

TEST_F(Judged, WhenAllFailAllAreUsed) {
  count({"10.244.1.5", "10.244.2.5"});
  start(two_zones());
  fail("10.244.1.5");
  fail("10.244.2.5");
  advance(absl::Seconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  EXPECT_EQ(cell_.load()->health.ejected, 2u);
}

TEST_F(Judged, AServiceWithOneEndpointStaysAsItIs) {
  count({"10.244.1.5"});
  start(std::string(kService) + workload("near", "n1", "z1", "10.244.1.5"));
  fail("10.244.1.5", 100);
  advance(absl::Seconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5");
}

TEST_F(Judged, TheShareThatMayBeOutHolds) {
  options_.compile.outlier_default->max_ejection_percent = 50;
  count({"10.244.1.5", "10.244.2.5", "10.244.1.6"});
  start(two_zones() + workload("near2", "n1", "z1", "10.244.1.6"));
  fail("10.244.1.5");
  fail("10.244.1.6");
  advance(absl::Seconds(1));
  EXPECT_EQ(tiers(), "10.244.1.6 | 10.244.2.5");
  EXPECT_EQ(cell_.load()->health.spared, 1u);
}

TEST_F(Judged, ARestartKeepsWhoIsOut) {
  count({"10.244.1.5", "10.244.2.5"});
  start(two_zones());
  fail("10.244.1.5");
  advance(absl::Seconds(1));
  restart();
  advance(absl::Seconds(5));
  EXPECT_EQ(tiers(), "10.244.2.5");
  message(two_zones());
  advance(absl::Seconds(11));  // the resync is over
  EXPECT_EQ(tiers(), "10.244.2.5");
  EXPECT_EQ(cell_.load()->health.ejected, 1u);
  advance(absl::Seconds(20));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
}

TEST_F(Judged, AFeedThatTellsEverythingAnewChangesNothing) {
  count({"10.244.1.5", "10.244.2.5"});
  start(two_zones());
  fail("10.244.1.5");
  advance(absl::Seconds(1));
  message("", {"near", "far", std::string(kName)});
  EXPECT_EQ(tiers(), "none");
  advance(absl::Seconds(2));
  message(two_zones());
  EXPECT_EQ(tiers(), "10.244.2.5");
  advance(absl::Seconds(5));
  EXPECT_EQ(tiers(), "10.244.2.5");
}

TEST_F(Judged, FlappingChangesTheTableNoFasterThanTheInterval) {
  options_.compile.outlier_default->interval_ms = 5000;
  options_.compile.outlier_default->base_ejection_ms = 1;
  count({"10.244.1.5", "10.244.2.5"});
  start(two_zones());
  const size_t before = dataplane_.applied().size();
  for (int i = 0; i < 600; ++i) {
    fail("10.244.1.5");
    advance(absl::Milliseconds(500));
  }
  // 300 s, 60 intervals: out once and back once in each.
  EXPECT_LE(dataplane_.applied().size() - before, 120u);
  EXPECT_GE(dataplane_.applied().size() - before, 20u);
}

TEST_F(Judged, OnlyTheServiceThatFailsIsCompiled) {
  count({"10.244.1.5", "10.244.2.5"});
  start(two_zones() + R"(
---
service:
  name: other
  namespace: sample
  hostname: other.example
  addresses: ["10.96.0.11"]
  ports: [{servicePort: 80, targetPort: 8080}]
)");
  const auto compiled = cell_.load()->engine.services_compiled;
  fail("10.244.1.5");
  advance(absl::Seconds(1));
  advance(absl::Seconds(1));
  EXPECT_EQ(cell_.load()->engine.services_compiled, compiled + 1);
}

TEST_F(Judged, NobodyIsJudgedUnlessSomebodySaysSo) {
  options_.compile.outlier_default.reset();
  count({"10.244.1.5", "10.244.2.5"});
  start(two_zones());
  fail("10.244.1.5", 100);
  advance(absl::Seconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  EXPECT_EQ(cell_.load()->health.judged, 0u);
}

TEST_F(Judged, ExplainNamesTheEjectedAndTheSuspected) {
  count({"10.244.1.5", "10.244.2.5"});
  start(two_zones());
  fail("10.244.1.5");
  advance(absl::Seconds(1));
  kernel_[1].seen.suspected_until_ns = UINT64_MAX;
  kernel_[1].seen.failed_in_row = 2;
  dataplane_.set_observed(kernel_);
  const auto& snapshot = engine().snapshot();
  const auto service = snapshot.symbols().find(kName);
  auto explanation =
      compile::explain(snapshot,
                       {.query = {.service = *service, .port = 80, .family = model::Family::kIpv4},
                        .client = snapshot.self()},
                       engine().options());
  ASSERT_TRUE(explanation.ok());
  engine().add_states(*explanation);
  const std::string text = to_table(*explanation);
  EXPECT_THAT(text, HasSubstr("judged: errors=1 "));
  EXPECT_THAT(text, HasSubstr("10.244.1.5:8080  ejected until 2023-11-14T22:13:52Z  "
                              "consecutive_5xx"));
  EXPECT_THAT(text, HasSubstr("2023-11-14T22:13:22Z ejected (consecutive_5xx)"));
  EXPECT_THAT(text, HasSubstr("10.244.2.5:8080  suspected"));
  EXPECT_THAT(text, HasSubstr("2 connects failed in a row"));
  EXPECT_THAT(text, HasSubstr("near      ejected"));
  const std::string json = to_json(*explanation).pretty();
  EXPECT_THAT(json, HasSubstr("\"state\": \"suspected\""));
}

}  // namespace
}  // namespace vicinity
