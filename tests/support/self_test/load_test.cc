// Loads: fast enough for churn tests, at the rate asked for, every failure on record.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "support/self_test/fixture.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

class Load : public TwoNodes {
 protected:
  void SetUp() override {
    TwoNodes::SetUp();
    ASSERT_TRUE(world_);
    for (const char* name : {"a", "b"}) {
      VICINITY_ASSERT_OK(
          world_->pod(name).serve({.instance = name, .protocol = ServeProtocol::kBanner}));
    }
    VICINITY_ASSERT_OK_AND_ASSIGN(agent_, world_->pod("client").agent());
  }

  PodAgent* agent_ = nullptr;
};

TEST_F(Load, ManyConnectionsAreTalliedByAnswer) {
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const Tally tally,
      agent_->connect_many(
          {.targets = {{"10.244.1.5", 5000}, {"fd00:10:244:2::5", 5000}}, .limit = 1000}));
  EXPECT_EQ(tally.attempts, 1000U);
  EXPECT_EQ(tally.failed(), 0U);
  EXPECT_EQ(tally.by_answer, (std::map<std::string, std::uint64_t>{{"a", 500}, {"b", 500}}));
}

TEST_F(Load, ReachesThousandsASecond) {
  constexpr std::uint64_t kAttempts = 20'000;
  const std::int64_t before = monotonic_ns();
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const Tally tally,
      agent_->connect_many(
          {.targets = {{"10.244.1.5", 5000}, {"10.244.2.5", 5000}}, .limit = kAttempts}));
  const double seconds = static_cast<double>(monotonic_ns() - before) / 1e9;
  const double rate = kAttempts / seconds;
  fmt::print("{:.0f} connections/s\n", rate);
  EXPECT_EQ(tally.failed(), 0U);
  EXPECT_GT(rate, 1000);
}

TEST_F(Load, FailuresAreOnRecordWithTimeAndErrno) {
  const std::int64_t before = monotonic_ns();
  VICINITY_ASSERT_OK(agent_->start_load({.targets = {{"10.244.2.5", 5000}}, .workers = 2}));
  const auto so_far = [this] { return agent_->load_so_far().value(); };
  ASSERT_TRUE(wait_until([&] { return so_far().by_answer["b"] >= 100; }, 10s));
  world_->pod("b").stop_serving();
  const std::int64_t stopped = monotonic_ns();
  ASSERT_TRUE(wait_until([&] { return so_far().by_error[ECONNREFUSED] >= 100; }, 10s));
  VICINITY_ASSERT_OK_AND_ASSIGN(const LoadReport report, agent_->stop_load());
  EXPECT_EQ(report.attempts.size(), report.tally.attempts);
  EXPECT_EQ(report.failures().size(), report.tally.failed());
  EXPECT_GE(report.failures().size(), 100U);
  for (const Attempt& attempt : report.attempts) {
    EXPECT_GE(attempt.started_ns, before);
    EXPECT_GE(attempt.ended_ns, attempt.started_ns);
    if (attempt.started_ns > stopped) EXPECT_EQ(attempt.error, ECONNREFUSED);
    if (attempt.error == 0) EXPECT_EQ(report.answer_of(attempt), "b");
  }
}

TEST_F(Load, KeepsToItsRateAndLeavesTheAgentFree) {
  const std::int64_t before = monotonic_ns();
  VICINITY_ASSERT_OK(agent_->start_load(
      {.targets = {{"10.244.1.5", 5000}}, .rate_per_second = 500, .workers = 4}));
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto result,
                                agent_->connect({.address = "10.244.2.5", .port = 5000}));
  EXPECT_EQ(result.answer, "b");
  EXPECT_FALSE(agent_->start_load({.targets = {{"10.244.1.5", 5000}}}).ok());
  ASSERT_TRUE(wait_until([&] { return agent_->load_so_far().value().attempts >= 500; }, 10s));
  VICINITY_ASSERT_OK_AND_ASSIGN(const LoadReport report, agent_->stop_load());
  const double seconds = static_cast<double>(monotonic_ns() - before) / 1e9;
  EXPECT_EQ(report.tally.failed(), 0U);
  // One per worker may have had its turn and not yet been counted, or the other way round.
  EXPECT_LE(static_cast<double>(report.tally.attempts), 500 * seconds + 5);
}

TEST_F(Load, TimeoutIsAFailureToo) {
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const Tally tally,
      agent_->connect_many(
          {.targets = {{"10.244.7.7", 5000}}, .workers = 2, .limit = 2, .timeout = 50ms}));
  EXPECT_EQ(tally.by_error, (std::map<int, std::uint64_t>{{ETIMEDOUT, 2}}));
}

}  // namespace
}  // namespace vicinity::testing
