// Shares become integers, integers become an alias table, and the table gives them back.
#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <vector>

#include "compile/alias.h"

namespace vicinity::compile {
namespace {

using Units = std::vector<uint64_t>;

// What a table yields, in units: the inverse of alias_table.
Units yields(const std::vector<Column>& columns) {
  Units units(columns.size(), 0);
  for (size_t i = 0; i < columns.size(); ++i) {
    const bool always = columns[i].other == i;
    const uint32_t kept = always ? kColumnUnits : columns[i].threshold;
    units[i] += kept;
    units[columns[i].other] += kColumnUnits - kept;
  }
  return units;
}

struct UnitRow {
  const char* what;
  std::vector<ShareGroup> groups;
  Units units;
};

TEST(ShareUnits, Rows) {
  constexpr uint64_t kAll = kColumnUnits;
  const std::vector<UnitRow> rows = {
      {"one", {{100, {7}}}, {kAll}},
      {"equal", {{100, {5, 5, 5}}}, {kAll, kAll, kAll}},
      {"1:3", {{100, {1, 3}}}, {kAll / 2, kAll + kAll / 2}},
      {"thirds of two columns lose nothing", {{100, {1, 2}}}, {43691, 87381}},
      {"two tiers", {{70, {1, 1}}, {30, {1}}}, {68813, 68813, 58982}},
      {"so little that it is none", {{100, {1, 4'000'000'000}}}, {0, 2 * kAll}},
      {"64-bit weights", {{100, {UINT64_MAX, UINT64_MAX}}}, {kAll, kAll}},
  };
  for (const UnitRow& row : rows) EXPECT_EQ(share_units(row.groups), row.units) << row.what;
}

TEST(AliasTable, EqualColumnsNameThemselves) {
  const auto columns = alias_table(Units(5, kColumnUnits));
  for (size_t i = 0; i < columns.size(); ++i) EXPECT_EQ(columns[i].other, i);
}

// Sizes and weights at random: the table gives every slot exactly its units, and they are within
// 1e-5 of the share asked for.
TEST(AliasTable, RandomTablesAreExact) {
  std::mt19937_64 random(20241122);
  for (int round = 0; round < 400; ++round) {
    const size_t size = 1 + random() % (round % 40 == 0 ? 5000 : 60);
    ShareGroup group{.percent = 100, .weights = Units(size)};
    const uint64_t largest = 1 + random() % (round % 3 == 0 ? 4'000'000'000ULL : 100);
    for (uint64_t& weight : group.weights) weight = 1 + random() % largest;
    const double sum = std::accumulate(
        group.weights.begin(), group.weights.end(), 0.0,
        [](double total, uint64_t one) { return total + static_cast<double>(one); });
    const Units units = share_units({{group}});
    ASSERT_EQ(yields(alias_table(units)), units) << "round " << round;
    const double total = static_cast<double>(size) * kColumnUnits;
    ASSERT_EQ(std::accumulate(units.begin(), units.end(), uint64_t{0}), size * kColumnUnits);
    for (size_t i = 0; i < size; ++i) {
      const double wanted = static_cast<double>(group.weights[i]) / sum;
      ASSERT_NEAR(static_cast<double>(units[i]) / total, wanted, 1e-5) << "round " << round;
    }
  }
}

TEST(AliasTable, LargestTable) {
  ShareGroup group{.percent = 100, .weights = {}};
  for (uint64_t i = 0; i < 65535; ++i) group.weights.push_back(1 + i % 100);
  const Units units = share_units({{group}});
  EXPECT_EQ(yields(alias_table(units)), units);
}

}  // namespace
}  // namespace vicinity::compile
