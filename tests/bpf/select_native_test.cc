// The choice itself, natively and under sanitizers.
#include <gtest/gtest.h>

#include <cmath>

#include "bpf/select_rows.h"

namespace vicinity::testing {
namespace {

constexpr uint32_t kDraws = 1'000'000;

TEST(Select, AMillionDrawsMatchTheWeights) {
  for (const SelectRow& row : select_rows()) {
    const std::vector<double> shares = exact_shares(row);
    const std::vector<vic_alias> aliases = aliases_of(row);
    ASSERT_EQ(aliases.size(), shares.size()) << row.name;
    for (const uint32_t seed : {1u, 20250822u, 4242u}) {
      std::mt19937 random(seed);
      std::vector<uint32_t> counts(shares.size());
      for (uint32_t i = 0; i < kDraws; ++i)
        ++counts.at(draw(static_cast<uint32_t>(random()), aliases));
      for (size_t i = 0; i < shares.size(); ++i) {
        const double deviation = std::sqrt(kDraws * shares[i] * (1 - shares[i]));
        EXPECT_NEAR(counts[i], kDraws * shares[i], 5 * deviation + 0.5)
            << row.name << " seed " << seed << " slot " << i;
      }
    }
  }
}

// Every 32-bit number counts, without trying them all: inside a slot the draw is kept below a
// fraction, so the share of each column is exact arithmetic over the numbers that fall into it.
std::vector<double> shares_of_all_numbers(const std::vector<vic_alias>& aliases) {
  const uint64_t count = aliases.size();
  std::vector<double> shares(count);
  const auto first_random = [&](uint64_t product) { return (product + count - 1) / count; };
  for (uint64_t slot = 0; slot < count; ++slot) {
    const uint64_t begin = first_random(slot << 32);
    const uint64_t cut = first_random((slot << 32) + (uint64_t{aliases[slot].threshold} << 16));
    const uint64_t end = first_random((slot + 1) << 32);
    shares[slot] += static_cast<double>(cut - begin) / 4294967296.0;
    shares[aliases[slot].other] += static_cast<double>(end - cut) / 4294967296.0;
  }
  return shares;
}

TEST(Select, TheSharesOfAllRandomNumbersAreExact) {
  for (const SelectRow& row : select_rows()) {
    const std::vector<double> exact = exact_shares(row);
    const std::vector<double> shares = shares_of_all_numbers(aliases_of(row));
    ASSERT_EQ(shares.size(), exact.size()) << row.name;
    for (size_t i = 0; i < exact.size(); ++i) EXPECT_NEAR(shares[i], exact[i], 1e-5) << row.name;
  }
}

// The same draw in fractions: the number is a point on a line of `count` slots, each 65536 long.
uint32_t reference_draw(uint32_t random, const std::vector<vic_alias>& aliases) {
  const auto units = static_cast<unsigned __int128>(random) * aliases.size() * 65536 / 4294967296;
  const auto slot = static_cast<uint32_t>(units / 65536);
  return units % 65536 < aliases[slot].threshold ? slot : aliases[slot].other;
}

SelectRow random_table(std::mt19937& random) {
  SelectRow row = {.name = "random", .groups = {}};
  const uint32_t tiers = 1 + random() % 3;
  for (uint32_t left = 100, tier = 0; tier < tiers; ++tier) {
    const uint32_t percent = tier + 1 == tiers ? left : random() % (left + 1);
    left -= percent;
    row.groups.push_back({.percent = percent, .weights = {}});
    const size_t size = 1 + random() % 200;
    const uint32_t widest = 1 + random() % 1000;
    for (size_t i = 0; i < size; ++i) row.groups.back().weights.push_back(random() % widest);
    row.groups.back().weights[random() % size] += 1;  // somebody takes it
  }
  return row;
}

TEST(Select, RandomTablesAreDrawnFromAsTheReferenceDoes) {
  std::mt19937 random(20260601);
  for (int table = 0; table < 500; ++table) {
    const SelectRow row = random_table(random);
    const std::vector<vic_alias> aliases = aliases_of(row);
    const std::vector<double> exact = exact_shares(row);
    const std::vector<double> shares = shares_of_all_numbers(aliases);
    for (size_t i = 0; i < exact.size(); ++i) {
      ASSERT_NEAR(shares[i], exact[i], 1e-5) << "table " << table << " slot " << i;
      if (exact[i] == 0) ASSERT_EQ(shares[i], 0) << "table " << table << " slot " << i;
    }
    for (int i = 0; i < 1000; ++i) {
      const auto number = static_cast<uint32_t>(random());
      ASSERT_EQ(draw(number, aliases), reference_draw(number, aliases)) << number;
    }
  }
}

TEST(Select, TheEdgesOfTheRandomNumberStayInTheTable) {
  for (const uint32_t count : {1u, 2u, 3u, 50u, 65535u}) {
    for (const uint32_t random : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
      EXPECT_LT(vic_draw_slot(random, count).slot, count);
      EXPECT_LT(vic_draw_slot(random, count).fraction, 65536u);
    }
  }
  EXPECT_EQ(vic_draw_slot(0xffffffffu, 65535).slot, 65534u);
}

}  // namespace
}  // namespace vicinity::testing
