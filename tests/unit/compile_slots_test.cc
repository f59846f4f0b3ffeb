// A plan becomes a table: order of slots, tiers, weights, limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <vicinity/abi.h>
#include "base/status.h"
#include "compile/compile.h"
#include "unit/model_rows.h"

namespace vicinity::compile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ip;

struct MemberRow {
  std::string address;
  uint32_t weight = 1;
};

struct TierRow {
  uint32_t load_percent;
  std::vector<MemberRow> members;
};

// Plans refer to workloads; these need none of their fields.
const model::Workload& somebody() {
  static const model::Workload workload;
  return workload;
}

policy::Plan plan_of(const std::vector<TierRow>& tiers) {
  policy::Plan plan;
  for (const TierRow& row : tiers) {
    policy::Tier tier{.priority = static_cast<uint32_t>(plan.tiers.size()),
                      .load_percent = row.load_percent,
                      .members = {}};
    for (const MemberRow& member : row.members) {
      tier.members.push_back({.endpoint = static_cast<uint32_t>(plan.endpoints.size()),
                              .weight = member.weight,
                              .share = member.weight});
      plan.endpoints.push_back(
          {.workload = &somebody(), .address = ip(member.address), .port = 80});
    }
    plan.tiers.push_back(tier);
  }
  return plan;
}

PortTable table_of(const std::vector<TierRow>& tiers) {
  auto compiled = compile_port(plan_of(tiers), {.service = "a/x", .port = 80});
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return compiled->table;
}

std::vector<std::string> slots_of(const PortTable& table) {
  std::vector<std::string> text;
  for (const Slot& slot : table.slots) {
    text.push_back(std::to_string(slot.tier) + " " + slot.address.to_string());
  }
  return text;
}

TEST(Slots, LoadedFirstThenByTierAndAddress) {
  const PortTable table = table_of({{0, {{"10.0.0.9"}, {"10.0.0.1"}}},
                                    {60, {{"10.0.0.8"}, {"10.0.0.2"}}},
                                    {0, {{"10.0.0.3"}}},
                                    {40, {{"10.0.0.4"}}}});
  EXPECT_THAT(slots_of(table), ElementsAre("1 10.0.0.2", "1 10.0.0.8", "3 10.0.0.4", "0 10.0.0.1",
                                           "0 10.0.0.9", "2 10.0.0.3"));
  EXPECT_EQ(table.loaded, 3);
  EXPECT_THAT(table.tiers, ElementsAre(TableTier{0, 0, 2}, TableTier{1, 60, 2}, TableTier{2, 0, 1},
                                       TableTier{3, 40, 1}));
  const auto shares = slot_shares(table);
  EXPECT_NEAR(shares[0], 0.3, 1e-5);
  EXPECT_NEAR(shares[1], 0.3, 1e-5);
  EXPECT_NEAR(shares[2], 0.4, 1e-5);
  EXPECT_EQ(shares[3] + shares[4] + shares[5], 0);
}

TEST(Slots, EqualSharesNeedNoAliases) {
  EXPECT_FALSE(table_of({{100, {{"10.0.0.1"}, {"10.0.0.2"}, {"10.0.0.3"}}}}).weighted);
  const PortTable even = table_of({{100, {{"10.0.0.1", 5}, {"10.0.0.2", 5}}}});
  EXPECT_FALSE(even.weighted);
  EXPECT_TRUE(even.has_aliases());  // the weight, which adoption has to find again
  EXPECT_EQ(even.slots[0].threshold, 0);
  EXPECT_EQ(even.slots[0].other, 0);
  const PortTable uneven = table_of({{100, {{"10.0.0.1", 1}, {"10.0.0.2", 3}}}});
  EXPECT_TRUE(uneven.weighted);
  EXPECT_NEAR(slot_shares(uneven)[1], 0.75, 1e-5);
  EXPECT_FALSE(table_of({{100, {{"10.0.0.1"}, {"10.0.0.2"}}}, {0, {{"10.0.0.3"}}}}).has_aliases());
}

TEST(Slots, UnequalTiersOfEqualWeightsAreWeighted) {
  const PortTable table = table_of({{50, {{"10.0.0.1"}, {"10.0.0.2"}}}, {50, {{"10.0.0.3"}}}});
  EXPECT_TRUE(table.weighted);
  EXPECT_FALSE(table_of({{50, {{"10.0.0.1"}}}, {50, {{"10.0.0.2"}}}}).weighted);
}

