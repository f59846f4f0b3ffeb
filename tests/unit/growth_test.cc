// When a growth that failed is tried again.
#include "dataplane/growth.h"

#include <gtest/gtest.h>

namespace vicinity::dataplane {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000);

TEST(GrowthRetryTest, TheSameSizesAreTriedAgainButEverMoreRarely) {
  const Sizes sizes = first_sizes(10, 10);
  GrowthRetry retry;
  absl::Time now = kNow;
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    ASSERT_TRUE(retry.may_try(sizes, now));
    retry.failed(sizes, now);
    now += absl::Seconds(wait);
    EXPECT_FALSE(retry.may_try(sizes, now - absl::Milliseconds(1))) << wait;
    EXPECT_TRUE(retry.may_try(sizes, now)) << wait;
  }
}

TEST(GrowthRetryTest, OtherSizesAreTriedAtOnce) {
  GrowthRetry retry;
  retry.failed(first_sizes(10, 10), kNow);
  EXPECT_TRUE(retry.may_try(first_sizes(20, 10), kNow));
}

TEST(GrowthRetryTest, ASuccessForgetsTheFailures) {
  const Sizes sizes = first_sizes(10, 10);
  GrowthRetry retry;
  retry.failed(sizes, kNow);
  retry.succeeded();
  EXPECT_TRUE(retry.may_try(sizes, kNow));
}

// Twice what is wanted and a quarter of that as headroom; at least twice what there was.
TEST(GrowthSizesTest, ATableGrowsToWhatItsDemandNeeds) {
  struct Row {
    uint32_t first;
    uint64_t wanted;
    uint64_t grown;
  };
  for (const Row& row : {Row{8192, 10000, 10241}, Row{8192, 10241, 25603}, Row{8192, 20000, 50001},
                         Row{8192, 100000, 250001}}) {
    Sizes sizes = first_sizes(1024, row.first);
    Demand demand;
    demand.families[0].plain_slots = row.wanted;
    sizes = sizes_for(sizes, demand, {});
    EXPECT_EQ(sizes.families[0].plain_slots, row.grown) << row.wanted;
    EXPECT_EQ(sizes_for(sizes, demand, {}), sizes) << row.wanted;
    demand.families[0].plain_slots = 2 * row.wanted;
    const bool fits = 2 * row.wanted < row.grown;
    EXPECT_EQ(sizes_for(sizes, demand, {}) == sizes, fits) << row.wanted;
  }
}

}  // namespace
}  // namespace vicinity::dataplane
