// Maglev tables, hash rings and rotations against plodding restatements of their rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "compile/hash_hosts.h"
#include "compile/maglev.h"
#include "compile/ring.h"
#include "compile/rotation.h"

namespace vicinity::compile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<HashHost> hosts(const std::vector<uint32_t>& weights) {
  std::vector<HashHost> result;
  for (size_t i = 0; i < weights.size(); ++i) {
    result.push_back({.key = fmt::format("10.0.{}.{}:80", i / 250, i % 250), .weight = weights[i]});
  }
  return result;
}

std::vector<HashHost> local_hosts(uint32_t count) {
  std::vector<HashHost> result;
  for (uint32_t i = 0; i < count; ++i)
    result.push_back({.key = fmt::format("127.0.0.1:{}", 90 + i)});
  return result;
}

template <class Index>
std::vector<uint32_t> counts(const std::vector<Index>& indices, size_t kinds) {
  std::vector<uint32_t> result(kinds, 0);
  for (const auto index : indices) ++result.at(index);
  return result;
}

// The rule in the words of the Maglev paper: each host prefers the places of its permutation in
// order, and in each round takes the first of them that nobody has.
std::vector<int> paper(const std::vector<HashHost>& hosts, uint64_t size) {
  std::vector<std::vector<uint64_t>> permutations;
  std::vector<size_t> order(hosts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t host) { return hosts[host].key; });
  for (const size_t host : order) {
    const std::string& key = hosts[host].key;
    const uint64_t offset = XXH64(key.data(), key.size(), 0) % size;
    const uint64_t skip = XXH64(key.data(), key.size(), 1) % (size - 1) + 1;
    auto& permutation = permutations.emplace_back();
    for (uint64_t i = 0; i < size; ++i) permutation.push_back((offset + i * skip) % size);
  }
  std::vector<int> table(size, -1);
  for (uint64_t filled = 0; filled < size;) {
    for (size_t i = 0; i < order.size() && filled < size; ++i, ++filled) {
      const auto free =
          std::ranges::find(permutations[i], -1, [&](uint64_t at) { return table[at]; });
      table[*free] = static_cast<int>(order[i]);
    }
  }
  return table;
}

TEST(Maglev, EqualHostsFillTheTableAsThePaperSays) {
  for (const uint32_t count : {1u, 2u, 5u, 6u, 16u}) {
    for (const uint32_t size : {2u, 3u, 7u, 17u, 251u}) {
      const auto table = maglev_table(local_hosts(count), size);
      EXPECT_EQ(std::vector<int>(table.begin(), table.end()), paper(local_hosts(count), size))
          << count << " hosts in " << size;
    }
  }
}

// Tables of Envoy's own unit tests for hosts 127.0.0.1:90 and on.
TEST(Maglev, HostsOfUnequalWeightTakeTurnsByIt) {
  std::vector<HashHost> two = local_hosts(2);
  two[1].weight = 2;
  EXPECT_THAT(maglev_table(two, 17),
              ElementsAre(1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1));
  two[0].weight = 1;
  two[1].weight = 127;
  EXPECT_EQ(counts(maglev_table(two, 65537), 2)[0], 65537 / 128 + 1);
}

TEST(Maglev, TheOrderInWhichHostsComeDoesNotMatter) {
  std::vector<HashHost> some = hosts({3, 1, 4, 1, 5});
  const auto table = maglev_table(some, 997);
  std::ranges::reverse(some);
  const auto reversed = maglev_table(some, 997);
  for (size_t i = 0; i < table.size(); ++i) ASSERT_EQ(table[i], 4 - reversed[i]) << i;
}

TEST(Maglev, AHostThatGoesMovesLittleElse) {
  std::vector<HashHost> some = local_hosts(10);
  const auto before = maglev_table(some, 65537);
  some.pop_back();
  const auto after = maglev_table(some, 65537);
  uint32_t moved = 0;
  for (size_t i = 0; i < before.size(); ++i) moved += before[i] != 9 && before[i] != after[i];
  EXPECT_LT(moved, 65537u / 50);
}

TEST(Maglev, TheLargestTableFills) {
  const auto table = maglev_table(hosts({1, 1, 1}), 5000011);
  EXPECT_THAT(counts(table, 3), ElementsAre(1666671, 1666670, 1666670));
}

