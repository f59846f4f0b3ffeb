// The block of vic_choices that a table of any algorithm but plain random is chosen by (layout:
// vicinity/choice.h), worked out from the table alone. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <vicinity/choice.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "compile/hash_hosts.h"
#include "compile/tables.h"

namespace vicinity::compile {

// What the block says and the table does not know.
struct ChoiceFacts {
  uint32_t first_slot = 0;  // where the table's slots are
  uint64_t table_id = 0;    // as table_id() gives it
  // vic_member::endpoint beside the slots: of all when watched, otherwise of the loaded ones.
  // Empty: not counted.
  std::span<const uint32_t> endpoints;
  std::span<const uint64_t> cursors;  // where the loaded tiers' turns begin; missing: 0
  uint32_t watch_group = 0;           // 0 = not watched
  uint32_t rest_slot = 0;             // where the table's slots without load are
};

// False for plain random, and for tables that nothing is chosen from.
[[nodiscard]] bool needs_choice(const PortTable& table);
// Does least request want to know the connections of each endpoint? A watched table's are known.
[[nodiscard]] bool counts_active(const PortTable& table);

// Error: a ring whose entries are too unevenly spread to be searched in bounded time.
// REQUIRES: needs_choice(table), and its algorithm passes policy::check().
[[nodiscard]] absl::StatusOr<std::vector<vic_line>> choice_block(const PortTable& table,
                                                                 const ChoiceFacts& facts);

// How many lines the block has, at most; 0 when the table needs none. Cheap beside making it.
[[nodiscard]] uint64_t choice_lines(const PortTable& table);

// Of everything in a block that nobody changes; equal to head.checksum unless it was damaged.
[[nodiscard]] uint32_t choice_checksum(std::span<const vic_line> block);
// The same for the same service, port and family in every table and every daemon.
[[nodiscard]] uint64_t table_id(std::string_view service, uint16_t port, model::Family family);

// The hosts of the loaded tier that begins at this slot, as the hash tables see them.
[[nodiscard]] std::vector<HashHost> hash_hosts(std::span<const Slot> tier);

}  // namespace vicinity::compile
