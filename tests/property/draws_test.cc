// What explain says against what the hooks do: their choice, compiled natively, drawing from the
// same tables.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc99-extensions"
#include "bpf/select.h"
#pragma clang diagnostic pop
#include "property/random_world.h"

namespace vicinity::testing {
namespace {

// One choice, exactly as the connect hook makes it from a view and the alias entries.
uint32_t choose(const compile::PortTable& table, uint32_t random) {
  const vic_draw draw = vic_draw_slot(random, table.loaded);
  if (!table.weighted) return draw.slot;
  const compile::Slot& slot = table.slots[draw.slot];
  const vic_alias alias = {.threshold = slot.threshold, .other = slot.other, .weight = slot.weight};
  return vic_settle_draw(draw, &alias);
}

std::vector<uint64_t> draw(const compile::PortTable& table, uint64_t draws, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> counts(table.slots.size(), 0);
  for (uint64_t i = 0; i < draws; ++i) ++counts[choose(table, static_cast<uint32_t>(random()))];
  return counts;
}

// Each count within five standard deviations of what its share predicts.
void expect_counts(const std::vector<uint64_t>& counts, const std::vector<double>& shares,
                   uint64_t draws) {
  for (size_t i = 0; i < counts.size(); ++i) {
    const double mean = shares[i] * static_cast<double>(draws);
    const double deviation = std::sqrt(mean * (1 - shares[i]));
    EXPECT_NEAR(static_cast<double>(counts[i]), mean, 5 * deviation + 1e-9) << "slot " << i;
  }
}

World weighted_world(const std::vector<uint32_t>& capacities) {
  World world;
  DeltaRow delta;
  delta.services = {{.key = "a/x", .addresses = {"10.96.0.1"}}};
  for (const uint32_t capacity : capacities) {
    const auto number = delta.workloads.size();
    delta.workloads.push_back({.uid = fmt::format("w{}", number),
                               .addresses = {fmt::format("10.0.0.{}", number + 1)},
                               .services = {{"a/x", {}}},
                               .capacity = capacity});
  }
  world.apply(delta);
  return world;
}

TEST(Draws, AMillionMatchTheWeights) {
  const std::vector<std::vector<uint32_t>> rows = {
      {1},
      {1, 1, 1},
      {1, 3},
      {1, 2, 3, 4, 5},
      {100, 1, 1, 1, 1, 1, 1},
      {1, 1000},
      {4'000'000'000, 1'000'000'000, 3},
      std::vector<uint32_t>(200, 7),
  };
  constexpr uint64_t kDraws = 1'000'000;
  for (const auto& capacities : rows) {
    SCOPED_TRACE(fmt::format("{} endpoints, the first of capacity {}", capacities.size(),
                             capacities.front()));
    const World world = weighted_world(capacities);
    const compile::Tables tables = world.tables();
    const auto& table = tables.services.at("a/x").ports.at(0);
    double sum = 0;
    for (const uint32_t capacity : capacities) sum += capacity;
    std::vector<double> shares;
    for (const compile::Slot& slot : table.slots) shares.push_back(slot.weight / sum);
    // By the weights, which know nothing of tables ...
    const auto counts = draw(table, kDraws, capacities.size());
    for (size_t i = 0; i < counts.size(); ++i) {
      const double mean = shares[i] * static_cast<double>(kDraws);
      // 1e-5: how far a table may be off.
      const double slack = 5 * std::sqrt(mean * (1 - shares[i])) + 1e-5 * kDraws;
      EXPECT_NEAR(static_cast<double>(counts[i]), mean, slack) << "slot " << i;
    }
    // ... and by the table's own shares.
    expect_counts(counts, slot_shares(table), kDraws);
  }
}

TEST(Draws, ExplainedSharesAreWhatDrawsGive) {
  constexpr uint64_t kDraws = 100'000;
  size_t drawn = 0;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomRows rows(seed);
    World world;
    DeltaRow delta{.services = {rows.service(0)}, .workloads = {anchor()}};
    for (int i = 0; i < 12; ++i) delta.workloads.push_back(rows.workload(i));
    world.apply(delta);
    const compile::Tables tables = world.tables();
    for (const auto& [name, service] : tables.services) {
      for (const auto& table : service.ports) {
        if (table.loaded == 0) continue;
        ++drawn;
        const auto counts = draw(table, kDraws, seed);
        std::map<std::string, uint64_t> by_address;
        for (size_t i = 0; i < counts.size(); ++i) {
          const auto& slot = table.slots[i];
          by_address[model::endpoint_text(slot.address, slot.port)] += counts[i];
        }
        std::map<std::string, double> explained;
        const auto explanation = world.explanation(name, table.port, table.family);
        for (const auto& tier : explanation.tiers) {
          for (const auto& one : tier.endpoints) explained[one.address] += one.share_percent / 100;
        }
        std::vector<uint64_t> count_list;
        std::vector<double> share_list;
        for (const auto& [address, count] : by_address) {
          count_list.push_back(count);
          share_list.push_back(std::min(1.0, explained[address]));
        }
        expect_counts(count_list, share_list, kDraws);
      }
    }
  }
  EXPECT_GT(drawn, 100u);
}

TEST(Draws, EveryRandomNumberIsASlot) {
  const World world = weighted_world({1, 2, 3, 4, 5, 6, 7});
  const compile::Tables tables = world.tables();
  const auto& table = tables.services.at("a/x").ports.at(0);
  for (const uint32_t random : {0U, 1U, 0x7fffffffU, 0x80000000U, 0xfffffffeU, 0xffffffffU}) {
    EXPECT_LT(choose(table, random), table.loaded);
  }
}

}  // namespace
}  // namespace vicinity::testing
