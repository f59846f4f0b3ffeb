// Endpoints that die without the feed saying so: real connections, the real daemon, and how many of
// them fail. The rule is the one of the write-up, docs/examples/istio/failover.yaml, with a shorter
// ejection.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "e2e/two_zones.h"

namespace vicinity::testing {
namespace {

using ::testing::HasSubstr;

class FailureE2e : public TwoZones {
 protected:
  // `outlier` = the fields of outlierDetection.
  void start(int near, int far, const std::string& outlier,
             const std::vector<std::string>& flags = {}) {
    start_with(near, far,
               fmt::format("apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: "
                           "{{name: r}}\nspec: {{host: "
                           "helloworld-svc.default.svc.cluster.local, trafficPolicy: "
                           "{{loadBalancer: {{simple: RANDOM}}, outlierDetection: {{{}}}}}}}\n",
                           outlier),
               flags);
  }
  uint64_t metric(const std::string& name) {
    const std::string all = "\n" + ctl({"metrics"});
    const size_t at = all.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::stoull(all.substr(at + name.size() + 2));
  }
};

// Ten endpoints, so that the default of 10 % allows one ejection.
TEST_F(FailureE2e, ADeadEndpointCostsTwoOfAThousandConnects) {
  serve(kNear, 0, 1);
  serve(kNear, 1, 1);
  serve(kFar, 0, 8);
  start(2, 8, "consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 4s");
  EXPECT_EQ(connect(200).failed(), 0u);
  kill(kNear, 0);
  const Tally after = connect(1000);
  fmt::print("hook on: {} of {} connects failed\n", after.failed(), after.attempts);
  EXPECT_LE(after.failed(), 2u);
  EXPECT_GE(after.failed(), 1u) << "nobody met the dead one";
  expect_shown("ejected until");
  EXPECT_THAT(ctl({"explain", "--service", kService}), HasSubstr("near0     ejected"));
  // Back after its time.
  serve(kNear, 0, 1);
  expect_endpoints(2, 8);
  const Tally back = connect(400);
  EXPECT_EQ(back.failed(), 0u);
  EXPECT_GT(back.by_answer.at("10.244.1.20:6000"), 50u);
  EXPECT_THAT(ctl({"metrics"}),
              HasSubstr("vicinity_ejections_total{cause=\"consecutive_5xx\"} 1\n"));
}

TEST_F(FailureE2e, WithoutTheHookItCostsOneInterval) {
  serve(kNear, 0, 1);
  serve(kNear, 1, 1);
  serve(kFar, 0, 8);
  start(2, 8, "consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 60s",
        {"--outlier-hook", "off"});
  kill(kNear, 0);
  constexpr double kRate = 250;
  const Tally after = connect(1000, 5s, kRate);
  fmt::print("hook off: {} of {} connects failed, {} a second\n", after.failed(), after.attempts,
             kRate);
  EXPECT_LE(after.failed(), static_cast<uint64_t>(kRate));
  EXPECT_EQ(connect(200).failed(), 0u);
}

TEST_F(FailureE2e, ADeadZoneCostsThreeConnectsOfEachEndpoint) {
  constexpr int kEndpoints = 20;
  // Sixty connects take longer than a minute: nobody is to be back before the last one.
  serve(kNear, 0, kEndpoints);
  serve(kFar, 0, 2);
  start(kEndpoints, 2,
        "consecutive5xxErrors: 3, interval: 1s, baseEjectionTime: 300s, maxEjectionPercent: 100");
  EXPECT_EQ(connect(100).failed(), 0u);
  kill(kNear, 0);
  serve(kNear, 0, kEndpoints, "silent");
  uint64_t failed = 0;
  uint64_t attempts = 0;
  // The few that are left have a small share only: many connects pass them by.
  while (endpoints().first > 0 && failed <= 4 * kEndpoints && attempts < 20'000) {
    auto tally = agent_->connect_many({.targets = {{.address = kVip, .port = kPort}},
                                       .workers = 1,  // connects under way know of no other
                                       .limit = 8,
                                       .timeout = 1200ms});
    ASSERT_TRUE(tally.ok());
    failed += tally->failed();
    attempts += tally->attempts;
  }
  fmt::print("dead zone of {}: {} connects failed\n", kEndpoints, failed);
  EXPECT_LE(failed, 3u * kEndpoints);
  expect_endpoints(0, 2);
  EXPECT_EQ(connect(50).failed(), 0u);
}

TEST_F(FailureE2e, ABrokenClientBlackholesNothing) {
  start(2, 3,
        "consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 60s, "
        "maxEjectionPercent: 100");
  // Nobody serves: as if this node's network were broken. All are ejected, and all are used.
  const auto all_are_out = [&] {
    EXPECT_EQ(connect(20).failed(), 20u);
    return ctl({"metrics"}).find("vicinity_ejected_endpoints 5\n") != std::string::npos;
  };
  EXPECT_TRUE(wait_until(all_are_out, 30s));
  expect_endpoints(2, 3);
  EXPECT_THAT(ctl({"explain", "--service", kService}),
              HasSubstr("the ejected are used like the others"));
  serve(kNear, 0, 2);
  serve(kFar, 0, 3);
  EXPECT_TRUE(wait_until([&] { return connect(20).failed() == 0; }, 30s));
}

TEST_F(FailureE2e, NoMoreAreOutThanMayBe) {
  start(6, 4,
        "consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 60s, "
        "maxEjectionPercent: 30");
  (void)connect(300);
  expect_endpoints(3, 4);
  (void)connect(300);
  EXPECT_THAT(ctl({"metrics"}), HasSubstr("vicinity_ejected_endpoints 3\n"));
}

TEST_F(FailureE2e, ARestartKeepsWhoIsOut) {
  serve(kNear, 1, 1);
  serve(kFar, 0, 8);
  start(2, 8, "consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 300s");
  (void)connect(20);
  expect_endpoints(1, 8);
  VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, flags_));
  EXPECT_EQ(connect(200).failed(), 0u);
  expect_shown("ejected until");
  EXPECT_EQ(endpoints(), std::pair(1, 8));
}

// Down and up again faster than anything is looked at: out once and back once in two intervals.
TEST_F(FailureE2e, FlappingChangesTheTableOnceAnIntervalAtMost) {
  constexpr auto kInterval = 2s;
  serve(kNear, 0, 1);
  serve(kNear, 1, 1);
  serve(kFar, 0, 2);
  start(2, 2,
        "consecutive5xxErrors: 1, interval: 2s, baseEjectionTime: 1s, maxEjectionPercent: 50");
  const uint64_t before = metric("vicinity_services_published_total");
  const auto began = std::chrono::steady_clock::now();
  uint64_t flaps = 0;
  uint64_t published = 0;
  const auto enough = [&] {
    kill(kNear, 0);
    (void)connect(20);
    serve(kNear, 0, 1);
    ++flaps;
    published = metric("vicinity_services_published_total") - before;
    return published >= 6;
  };
  EXPECT_TRUE(wait_until(enough, 120s)) << published << " times published";
  const auto intervals = (std::chrono::steady_clock::now() - began) / kInterval;
  fmt::print("{} flaps, {} times published in {} intervals\n", flaps, published, intervals);
  EXPECT_LE(published, static_cast<uint64_t>(intervals) + 2);
  EXPECT_GT(flaps, published);
}

}  // namespace
}  // namespace vicinity::testing
