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

}  // namespace
}  // namespace vicinity::dataplane
