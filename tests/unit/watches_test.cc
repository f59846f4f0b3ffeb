// Elements of vic_watched: whose they are, what a new owner finds in them, and the places of
// suspects that go with them.
#include <gtest/gtest.h>

#include <array>

#include "contract/table_builder.h"
#include "dataplane/watches.h"

namespace vicinity::dataplane {
namespace {

constexpr WatchedTable kTable = {.service = "ns/a", .port = 80, .id = 7};

class WatchesTest : public ::testing::Test {
 protected:
  static compile::PortTable table(const std::vector<uint16_t>& ports) {
    std::vector<testing::EndpointSpec> endpoints;
    for (const uint16_t port : ports) endpoints.push_back({.address = "10.0.0.1", .port = port});
    compile::PortTable table = testing::port_table(80, model::Family::kIpv4, endpoints);
    table.watch = {
        .refused_in_row = 1, .timeouts_in_row = 3, .suspicion_ms = 5, .most_suspects = 2};
    return table;
  }
  vic_watch_group& group(const WatchedElements& elements) {
    return reinterpret_cast<vic_watch_group&>(memory_[elements.group]);
  }
  vic_watched& endpoint(const WatchedElements& elements, size_t slot) {
    return memory_[elements.endpoints[slot]];
  }

  std::array<vic_watched, 16> memory_ = {};
  Watches watches_{memory_};
};

TEST_F(WatchesTest, ATableHasAGroupWithItsParameters) {
  const auto elements = watches_.acquire(kTable, table({1, 2}));
  ASSERT_TRUE(elements);
  EXPECT_EQ(group(*elements).refused_in_row, 1u);
  EXPECT_EQ(group(*elements).timeouts_in_row, 3u);
  EXPECT_EQ(group(*elements).suspicion_ns, 5'000'000u);
  EXPECT_EQ(group(*elements).most_suspects, 2u);
  for (size_t slot : {0, 1}) EXPECT_EQ(endpoint(*elements, slot).group, elements->group);
  const auto seen = watches_.observe();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].service, "ns/a");
  EXPECT_EQ(seen[0].service_port, 80);
  EXPECT_EQ(seen[1].port, 2);
  EXPECT_LT(seen[0].id, seen[1].id);
}

TEST_F(WatchesTest, WhatWasSeenGoesOnInTheNextTable) {
  const auto first = watches_.acquire(kTable, table({1, 2}));
  endpoint(*first, 0).refused = 5;
  const auto next = watches_.acquire(kTable, table({1, 3}));
  watches_.release(*first);
  watches_.sweep();
  EXPECT_EQ(next->endpoints[0], first->endpoints[0]);
  EXPECT_EQ(next->group, first->group);
  const auto seen = watches_.observe();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].seen.refused, 5u);
  EXPECT_EQ(seen[1].port, 3);
  EXPECT_EQ(watches_.id_of(next->endpoints[0]), seen[0].id);
  EXPECT_EQ(watches_.id_of(next->group), std::nullopt);
}

TEST_F(WatchesTest, ANewOwnerFindsNothing) {
  const auto first = watches_.acquire(kTable, table({1, 2}));
  endpoint(*first, 0) = {.established = 9, .refused = 5, .group = first->group};
  const uint64_t id = watches_.observe()[0].id;
  watches_.release(*first);
  watches_.sweep();
  EXPECT_TRUE(watches_.observe().empty());
  const auto again = watches_.acquire(kTable, table({1, 2}));
  EXPECT_EQ(watches_.observe()[0].seen, Observation{});
  EXPECT_NE(watches_.observe()[0].id, id);
  EXPECT_EQ(group(*again).suspects, 0u);
}

TEST_F(WatchesTest, AnEndpointWithOpenConnectionsStaysAndHoldsItsGroup) {
  const auto elements = watches_.acquire(kTable, table({1, 2}));
  endpoint(*elements, 0).active = 1;
  watches_.release(*elements);
  watches_.sweep();
  watches_.sweep();
  EXPECT_EQ(watches_.observe().size(), 1u);
  EXPECT_EQ(group(*elements).refused_in_row, 1u);
  EXPECT_FALSE(watches_.empty());
  endpoint(*elements, 0).active = 0;
  watches_.sweep();
  watches_.sweep();  // now the group goes too
  EXPECT_TRUE(watches_.empty());
}

TEST_F(WatchesTest, APlaceOfASuspectIsGivenBack) {
  const auto elements = watches_.acquire(kTable, table({1, 2}));
  group(*elements).suspects = 2;
  endpoint(*elements, 0).suspected_until = 100;
  endpoint(*elements, 0).refused_in_row = 3;
  endpoint(*elements, 1).suspected_until = 200;
  const auto both = watches_.observe();
  const uint64_t first = both[0].id;
  EXPECT_EQ(watches_.end_suspicions(100), std::vector<uint64_t>{first});
  EXPECT_EQ(group(*elements).suspects, 1u);
  EXPECT_EQ(endpoint(*elements, 0).refused_in_row, 0u);
  // With the endpoint itself, too.
  const auto next = watches_.acquire(kTable, table({1}));
  watches_.release(*elements);
  watches_.sweep();
  EXPECT_EQ(group(*next).suspects, 0u);
}

TEST_F(WatchesTest, TheNextOwnerOfTheMemoryGoesOn) {
  const auto elements = watches_.acquire(kTable, table({1, 2}));
  const std::vector<uint64_t> ids = {watches_.observe()[0].id, watches_.observe()[1].id};
  Watches next{memory_};
  next.inherit(watches_);
  const auto again = next.acquire(kTable, table({1, 2, 3}));
  EXPECT_EQ(again->group, elements->group);
  EXPECT_EQ(next.observe()[0].id, ids[0]);
  next.sweep();
  EXPECT_EQ(next.observe().size(), 3u);
  next.release(*again);
  next.sweep();
  next.sweep();
  EXPECT_TRUE(next.empty());
}

TEST_F(WatchesTest, AnAdoptedTableKeepsItsElements) {
  const compile::PortTable slots = table({1, 2});
  const auto elements = watches_.acquire(kTable, slots);
  endpoint(*elements, 1).established = 4;
  endpoint(*elements, 0).active = 1;
  memory_[15].active = 1;  // of somebody whose table is gone
  memory_[15].group = 9;
  Watches next{memory_};
  next.take(kTable, slots.slots, *elements);
  next.keep_counted();
  EXPECT_EQ(next.observe()[1].seen.established, 4u);
  EXPECT_EQ(memory_[15].group, 0u);
  next.release(*elements);
  next.sweep();
  EXPECT_EQ(next.observe().size(), 1u);
  EXPECT_EQ(next.active(), 2u);
}

TEST_F(WatchesTest, WhoFindsNoRoomTakesNothing) {
  std::vector<uint16_t> many;
  for (uint16_t port = 1; port <= 20; ++port) many.push_back(port);
  EXPECT_EQ(watches_.acquire(kTable, table(many)), std::nullopt);
  watches_.sweep();
  watches_.sweep();
  EXPECT_TRUE(watches_.empty());
}

}  // namespace
}  // namespace vicinity::dataplane
