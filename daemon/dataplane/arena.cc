#include "dataplane/arena.h"

#include <iterator>

namespace vicinity::dataplane {

Arena::Arena(Block range) : capacity_(range.count), free_(range.count) {
  if (range.count > 0) insert_gap(range);
}

void Arena::insert_gap(Block gap) {
  gaps_.emplace(gap.first, gap.count);
  by_length_.emplace(gap.count, gap.first);
}

void Arena::erase_gap(Block gap) {
  gaps_.erase(gap.first);
  by_length_.erase({gap.count, gap.first});
}

std::optional<Block> Arena::allocate(uint32_t count, End end) {
  auto fit = by_length_.lower_bound({count, 0});
  if (fit == by_length_.end()) return std::nullopt;
  const Block gap = {.first = fit->second, .count = fit->first};
  const uint32_t rest = gap.count - count;
  const uint32_t first = end == End::kFront ? gap.first : gap.first + rest;
  erase_gap(gap);
  if (rest > 0) {
    insert_gap({.first = end == End::kFront ? gap.first + count : gap.first, .count = rest});
  }
  free_ -= count;
  return Block{.first = first, .count = count};
}

bool Arena::take(Block block) {
  auto after = gaps_.upper_bound(block.first);
  if (after == gaps_.begin() || block.count == 0) return false;
  const auto found = std::prev(after);
  const Block gap = {.first = found->first, .count = found->second};
  const uint32_t before = block.first - gap.first;
  if (before + uint64_t{block.count} > gap.count) return false;
  erase_gap(gap);
  if (before > 0) insert_gap({.first = gap.first, .count = before});
  const uint32_t rest = gap.count - before - block.count;
  if (rest > 0) insert_gap({.first = block.first + block.count, .count = rest});
  free_ -= block.count;
  return true;
}

void Arena::release(Block block) {
  free_ += block.count;
  auto after = gaps_.upper_bound(block.first);
  if (after != gaps_.end() && after->first == block.first + block.count) {
    const Block next = {.first = after->first, .count = after->second};
    erase_gap(next);
    block.count += next.count;
    after = gaps_.upper_bound(block.first);
  }
  if (after != gaps_.begin()) {
    const auto found = std::prev(after);
    const Block previous = {.first = found->first, .count = found->second};
    if (previous.first + previous.count == block.first) {
      erase_gap(previous);
      block = {.first = previous.first, .count = previous.count + block.count};
    }
  }
  insert_gap(block);
}

std::optional<SlotBlocks> allocate_slots(Arena& arena, uint32_t loaded, uint32_t rest) {
  SlotBlocks blocks;
  if (loaded > 0) {
    const auto block = arena.allocate(loaded);
    if (!block) return std::nullopt;
    blocks.loaded = *block;
  }
  if (rest > 0) {
    const auto block = arena.allocate(rest, Arena::End::kBack);
    if (!block) {
      if (loaded > 0) arena.release(blocks.loaded);
      return std::nullopt;
    }
    blocks.rest = *block;
  }
  return blocks;
}

// An earlier daemon gave the blocks to this table alone.
void take_slots(Arena& arena, const SlotBlocks& blocks) {
  for (const Block& block : {blocks.loaded, blocks.rest}) {
    [[maybe_unused]] const bool taken = block.count == 0 || arena.take(block);
  }
}

void release_slots(Arena& arena, const SlotBlocks& blocks) {
  for (const Block& block : {blocks.loaded, blocks.rest}) {
    if (block.count > 0) arena.release(block);
  }
}

}  // namespace vicinity::dataplane
