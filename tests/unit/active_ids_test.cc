// Elements of vic_active: who holds one, for how long, and that none is given out while it counts.
#include <gtest/gtest.h>

#include <array>

#include "dataplane/active_ids.h"

namespace vicinity::dataplane {
namespace {

ActiveKey key(uint16_t port, uint64_t table = 1) {
  return {.table = table, .address = model::IpAddress::parse("10.0.0.1").value(), .port = port};
}

TEST(ActiveIds, AnEndpointKeepsItsElementWhileATableHasIt) {
  std::array<__u64, 4> counts = {};
  ActiveIds ids(counts);
  const auto first = ids.acquire(key(1));
  ASSERT_TRUE(first);
  EXPECT_NE(*first, 0u);
  EXPECT_EQ(ids.acquire(key(1)), first);
  EXPECT_NE(ids.acquire(key(1, 2)), first);
  ids.release(*first);
  ids.sweep();
  EXPECT_EQ(ids.acquire(key(1)), first);
  EXPECT_EQ(ids.usage().used, 2u);
}

TEST(ActiveIds, WhatStillCountsIsNotGivenToAnother) {
  std::array<__u64, 3> counts = {};
  ActiveIds ids(counts);
  const uint32_t busy = ids.acquire(key(1)).value();
  const uint32_t idle = ids.acquire(key(2)).value();
  EXPECT_EQ(ids.acquire(key(3)), std::nullopt);
  counts[busy] = 5;
  ids.release(busy);
  ids.release(idle);
  ids.sweep();
  EXPECT_EQ(ids.acquire(key(3)), idle);
  EXPECT_EQ(ids.acquire(key(4)), std::nullopt);
  // It comes back, and with it its count.
  EXPECT_EQ(ids.acquire(key(1)), busy);
  EXPECT_EQ(ids.total(), 5u);
  ids.release(busy);
  counts[busy] = 0;
  ids.sweep();
  EXPECT_EQ(ids.acquire(key(4)), busy);
}

TEST(ActiveIds, AnAdoptedCountIsKeptAlsoWithoutItsEndpoint) {
  std::array<__u64, 4> counts = {0, 2, 0, 7};
  ActiveIds ids(counts);
  ids.take(key(1), 1);
  ids.keep_counted();
  EXPECT_EQ(ids.acquire(key(1)), 1u);
  EXPECT_EQ(ids.acquire(key(2)), 2u);
  EXPECT_EQ(ids.acquire(key(3)), std::nullopt);
  EXPECT_EQ(ids.total(), 9u);
  counts[3] = 0;
  ids.sweep();
  EXPECT_EQ(ids.acquire(key(3)), 3u);
}

TEST(ActiveIds, ASuccessorFindsTheSameElements) {
  std::array<__u64, 4> counts = {};
  ActiveIds old(counts);
  const uint32_t kept = old.acquire(key(1)).value();
  const uint32_t gone = old.acquire(key(2)).value();
  counts[gone] = 1;
  ActiveIds next(counts);
  next.inherit(old);
  EXPECT_EQ(next.acquire(key(1)), kept);
  next.sweep();
  EXPECT_EQ(next.usage().used, 2u);
  counts[gone] = 0;
  next.sweep();
  EXPECT_EQ(next.usage().used, 1u);
  next.release(kept);
  next.sweep();
  EXPECT_TRUE(next.empty());
}

}  // namespace
}  // namespace vicinity::dataplane
