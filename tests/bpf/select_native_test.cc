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
TEST(Select, TheSharesOfAllRandomNumbersAreExact) {
  for (const SelectRow& row : select_rows()) {
    const std::vector<double> exact = exact_shares(row);
    const std::vector<vic_alias> aliases = aliases_of(row);
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
    for (size_t i = 0; i < count; ++i) EXPECT_NEAR(shares[i], exact[i], 1e-5) << row.name << i;
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
