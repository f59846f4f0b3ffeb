// All weighed ports of a node: whose counts go where, and what is remembered of whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "health/load_judge.h"
#include "unit/health_rows.h"

namespace vicinity::testing {
namespace {

using health::LoadCounted;
using health::LoadJudge;
using model::GivenShare;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Time kBegin = absl::FromUnixSeconds(1000);
constexpr uint64_t kMs = 1'000'000;

policy::WeighedPort port_of(uint16_t port, uint32_t near, uint32_t far) {
  policy::WeighedPort result{
      .port = port,
      .spec = {.max_active_permille = 1000, .connect_time_permille = 2000},
      .tiers = {{.load = {.percent = 100}, .capacity = 1},
                {.priority = 1, .load = {.leaves_zone = true}, .capacity = 1}}};
  result.tiers[0].hosts = {host(near)};
  result.tiers[1].hosts = {host(far)};
  return result;
}

class LoadJudgeTest : public ::testing::Test {
 protected:
  LoadJudgeTest() {
    judge_.watch("a/a", std::vector{port_of(80, 1, 2), port_of(81, 1, 2)}, kBegin);
  }

  // Endpoint `number` of a port has so many connections open, and made so many that took so long.
  LoadCounted counted(uint64_t id, uint16_t service_port, uint32_t number, uint64_t active) {
    return {.id = id,
            .service = "a/a",
            .service_port = service_port,
            .host = host(number),
            .active = active};
  }
  std::vector<std::string> look(absl::Duration at) {
    std::vector<std::string> steps;
    for (const auto& one : judge_.look(kBegin + at)) {
      steps.push_back(one.service + ":" + std::to_string(one.service_port) + " gives " +
                      std::to_string(one.step.given_percent));
    }
    return steps;
  }

  LoadJudge judge_;
};

TEST_F(LoadJudgeTest, EachPortIsWeighedByItsOwnEndpoints) {
  judge_.observe(std::vector{counted(1, 80, 1, 1), counted(2, 80, 2, 0), counted(3, 81, 1, 2),
                             counted(4, 82, 1, 9), counted(5, 80, 9, 9)});
  EXPECT_THAT(look(absl::Seconds(9)), IsEmpty());
  EXPECT_EQ(judge_.next_look(), kBegin + absl::Seconds(10));
  EXPECT_THAT(look(absl::Seconds(10)), ElementsAre("a/a:81 gives 10"));
  EXPECT_THAT(judge_.given("a/a"),
              ElementsAre(GivenShare{.service_port = 81, .tier = 0, .percent = 10}));
  const auto counts = judge_.counts();
  EXPECT_EQ(counts.weighed, 4u);
  EXPECT_EQ(counts.overloaded, 1u);
  EXPECT_EQ(counts.steps_out, 1u);
  EXPECT_EQ(judge_.states("a/a", 81, model::Family::kIpv4).size(), 1u);
  EXPECT_THAT(judge_.states("a/a", 80, model::Family::kIpv4), IsEmpty());
  EXPECT_THAT(judge_.states("a/a", 81, model::Family::kIpv6), IsEmpty());
}

// What an endpoint had counted before it was seen first is not of this interval.
TEST_F(LoadJudgeTest, CountsBeginWhereTheyAreFound) {
  LoadCounted one = counted(1, 80, 1, 0);
  const auto interval = [&](int number, uint64_t connects, uint64_t ms) {
    one.established += connects;
    one.connect_ns += connects * ms * kMs;
    judge_.observe(std::vector{one});
    return look(number * absl::Seconds(10));
  };
  one.established = 1'000'000;
  one.connect_ns = 1'000'000 * 100 * kMs;
  judge_.observe(std::vector{one});
  for (int i = 1; i <= 3; ++i) EXPECT_THAT(interval(i, 100, 10), IsEmpty());
  EXPECT_THAT(interval(4, 100, 19), IsEmpty());
  EXPECT_THAT(interval(5, 100, 30), ElementsAre("a/a:80 gives 10"));
  // Another endpoint with that address begins anew.
  one = counted(2, 80, 1, 0);
  one.established = 50;
  one.connect_ns = 50 * 1000 * kMs;
  EXPECT_THAT(interval(6, 0, 0), IsEmpty());
}

TEST_F(LoadJudgeTest, AServiceThatLeavesIsRememberedForAWhile) {
  judge_.observe(std::vector{counted(1, 80, 1, 2)});
  ASSERT_EQ(look(absl::Seconds(10)).size(), 1u);
  judge_.leave("a/a", kBegin + absl::Seconds(10));
  EXPECT_THAT(look(absl::Seconds(30)), IsEmpty());
  EXPECT_EQ(judge_.given("a/a").size(), 1u);
  judge_.watch("a/a", std::vector{port_of(80, 1, 2)}, kBegin + absl::Seconds(30));
  EXPECT_EQ(judge_.given("a/a").size(), 1u);
  judge_.leave("a/a", kBegin + absl::Seconds(30));
  EXPECT_EQ(judge_.next_look(), kBegin + absl::Seconds(90));
  EXPECT_THAT(look(absl::Seconds(90)), IsEmpty());
  EXPECT_FALSE(judge_.watches("a/a"));
  EXPECT_EQ(judge_.next_look(), absl::InfiniteFuture());
}

TEST_F(LoadJudgeTest, WithoutWeighedPortsNothingIsKept) {
  judge_.observe(std::vector{counted(1, 80, 1, 2)});
  ASSERT_EQ(look(absl::Seconds(10)).size(), 1u);
  judge_.watch("a/a", {}, kBegin + absl::Seconds(11));
  EXPECT_FALSE(judge_.watches("a/a"));
  EXPECT_THAT(judge_.given("a/a"), IsEmpty());
}

// A rollout every second: what was counted goes along.
TEST_F(LoadJudgeTest, ARecompilationLosesNoCounts) {
  for (uint32_t second = 0; second < 10; ++second) {
    judge_.observe(std::vector{counted(1, 80, 1, 2)});
    judge_.watch("a/a", std::vector{port_of(80, 1, 100 + second)}, kBegin);
  }
  EXPECT_THAT(look(absl::Seconds(10)), ElementsAre("a/a:80 gives 10"));
}

}  // namespace
}  // namespace vicinity::testing