TEST(Ring, EntriesFollowWeightsAndSizes) {
  struct Row {
    std::vector<uint32_t> weights;
    RingSizes sizes;
    std::vector<uint32_t> entries;
  };
  const std::vector<Row> rows = {
      {{1, 1, 1}, {.min = 1024, .max = 8388608}, {342, 342, 342}},
      {{1, 1, 1, 1}, {.min = 1, .max = 6}, {1, 1, 1, 1}},
      {{1, 1, 1, 1}, {.min = 1024, .max = 6}, {2, 1, 2, 1}},
      {{1}, {.min = 1, .max = 1}, {1}},
      {{1, 2}, {.min = 3, .max = 3}, {1, 2}},
      {{1, 2}, {.min = 6, .max = 1024}, {2, 4}},
      {{1, 3}, {.min = 2, .max = 1024}, {1, 3}},
      {{5, 5, 10}, {.min = 1024, .max = 1024}, {256, 256, 512}},
  };
  for (const Row& row : rows) EXPECT_EQ(ring_entries(hosts(row.weights), row.sizes), row.entries);
}

TEST(Ring, IsEveryEntryInOrder) {
  const std::vector<HashHost> three = hosts({1, 2, 3});
  const auto ring = hash_ring(three, {.min = 60, .max = 100});
  std::map<uint64_t, uint16_t> expected;
  for (uint16_t host = 0; host < 3; ++host) {
    for (int i = 0; i < 10 * (host + 1); ++i) {
      const std::string key = fmt::format("{}_{}", three[host].key, i);
      expected.emplace(XXH64(key.data(), key.size(), 0), host);
    }
  }
  std::map<uint64_t, uint16_t> found;
  for (const RingEntry& entry : ring) found.emplace(entry.hash, entry.host);
  EXPECT_EQ(found, expected);
  EXPECT_TRUE(std::ranges::is_sorted(ring));
}

TEST(Ring, OfTwoHostsWithOneKeyTheFirstIsReached) {
  const std::vector<HashHost> twins = {{.key = "10.0.0.1:80"}, {.key = "10.0.0.1:80"}};
  const auto ring = hash_ring(twins, {.min = 16, .max = 16});
  EXPECT_EQ(ring.size(), 8u);
  for (const RingEntry& entry : ring) EXPECT_EQ(entry.host, 0);
}

TEST(Rotation, EqualWeightsNeedNone) {
  EXPECT_THAT(rotation(std::vector<uint32_t>{7, 7, 7}), IsEmpty());
  EXPECT_THAT(rotation(std::vector<uint32_t>{7}), IsEmpty());
}

TEST(Rotation, IsTheOrderOfTheEarliestDeadline) {
  EXPECT_THAT(rotation(std::vector<uint32_t>{2, 1}), ElementsAre(0, 0, 1));
  EXPECT_THAT(rotation(std::vector<uint32_t>{1, 2, 4}), ElementsAre(2, 1, 2, 2, 0, 1, 2));
}

// Whatever the weights: every host has its turns, and at no point of the rotation is it more than
// one turn away from its share.
TEST(Rotation, EveryHostHasItsShareAtAnyTime) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    std::vector<uint32_t> weights(2 + random() % 20);
    for (uint32_t& weight : weights) weight = 1 + static_cast<uint32_t>(random() % 30);
    weights[0] = 31;
    const auto order = rotation(weights);
    ASSERT_EQ(counts(order, weights.size()), weights);
    std::vector<uint32_t> turns(weights.size(), 0);
    for (size_t i = 0; i < order.size(); ++i) {
      ++turns[order[i]];
      const double share =
          weights[order[i]] * static_cast<double>(i + 1) / static_cast<double>(order.size());
      ASSERT_LT(std::abs(turns[order[i]] - share), 3.0);
    }
  }
}

TEST(Rotation, ALongPeriodIsShortenedAndForgetsNobody) {
  const std::vector<uint32_t> weights = {4000000000u, 2000000000u, 1};
  const auto turns = counts(rotation(weights), weights.size());
  EXPECT_NEAR(turns[0], kLongestRotation * 2 / 3, 1);
  EXPECT_NEAR(turns[1], kLongestRotation / 3, 1);
  EXPECT_EQ(turns[2], 1u);
}

TEST(ReducedWeights, KeepTheirRatioAndFitIn32Bits) {
  EXPECT_THAT(reduced_weights(std::vector<uint64_t>{100, 200, 300}), ElementsAre(1, 2, 3));
  EXPECT_THAT(reduced_weights(std::vector<uint64_t>{9}), ElementsAre(1));
  EXPECT_THAT(reduced_weights(std::vector<uint64_t>{uint64_t{1} << 40, (uint64_t{1} << 39) + 1}),
              ElementsAre(1u << 31, 1u << 30));
  EXPECT_THAT(reduced_weights(std::vector<uint64_t>{uint64_t{1} << 60, 3}),
              ElementsAre(1u << 31, 1));
}

}  // namespace
}  // namespace vicinity::compile
