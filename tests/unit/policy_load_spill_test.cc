// How connections move between tiers that give up load, and how the parameters read.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "policy/load_spill.h"

namespace vicinity::testing {
namespace {

using policy::TierLoad;
using Percents = std::vector<uint32_t>;

struct Row {
  const char* what;
  std::vector<TierLoad> tiers;
  Percents given;
  uint32_t most;
  Percents after;
};

constexpr TierLoad near(uint32_t percent) { return {.percent = percent, .leaves_zone = false}; }
constexpr TierLoad far(uint32_t percent) { return {.percent = percent, .leaves_zone = true}; }

TEST(LoadSpillShares, MoveToTheNextTier) {
  const std::vector<Row> rows = {
      {"nothing given", {near(100), far(0)}, {0, 0}, 50, {100, 0}},
      {"to the next", {near(100), far(0)}, {20, 0}, 50, {80, 20}},
      {"of what the tier has", {near(70), far(30)}, {20, 0}, 50, {56, 44}},
      {"rounded", {near(7), far(93)}, {10, 0}, 50, {6, 94}},
      {"the last one keeps all", {near(60), far(40)}, {0, 50}, 100, {60, 40}},
      {"one after the other", {near(100), far(0), far(0)}, {40, 50, 0}, 100, {60, 20, 20}},
      {"no more than may leave the zone", {near(100), far(0)}, {90, 0}, 50, {50, 50}},
      {"the bound is of what is added", {near(50), far(50)}, {90, 0}, 30, {20, 80}},
      {"what stays in the zone is not bounded",
       {near(100), near(0), far(0)},
       {90, 50, 0},
       30,
       {10, 60, 30}},
      {"what has left once counts once",
       {near(100), far(0), far(0)},
       {50, 50, 0},
       50,
       {50, 25, 25}},
      {"what a far tier gives of its own counts",
       {near(50), far(50), far(0)},
       {20, 90, 0},
       20,
       {40, 40, 20}},
      {"nothing may leave", {near(100), far(0)}, {50, 0}, 0, {100, 0}},
      {"one tier", {near(100)}, {50}, 50, {100}},
      {"none", {}, {}, 50, {}},
  };
  for (const Row& row : rows) {
    const Percents after = policy::loads_after(row.tiers, row.given, row.most);
    EXPECT_EQ(after, row.after) << row.what;
  }
}

// Whatever is given: nothing is lost, and no more leaves than may.
TEST(LoadSpillShares, HoldForAllThatCanBeGiven) {
  const std::vector<std::vector<TierLoad>> plans = {{near(100), far(0), far(0)},
                                                    {near(40), far(35), far(25)},
                                                    {far(100), far(0), far(0)},
                                                    {near(60), near(0), far(40)}};
  for (const auto& plan : plans) {
    for (uint32_t first = 0; first <= 100; first += 7) {
      for (uint32_t second = 0; second <= 100; second += 9) {
        const Percents after = policy::loads_after(plan, Percents{first, second, 0}, 30);
        EXPECT_EQ(std::accumulate(after.begin(), after.end(), 0U), 100U);
        uint32_t left = 0;
        for (size_t i = 0; i < plan.size(); ++i) {
          if (plan[i].leaves_zone && after[i] > plan[i].percent) left += after[i] - plan[i].percent;
        }
        EXPECT_LE(left, 30U) << first << " and " << second;
      }
    }
  }
}

TEST(LoadSpillSpec, Text) {
  EXPECT_EQ(to_text(policy::LoadSpillSpec{.max_active_permille = 2500}),
            "active=2.5 interval=10s step=10% max=50%");
  EXPECT_EQ(to_text(policy::LoadSpillSpec{.max_active_permille = 100'000,
                                          .connect_time_permille = 3000,
                                          .interval_ms = 1500,
                                          .step_percent = 5,
                                          .max_share_percent = 100}),
            "active=100 connect_time=3x interval=1.5s step=5% max=100%");
}

}  // namespace
}  // namespace vicinity::testing