TEST(Slots, NothingIsAnEmptyTable) {
  const PortTable table = table_of({});
  EXPECT_EQ(table.loaded, 0);
  EXPECT_TRUE(table.slots.empty());
  EXPECT_TRUE(slot_shares(table).empty());
}

TEST(Slots, TwoEndpointsOfOneAddressBothCount) {
  const PortTable table = table_of({{100, {{"10.0.0.1"}, {"10.0.0.1"}, {"10.0.0.2"}}}});
  EXPECT_EQ(table.slots.size(), 3u);
  EXPECT_EQ(slots_of(table)[1], "0 10.0.0.1");
}

std::vector<TierRow> many_tiers(size_t count) {
  std::vector<TierRow> tiers;
  for (size_t i = 0; i < count; ++i) {
    tiers.push_back({i == 0 ? 100U : 0U, {{"10.0.0." + std::to_string(i + 1)}}});
  }
  return tiers;
}

TEST(Slots, TiersWithoutLoadMergeIntoTheLastOne) {
  EXPECT_EQ(table_of(many_tiers(VIC_MAX_TIERS)).tiers.back(), (TableTier{15, 0, 1}));
  const PortTable table = table_of(many_tiers(VIC_MAX_TIERS + 4));
  ASSERT_EQ(table.tiers.size(), size_t{VIC_MAX_TIERS});
  EXPECT_EQ(table.tiers.back(), (TableTier{15, 0, 5}));
  EXPECT_EQ(table.slots.back().tier, VIC_MAX_TIERS - 1);
}

TEST(Slots, LoadBeyondTheLastTierIsRefused) {
  auto tiers = many_tiers(VIC_MAX_TIERS + 1);
  tiers.front().load_percent = 0;
  tiers.back().load_percent = 100;
  const auto compiled = compile_port(plan_of(tiers), {.service = "a/x", .port = 80});
  ASSERT_FALSE(compiled.ok());
  EXPECT_EQ(base::message(compiled.status()),
            "service a/x: port 80: tier 16 carries load: only 16 tiers can");
}

policy::Plan crowd(size_t loaded, size_t idle) {
  policy::Plan plan;
  policy::Tier first{.priority = 0, .load_percent = 100, .members = {}};
  policy::Tier second{.priority = 1, .load_percent = 0, .members = {}};
  for (size_t i = 0; i < loaded + idle; ++i) {
    model::IpAddress address;
    address.bytes = {10, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8),
                     static_cast<uint8_t>(i)};
    plan.endpoints.push_back({.workload = &somebody(), .address = address, .port = 80});
    (i < loaded ? first : second).members.push_back({.endpoint = static_cast<uint32_t>(i)});
  }
  plan.tiers.push_back(first);
  if (idle != 0) plan.tiers.push_back(second);
  return plan;
}

TEST(Slots, TheLargestTableFitsAndOneMoreIsRefusedByName) {
  const auto largest = compile_port(crowd(VIC_MAX_LOADED_SLOTS, 65535), {.service = "a/x"});
  ASSERT_TRUE(largest.ok()) << largest.status();
  EXPECT_EQ(largest->table.loaded, VIC_MAX_LOADED_SLOTS);
  EXPECT_EQ(largest->table.slots.size(), 131070u);
  const auto refused = compile_port(crowd(65536, 0), {.service = "a/x", .port = 80});
  ASSERT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(base::message(refused.status()),
            "service a/x: port 80: 65536 endpoints with load: at most 65535");
  const auto idle = compile_port(crowd(1, 65536), {.service = "a/x", .port = 80});
  ASSERT_FALSE(idle.ok());
  EXPECT_THAT(std::string(base::message(idle.status())), HasSubstr("65536 endpoints in one tier"));
}

TEST(Slots, SlotEndpointsJoinBack) {
  const policy::Plan plan =
      plan_of({{100, {{"10.0.0.9", 2}, {"10.0.0.1", 3}}}, {0, {{"10.0.0.5"}}}});
  const auto compiled = compile_port(plan, {.service = "a/x", .port = 80});
  ASSERT_TRUE(compiled.ok());
  ASSERT_EQ(compiled->slot_endpoint.size(), compiled->table.slots.size());
  for (size_t i = 0; i < compiled->slot_endpoint.size(); ++i) {
    EXPECT_EQ(compiled->plan.endpoints[compiled->slot_endpoint[i]].address,
              compiled->table.slots[i].address);
  }
  EXPECT_EQ(compiled->plan, plan);
}

}  // namespace
}  // namespace vicinity::compile
