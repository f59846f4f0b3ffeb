// Every algorithm over the blocks that the daemon makes, natively and under sanitizers.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "bpf/algorithm_rows.h"
#include "bpf/source_hash.h"
#include "compile/choices.h"
#include "compile/compile.h"
#include "compile/maglev.h"
#include "compile/ring.h"

namespace vicinity::testing {
namespace {

using compile::PortTable;
using policy::Algorithm;

vic_choice asked(uint64_t hash) {
  vic_choice ask = {.block = kBlock, .family = VIC_FAMILY_IPV4, .hash = hash};
  EXPECT_EQ(vic_answer(&ask), 0);
  EXPECT_GE(ask.slot, kFirstSlot);
  ask.slot -= kFirstSlot;
  return ask;
}

std::vector<double> shares_of(size_t slots, uint32_t draws) {
  std::vector<double> shares(slots, 0);
  for (uint32_t i = 0; i < draws; ++i)
    shares.at(asked(choice_memory().random()).slot) += 1.0 / draws;
  return shares;
}

void expect_shares(const std::vector<double>& shares, const std::vector<double>& expected,
                   uint32_t draws) {
  ASSERT_EQ(shares.size(), expected.size());
  for (size_t i = 0; i < shares.size(); ++i) {
    const double deviation = std::sqrt(expected[i] * (1 - expected[i]) / draws);
    EXPECT_NEAR(shares[i], expected[i], 5 * deviation + 2e-4) << "slot " << i;
  }
}

constexpr uint32_t kDraws = 400'000;

TEST(RoundRobin, IsEvenAfterEveryRound) {
  place(table_of({.kind = Algorithm::kRoundRobin}, {{.shares = {1, 1, 1, 1, 1, 1, 1}}}));
  for (uint32_t i = 0; i < 70; ++i) ASSERT_EQ(asked(i).slot, i % 7);
}

TEST(RoundRobin, FollowsUnequalSharesExactly) {
  for (const size_t count : {3u, 300u}) {
    std::vector<uint64_t> shares(count, 2);
    shares[1] = 6;
    place(table_of({.kind = Algorithm::kRoundRobin}, {{.shares = shares}}));
    std::vector<uint32_t> turns(count, 0);
    for (size_t i = 0; i < 10 * (count + 2); ++i) ++turns.at(asked(i).slot);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(turns[i], i == 1 ? 30u : 10u) << count;
  }
}

TEST(RoundRobin, EachTierHasTurnsOfItsOwn) {
  place(table_of({.kind = Algorithm::kRoundRobin}, {{.load_percent = 70, .shares = {1, 1}},
                                                    {.load_percent = 25, .shares = {1, 1, 1}},
                                                    {.load_percent = 5, .shares = {1}},
                                                    {.load_percent = 0, .shares = {1, 1}}}));
  std::vector<uint32_t> counts(6, 0);
  for (uint64_t hash = 0; hash < 6000; ++hash) ++counts.at(asked(hash).slot);
  EXPECT_EQ(counts, (std::vector<uint32_t>{2100, 2100, 500, 500, 500, 300}));
}

TEST(Maglev, AHashGoesWhereEnvoysTableSays) {
  for (const size_t count : {1u, 2u, 40u, 256u, 257u, 1000u}) {
    std::vector<uint64_t> shares(count, 3);
    shares[0] = 5;
    const PortTable table =
        table_of({.kind = Algorithm::kMaglev, .maglev_size = 4099}, {{.shares = shares}});
    place(table);
    const auto expected = compile::maglev_table(compile::hash_hosts(std::span(table.slots)), 4099);
    for (int i = 0; i < 20000; ++i) {
      const uint64_t hash = (uint64_t{choice_memory().random()} << 32) + choice_memory().random();
      ASSERT_EQ(asked(hash).slot, expected[hash % 4099]) << count;
    }
  }
}

TEST(RingHash, AHashGoesToTheNextEntryOfTheRing) {
  for (const size_t count : {1u, 2u, 40u, 300u}) {
    std::vector<uint64_t> shares(count, 1);
    shares[0] = 2;
    const PortTable table = table_of(
        {.kind = Algorithm::kRingHash, .ring_min = 700, .ring_max = 5000}, {{.shares = shares}});
    place(table);
    const auto ring =
        compile::hash_ring(compile::hash_hosts(std::span(table.slots)), {.min = 700, .max = 5000});
    std::vector<uint64_t> hashes = {0, 1, UINT64_MAX, UINT64_MAX - 1};
    for (const auto& entry : ring)
      hashes.insert(hashes.end(), {entry.hash - 1, entry.hash, entry.hash + 1});
    for (int i = 0; i < 5000; ++i)
      hashes.push_back((uint64_t{choice_memory().random()} << 32) + choice_memory().random());
    for (const uint64_t hash : hashes) {
      uint16_t expected = ring.front().host;
      for (const auto& entry : ring) {
        if (entry.hash < hash) continue;
        expected = entry.host;
        break;
      }
      ASSERT_EQ(asked(hash).slot, expected) << count << " " << hash;
    }
  }
}

// The same hash picks tier and host, against cumulative loads.
TEST(Hashes, PickTheTierByItsLoadFirst) {
  const PortTable table = table_of({.kind = Algorithm::kMaglev, .maglev_size = 101},
                                   {{.load_percent = 60, .shares = {1, 1, 1}},
                                    {.load_percent = 0, .shares = {1}},
                                    {.load_percent = 39, .shares = {1, 2}},
                                    {.load_percent = 1, .shares = {1}}});
  place(table);
  const std::span slots(table.slots);
  const auto near = compile::maglev_table(compile::hash_hosts(slots.subspan(0, 3)), 101);
  const auto far = compile::maglev_table(compile::hash_hosts(slots.subspan(3, 2)), 101);
  for (uint64_t hash = 0; hash < 20000; ++hash) {
    const uint64_t percentage = hash % 100 + 1;
    const uint32_t expected = percentage <= 60   ? near[hash % 101]
                              : percentage <= 99 ? 3u + far[hash % 101]
                                                 : 5u;
    ASSERT_EQ(asked(hash).slot, expected) << hash;
  }
}

TEST(LeastRequest, TwoChoicesTakeTheIdlerOne) {
  place(table_of({.kind = Algorithm::kLeastRequest}, {{.shares = {1, 1, 1, 1}}}));
  choice_memory().active = {0, 9, 5, 1, 7};
  // Slot i is taken unless a draw hits an idler one: ((5 - rank)^2 - (4 - rank)^2) / 16.
  expect_shares(shares_of(4, kDraws), {1 / 16.0, 5 / 16.0, 7 / 16.0, 3 / 16.0}, kDraws);
}

TEST(LeastRequest, MoreChoicesFindTheIdlestMoreOften) {
  place(
      table_of({.kind = Algorithm::kLeastRequest, .choice_count = 5}, {{.shares = {1, 1, 1, 1}}}));
  choice_memory().active = {0, 1, 1, 0, 1};
  const double missed = std::pow(0.75, 5);
  expect_shares(shares_of(4, kDraws), {missed / 3, missed / 3, 1 - missed, missed / 3}, kDraws);
}

TEST(LeastRequest, AllAlikeIsEven) {
  place(table_of({.kind = Algorithm::kLeastRequest}, {{.shares = {1, 1, 1, 1, 1}}}));
  expect_shares(shares_of(5, kDraws), std::vector<double>(5, 0.2), kDraws);
}

TEST(LeastRequest, UnequalWeightsAreDividedByWhatIsActive) {
  struct Row {
    uint32_t bias_permille;
    std::vector<uint32_t> active;
  };
  const std::vector<Row> rows = {{1000, {0, 0, 0}}, {1000, {4, 0, 9}}, {0, {4, 0, 9}},
                                 {500, {3, 8, 0}},  {2000, {1, 2, 3}}, {1500, {100, 2, 70}}};
  const std::vector<uint64_t> weights = {1, 2, 5};
  for (const Row& row : rows) {
    place(table_of({.kind = Algorithm::kLeastRequest, .bias_permille = row.bias_permille},
                   {{.shares = weights}}));
    double sum = 0;
    std::vector<double> expected;
    for (size_t i = 0; i < weights.size(); ++i) {
      choice_memory().active[i + 1] = row.active[i];
      expected.push_back(static_cast<double>(weights[i]) /
                         std::pow(row.active[i] + 1.0, row.bias_permille / 1000.0));
      sum += expected.back();
    }
    for (double& share : expected) share /= sum;
    expect_shares(shares_of(weights.size(), kDraws), expected, kDraws);
  }
}

// More endpoints than are weighed at once: idle ones keep their weights' shares, and a busy one
// loses most of its own.
TEST(LeastRequest, ManyUnequalEndpointsAreSampledByWeight) {
  std::vector<uint64_t> weights(100, 1);
  for (size_t i = 0; i < 50; ++i) weights[i] = 3;
  place(table_of({.kind = Algorithm::kLeastRequest}, {{.load_percent = 40, .shares = {1, 2}},
                                                      {.load_percent = 60, .shares = weights}}));
  std::vector<double> expected = {0.4 / 3, 0.8 / 3};
  for (const uint64_t weight : weights) expected.push_back(0.6 * static_cast<double>(weight) / 200);
  expect_shares(shares_of(102, kDraws), expected, kDraws);
  choice_memory().active[3] = 99;
  const auto shares = shares_of(102, kDraws);
  EXPECT_LT(shares[2], expected[2] / 50);
}

TEST(LeastRequest, TheAnswerNamesTheEndpointToCount) {
  place(table_of({.kind = Algorithm::kLeastRequest}, {{.shares = {1, 1, 1}}}));
  for (int i = 0; i < 100; ++i) {
    const vic_choice ask = asked(0);
    ASSERT_EQ(ask.endpoint, ask.slot + 1);
  }
  place(table_of({.kind = Algorithm::kRoundRobin}, {{.shares = {1, 1, 1}}}));
  EXPECT_EQ(asked(0).endpoint, 0u);
}

TEST(EffectiveWeight, IsWithinAThousandthOfTheFormula) {
  for (const uint32_t weight : {1u, 2u, 7u, 100u, 65535u, 4000000000u}) {
    for (const uint32_t active : {0u, 1u, 2u, 3u, 10u, 999u, 65535u, 1000000u}) {
      for (const uint32_t bias : {0u, 1u, 250u, 500u, 999u, 1000u, 1001u, 1500u, 2000u, 3333u}) {
        const double exact = weight / std::pow(active + 1.0, bias / 1000.0) * 65536;
        const double found = static_cast<double>(vic_effective_weight(weight, active, bias));
        ASSERT_NEAR(found, std::max(exact, 1.0), exact * 1e-3 + 1.0)
            << weight << " " << active << " " << bias;
      }
    }
  }
}

std::string text_of(const model::IpAddress& address) {
  union vic_text text = {};
  const uint32_t length = address.family == model::Family::kIpv4
                              ? vic_text_ipv4(&text, address.bytes.data())
                              : vic_text_ipv6(&text, address.bytes.data());
  return {text.chars, length};
}

uint64_t hash_of(const model::IpAddress& address) {
  return address.family == model::Family::kIpv4 ? vic_hash_ipv4(address.bytes.data())
                                                : vic_hash_ipv6(address.bytes.data());
}

void expect_text(const model::IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> expected = {};
  const int family = address.family == model::Family::kIpv4 ? AF_INET : AF_INET6;
  ASSERT_NE(inet_ntop(family, address.bytes.data(), expected.data(), expected.size()), nullptr);
  ASSERT_EQ(text_of(address), expected.data());
  const std::string text(expected.data());
  ASSERT_EQ(hash_of(address), XXH64(text.data(), text.size(), 0)) << text;
}

TEST(SourceHash, IsThatOfTheAddressAsText) {
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    model::IpAddress address;
    address.family = i % 2 == 0 ? model::Family::kIpv4 : model::Family::kIpv6;
    const size_t length = i % 2 == 0 ? 4 : 16;
    for (size_t at = 0; at < length; ++at) {
      // Zeros, small and large bytes, in runs.
      const uint32_t kind = static_cast<uint32_t>(random() % 4);
      address.bytes[at] = static_cast<uint8_t>(kind == 0   ? 0
                                               : kind == 1 ? random() % 16
                                                           : random());
    }
    if (i % 2 == 1) {
      const size_t zeros = random() % 9;
      const size_t from = random() % (9 - zeros);
      std::fill_n(address.bytes.begin() + static_cast<std::ptrdiff_t>(2 * from), 2 * zeros,
                  uint8_t{0});
      // The two forms that end in an IPv4 address are not a pod's.
      if (address.bytes[0] == 0 && address.bytes[1] == 0) address.bytes[1] = 1;
    }
    expect_text(address);
  }
  for (const char* text :
       {"0.0.0.0", "255.255.255.255", "10.244.1.5", "::", "fd00::", "1::1", "fd00:10:244:1::5",
        "1:2:3:4:5:6:7:8", "1234:5678:9abc:def0:1234:5678:9abc:def0", "1:0:0:2:0:0:0:3"}) {
    expect_text(model::IpAddress::parse(text).value());
  }
}

}  // namespace
}  // namespace vicinity::testing
