// A zone that is overloaded: real connections, the real daemon, and how many of them leave the
// zone.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "e2e/two_zones.h"

namespace vicinity::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LoadE2e : public TwoZones {
 protected:
  // `load` = the fields of spillByLoad. Failover between zones is the DestinationRule's.
  void start(const std::string& load) {
    serve(kNear, 0, 2);
    serve(kFar, 0, 2);
    start_with(2, 2,
               fmt::format("apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: "
                           "{{name: r}}\nspec: {{host: "
                           "helloworld-svc.default.svc.cluster.local, trafficPolicy: "
                           "{{loadBalancer: {{simple: RANDOM}}, outlierDetection: "
                           "{{consecutive5xxErrors: 0}}}}}}\n---\napiVersion: "
                           "vicinity.io/v1alpha1\nkind: ConnectionPolicy\nmetadata: {{name: load, "
                           "namespace: default}}\nspec: {{service: helloworld-svc, spillByLoad: "
                           "{{{}}}}}\n",
                           load));
  }
  // The client's connections stay open until servers_ forgets them.
  void hold(const char* count) {
    VICINITY_ASSERT_OK_AND_ASSIGN(
        Process held,
        cluster_->world().pod("client").spawn(
            {.argv = {program_path("vic_held_client"), kVip, std::to_string(kPort), count}}));
    VICINITY_ASSERT_OK(held.wait_for_line("holding", 20s));
    servers_.insert_or_assign("held", std::move(held));
  }
  // The near zone's servers end, and others take their place.
  void serve_anew(const char* mode) {
    kill(kNear, 0);
    serve(kNear, 0, 2, mode);
  }
  // "80 20": what the tiers of the kernel's table have. Read beside the daemon, a service whose
  // table is just being replaced may have none.
  std::string loads() {
    std::vector<int> loads;
    const auto read = [&] {
      const auto tables = cluster_->tables(kNode);
      if (!tables.ok() || !tables->services.contains(kService)) return false;
      const auto& ports = tables->services.at(kService).ports;
      if (ports.empty()) return false;
      for (const auto& tier : ports.front().tiers) loads.push_back(tier.load_percent);
      return true;
    };
    EXPECT_TRUE(wait_until(read, 5s));
    return fmt::format("{}", fmt::join(loads, " "));
  }
  // The loads that the table has had, one after the other, until it has `last`.
  std::vector<std::string> until(const std::string& last) {
    std::vector<std::string> seen;
    const auto is_last = [&] {
      if (std::string now = loads(); seen.empty() || seen.back() != now) seen.push_back(now);
      return seen.back() == last;
    };
    EXPECT_TRUE(wait_until(is_last, 60s)) << fmt::format("{}", fmt::join(seen, ", "));
    fmt::print("loads of the tiers: {}\n", fmt::join(seen, ", "));
    return seen;
  }
  // So many new connections go to the other zone, within five standard deviations.
  void expect_far(double part) {
    constexpr uint64_t kConnects = 1000;
    const Tally tally = connect(kConnects);
    EXPECT_EQ(tally.failed(), 0u);
    uint64_t far = 0;
    for (const auto& [answer, count] : tally.by_answer) {
      if (answer.starts_with(kFar.address)) far += count;
    }
    const double deviation = std::sqrt(part * (1 - part) * kConnects);
    fmt::print("{} of {} connects left the zone, {} % are meant to\n", far, kConnects, part * 100);
    EXPECT_NEAR(static_cast<double>(far), part * kConnects, 5 * deviation);
  }
};

TEST_F(LoadE2e, OpenConnectionsMoveAShareToTheNextZoneAndBack) {
  start("maxActivePerCapacity: 50, interval: 1s, step: 20, maxSharePercent: 40");
  EXPECT_EQ(loads(), "100 0");
  expect_far(0);
  hold("200");
  EXPECT_THAT(until("60 40"), ElementsAre("100 0", "80 20", "60 40"));
  expect_far(0.4);
  EXPECT_THAT(ctl({"endpoints", kService}),
              AllOf(HasSubstr("10.244.1.20:6000  overloaded  tier 0: active_per_capacity"),
                    HasSubstr("limit 50, gives 40%")));
  EXPECT_THAT(ctl({"explain", "--service", kService}),
              HasSubstr("tier 1 has 40% of connections instead of 0%, by load"));
  EXPECT_THAT(ctl({"explain", "--service", kService, "-o", "json"}),
              HasSubstr("\"state\": \"overloaded\""));
  EXPECT_THAT(ctl({"metrics"}), AllOf(HasSubstr("vicinity_overloaded_tiers 1\n"),
                                      HasSubstr("vicinity_load_spill_steps_total{direction="
                                                "\"out\"} 2\n")));
  servers_.erase("held");
  EXPECT_THAT(until("100 0"), ElementsAre("60 40", "80 20", "100 0"));
  expect_far(0);
  EXPECT_THAT(ctl({"metrics"}), HasSubstr("vicinity_overloaded_tiers 0\n"));
}

// Every other first SYN is lost there: such a connect takes a second.
TEST_F(LoadE2e, ASlowZoneGivesAShareAwayAndTakesItBack) {
  start("connectTimeMultiple: 100, interval: 1s, step: 20, maxSharePercent: 40");
  VICINITY_ASSERT_OK(agent_->start_load({.targets = {{.address = kVip, .port = kPort}},
                                         .rate_per_second = 100,
                                         .workers = 64,
                                         .timeout = 20s}));
  // What is usual has been learnt when as many connects were made in as many looks.
  const auto learnt = [&] {
    const auto tally = agent_->load_so_far();
    return tally.ok() && tally->attempts >= 600;
  };
  ASSERT_TRUE(wait_until(learnt, 60s));
  EXPECT_EQ(loads(), "100 0");
  serve_anew("late");
  EXPECT_THAT(until("60 40"), ElementsAre("100 0", "80 20", "60 40"));
  EXPECT_THAT(ctl({"endpoints", kService}),
              HasSubstr("10.244.1.20:6000  overloaded  tier 0: connect_time_ms"));
  serve_anew("answer");
  const auto back = until("100 0");
  EXPECT_EQ(back.front(), "60 40");
  VICINITY_ASSERT_OK_AND_ASSIGN(const LoadReport report, agent_->stop_load());
  fmt::print("{} connects, {} failed while the servers were started anew\n", report.tally.attempts,
             report.tally.failed());
}

}  // namespace
}  // namespace vicinity::testing
