// Blocks of consecutive indices out of a range, best fit, neighbours joined when they come back.
// Pure bookkeeping, no memory of its own. Control thread.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace vicinity::dataplane {

struct Block {
  uint32_t first = 0;
  uint32_t count = 0;
  bool operator==(const Block&) const = default;
};

class Arena {
 public:
  Arena() = default;
  // Everything in [range.first, range.first + range.count) is free.
  explicit Arena(Block range);

  // From which end of a gap a block is cut: what is hot and what is not keep apart.
  enum class End : uint8_t { kFront, kBack };

  // REQUIRES: count > 0. nullopt: no gap is that large.
  [[nodiscard]] std::optional<Block> allocate(uint32_t count, End end = End::kFront);
  // Takes a block that is in use already. False: it is not wholly free or not in the range.
  [[nodiscard]] bool take(Block block);
  // REQUIRES: allocated or taken.
  void release(Block block);

  [[nodiscard]] uint64_t used() const { return capacity_ - free_; }
  [[nodiscard]] uint64_t capacity() const { return capacity_; }

 private:
  void insert_gap(Block gap);
  void erase_gap(Block gap);

  absl::btree_map<uint32_t, uint32_t> gaps_;                  // first -> count
  absl::btree_set<std::pair<uint32_t, uint32_t>> by_length_;  // count, first
  uint64_t capacity_ = 0;
  uint64_t free_ = 0;
};

// The slots of a table, in its order: those with load, which hooks read, and those without, kept
// apart from them. Either may be empty.
struct SlotBlocks {
  Block loaded;
  Block rest;
};

// nullopt: no room, and nothing was taken.
[[nodiscard]] std::optional<SlotBlocks> allocate_slots(Arena& arena, uint32_t loaded,
                                                       uint32_t rest);
// REQUIRES: wholly free, as the slots of an adopted table are.
void take_slots(Arena& arena, const SlotBlocks& blocks);
void release_slots(Arena& arena, const SlotBlocks& blocks);

}  // namespace vicinity::dataplane
