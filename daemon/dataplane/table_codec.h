// A PortTable as bytes in the maps and back: exact inverses. Stateless; memory is passed in.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/arena.h"
#include "dataplane/memory.h"

namespace vicinity::dataplane {

// Where a table is, and what its choices are counted as.
struct TableSpot {
  uint32_t record = 0;
  SlotBlocks slots;
  Block choices;  // of vic_choices; none: count 0
  uint16_t counter_row = 0;
};

[[nodiscard]] SlotBlocks blocks_of(const vic_service& record);
[[nodiscard]] compile::Slot load_slot(const Memory& memory, model::Family family, uint32_t index);

// Writes the slots, and their alias entries if the table has some. REQUIRES: no hook reads them.
void store_slots(const Memory& memory, const compile::PortTable& table, const TableSpot& spot);
// Changes the row in place, while hooks read the slots.
void store_counter_row(const Memory& memory, model::Family family, const SlotBlocks& blocks,
                       uint16_t row);

// Fills a zeroed record but for its name; in use when its flags are published.
void store_record(vic_service& record, const compile::PortTable& table, const TableSpot& spot);
[[nodiscard]] uint32_t record_flags(const compile::PortTable& table);

[[nodiscard]] vic_view view_of(const compile::PortTable& table, const TableSpot& spot);
// From a record, as at adoption.
[[nodiscard]] vic_view view_of(const vic_service& record, uint32_t index);
[[nodiscard]] vic_view unknown_port_view(uint32_t head);

// A table but for its slots, and those.
[[nodiscard]] compile::PortTable load_heading(const vic_service& record);
void load_slots(const Memory& memory, const vic_service& record, compile::PortTable& table);
[[nodiscard]] compile::PortTable load_table(const Memory& memory, const vic_service& record);
// load_table(memory, record) == table, without making one.
[[nodiscard]] bool holds(const Memory& memory, const vic_service& record,
                         const compile::PortTable& table);
// The record's numbers point into the maps.
[[nodiscard]] bool is_plausible(const Memory& memory, const vic_service& record);

}  // namespace vicinity::dataplane
