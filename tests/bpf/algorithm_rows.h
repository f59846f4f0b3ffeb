// Tables of any algorithm, and their blocks in the memory that the native build chooses by. Include
// once, as algorithms_memory.h.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "bpf/algorithms_memory.h"
#include "compile/choices.h"
#include "contract/plan_table.h"

namespace vicinity::testing {

inline constexpr uint32_t kBlock = 3;
inline constexpr uint32_t kFirstSlot = 100;

struct TierRow {
  uint32_t load_percent = 100;
  std::vector<uint64_t> shares;
};

inline compile::PortTable table_of(const policy::AlgorithmSpec& spec,
                                   const std::vector<TierRow>& tiers) {
  std::vector<PlannedTier> planned;
  uint32_t number = 0;
  for (const TierRow& row : tiers) {
    auto& tier =
        planned.emplace_back(PlannedTier{.load_percent = row.load_percent, .endpoints = {}});
    for (const uint64_t share : row.shares) {
      tier.endpoints.push_back(
          {.address = fmt::format("10.0.{}.{}", number / 250, number % 250 + 1),
           .port = 80,
           .share = share});
      ++number;
    }
  }
  return planned_table(spec, planned);
}

// Endpoint i of the table has the active count i + 1.
inline void place(const compile::PortTable& table) {
  std::vector<uint32_t> endpoints;
  for (uint32_t i = 0; i < table.loaded; ++i) endpoints.push_back(i + 1);
  const auto block = compile::choice_block(
      table, {.first_slot = kFirstSlot, .table_id = 7, .endpoints = endpoints});
  ASSERT_TRUE(block.ok()) << block.status();
  ChoiceMemory& memory = choice_memory();
  memory.lines.assign(kBlock, {});
  memory.lines.insert(memory.lines.end(), block->begin(), block->end());
  memory.active.assign(table.loaded + size_t{1}, 0);
  memory.aliases.assign(kFirstSlot, {});
  for (const compile::Slot& slot : table.slots) {
    memory.aliases.push_back(
        {.threshold = slot.threshold, .other = slot.other, .weight = slot.weight});
  }
  memory.random.seed(20251124);
}

}  // namespace vicinity::testing
