#include "dataplane/table_codec.h"

#include <vicinity/layout.h>

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>

#include "dataplane/choice_view.h"

namespace vicinity::dataplane {
namespace {

using compile::PortTable;
using compile::Slot;
using model::Family;

template <class AbiSlot>
void store_slot(AbiSlot& to, const Slot& slot, uint16_t row) {
  std::memcpy(&to.address_be, slot.address.bytes.data(), sizeof(to.address_be));
  to.port_be = htons(slot.port);
  to.counter = static_cast<uint16_t>(row << 4 | slot.tier);
}

template <class AbiSlot>
Slot slot_from(const AbiSlot& from, Family family) {
  Slot slot;
  slot.address.family = family;
  std::memcpy(slot.address.bytes.data(), &from.address_be, sizeof(from.address_be));
  slot.port = ntohs(from.port_be);
  slot.tier = from.counter & 15;
  return slot;
}

template <class AbiSlot>
void set_row(std::span<AbiSlot> slots, uint16_t row) {
  for (AbiSlot& slot : slots) {
    publish(slot.counter, static_cast<uint16_t>(row << 4 | (slot.counter & 15)));
  }
}

uint16_t view_flags(const PortTable& table) {
  uint32_t flags = VIC_VIEW_VALID;
  if (table.weighted) flags |= VIC_VIEW_WEIGHTED;
  if (table.on_empty == policy::OnEmpty::kPass) flags |= VIC_VIEW_PASS_EMPTY;
  if (table.mode == policy::Mode::kPassthrough) flags |= VIC_VIEW_PASSTHROUGH;
  const policy::AlgorithmSpec& spec = table.algorithm;
  const bool by_block =
      spec.kind == policy::Algorithm::kRandom && (spec.affinity_timeout_s > 0 || table.watch);
  flags |= (by_block ? uint32_t{VIC_ALGORITHM_BLOCK_RANDOM} : static_cast<uint32_t>(spec.kind))
           << VIC_VIEW_ALGORITHM_SHIFT;
  return static_cast<uint16_t>(flags);
}

// What a view leads to.
struct Places {
  uint32_t slots = 0;
  uint32_t choices = 0;
  uint32_t record = 0;
};

uint32_t first_of(uint32_t count, uint32_t flags, const Places& places) {
  if (count == 0 || (flags & VIC_VIEW_PASSTHROUGH) != 0) return places.record;
  return (flags & VIC_VIEW_ALGORITHM_MASK) != 0 ? places.choices : places.slots;
}

vic_parameters parameters_of(const PortTable& table) {
  const policy::AlgorithmSpec& spec = table.algorithm;
  const compile::Watch watch = table.watch.value_or(compile::Watch{});
  return {.maglev_size = spec.maglev_size,
          .ring_min = spec.ring_min,
          .ring_max = spec.ring_max,
          .affinity_s = spec.affinity_timeout_s,
          .bias_permille = static_cast<uint16_t>(spec.bias_permille),
          .choice_count = static_cast<uint8_t>(spec.choice_count),
          .hash_input = static_cast<uint8_t>(spec.hash_input),
          .refused_in_row = watch.refused_in_row,
          .timeouts_in_row = watch.timeouts_in_row,
          .suspicion_ms = watch.suspicion_ms,
          .most_suspects = watch.most_suspects};
}

std::optional<compile::Watch> watch_of(const vic_service& record) {
  if ((record.flags & VIC_SERVICE_WATCHED) == 0) return std::nullopt;
  const vic_parameters& parameters = record.parameters;
  return compile::Watch{.refused_in_row = parameters.refused_in_row,
                        .timeouts_in_row = parameters.timeouts_in_row,
                        .suspicion_ms = parameters.suspicion_ms,
                        .most_suspects = parameters.most_suspects};
}

policy::AlgorithmSpec spec_of(const vic_service& record) {
  const vic_parameters& parameters = record.parameters;
  return {.kind = static_cast<policy::Algorithm>(record.algorithm),
          .choice_count = parameters.choice_count,
          .bias_permille = parameters.bias_permille,
          .maglev_size = parameters.maglev_size,
          .ring_min = parameters.ring_min,
          .ring_max = parameters.ring_max,
          .hash_input = static_cast<policy::HashInput>(parameters.hash_input),
          .affinity_timeout_s = parameters.affinity_s};
}

std::span<const vic_line> block_of(const Memory& memory, const vic_service& record) {
  return memory.choices.subspan(record.choices, record.choice_lines);
}

uint32_t share_of(const Memory& memory, const vic_service& record, uint32_t position) {
  if (record.choice_lines == 0 || position >= record.loaded) return 0;
  return choice_members(block_of(memory, record))[position].weight;
}

// Of a view: a passthrough table has no use for the number of its slots.
uint16_t view_count(uint16_t loaded, uint16_t pass, uint32_t flags) {
  return (flags & VIC_VIEW_PASSTHROUGH) != 0 ? pass : loaded;
}

// Where the slot at this position of the table is.
uint32_t slot_index(const SlotBlocks& blocks, uint32_t position) {
  const uint32_t loaded = blocks.loaded.count;
  return position < loaded ? blocks.loaded.first + position : blocks.rest.first + position - loaded;
}

Slot slot_at(const Memory& memory, const vic_service& record, uint32_t position) {
  const uint32_t index = slot_index(blocks_of(record), position);
  Slot slot = load_slot(memory, static_cast<Family>(record.family), index);
  slot.share = share_of(memory, record, position);
  if ((record.flags & VIC_SERVICE_ALIASES) == 0) return slot;
  const vic_alias& alias = memory.aliases[record.family][index];
  slot.threshold = alias.threshold;
  slot.other = alias.other;
  slot.weight = alias.weight;
  return slot;
}

template <class AbiSlot>
void set_row(std::span<AbiSlot> slots, const SlotBlocks& blocks, uint16_t row) {
  for (const Block& block : {blocks.loaded, blocks.rest}) {
    set_row(slots.subspan(block.first, block.count), row);
  }
}

static_assert(static_cast<int>(policy::Pass::kWaypoint) == VIC_PASS_WAYPOINT);

// A table of an algorithm that needs a block has one, whole.
bool has_plausible_choices(const Memory& memory, const vic_service& record) {
  const bool needed = record.loaded > 0 && (record.view_flags & VIC_VIEW_PASSTHROUGH) == 0 &&
                      (record.view_flags & VIC_VIEW_ALGORITHM_MASK) != 0;
  if (!needed) return record.choice_lines == 0;
  const uint64_t end = record.choices + uint64_t{record.choice_lines};
  if (end > memory.choices.size() || !is_block(block_of(memory, record))) return false;
  return choice_head(block_of(memory, record)).count == record.loaded;
}

}  // namespace

SlotBlocks blocks_of(const vic_service& record) {
  return {.loaded = {.first = record.first, .count = record.loaded},
          .rest = {.first = record.rest, .count = record.total - record.loaded}};
}

Slot load_slot(const Memory& memory, Family family, uint32_t index) {
  return family == Family::kIpv4 ? slot_from(memory.slots4[index], family)
                                 : slot_from(memory.slots6[index], family);
}

void store_slots(const Memory& memory, const PortTable& table, const TableSpot& spot) {
  const bool aliases = table.has_aliases();
  uint32_t position = 0;
  for (const Slot& slot : table.slots) {
    const uint32_t index = slot_index(spot.slots, position++);
    if (table.family == Family::kIpv4) {
      store_slot(memory.slots4[index], slot, spot.counter_row);
    } else {
      memory.slots6[index].reserved = 0;
      store_slot(memory.slots6[index], slot, spot.counter_row);
    }
    if (aliases) {
      memory.aliases[index_of(table.family)][index] = {
          .threshold = slot.threshold, .other = slot.other, .weight = slot.weight};
    }
  }
}

void store_counter_row(const Memory& memory, Family family, const SlotBlocks& blocks,
                       uint16_t row) {
  if (family == Family::kIpv4) {
    set_row(memory.slots4, blocks, row);
  } else {
    set_row(memory.slots6, blocks, row);
  }
}

void store_record(vic_service& record, const PortTable& table, const TableSpot& spot) {
  record.first = spot.slots.loaded.first;
  record.rest = spot.slots.rest.first;
  record.total = static_cast<uint32_t>(table.slots.size());
  record.loaded = table.loaded;
  record.port = table.port;
  record.view_flags = view_flags(table);
  record.counter_row = spot.counter_row;
  record.family = static_cast<uint8_t>(table.family);
  record.mode = static_cast<uint8_t>(table.mode);
  record.algorithm = static_cast<uint8_t>(table.algorithm.kind);
  record.parameters = parameters_of(table);
  record.choices = spot.choices.first;
  record.choice_lines = spot.choices.count;
  record.tier_count = static_cast<uint8_t>(table.tiers.size());
  record.pass = static_cast<uint16_t>(table.pass);
  for (size_t i = 0; i < table.tiers.size(); ++i) {
    record.tiers[i] = {.count = table.tiers[i].count,
                       .priority = table.tiers[i].priority,
                       .load_percent = table.tiers[i].load_percent};
  }
}

uint32_t record_flags(const PortTable& table) {
  uint32_t flags = VIC_SERVICE_USED;
  if (table.has_aliases()) flags |= VIC_SERVICE_ALIASES;
  if (table.had_workload) flags |= VIC_SERVICE_HAD_WORKLOAD;
  if (table.watch) flags |= VIC_SERVICE_WATCHED;
  return flags;
}

vic_view view_of(const PortTable& table, const TableSpot& spot) {
  const uint16_t flags = view_flags(table);
  const Places places = {
      .slots = spot.slots.loaded.first, .choices = spot.choices.first, .record = spot.record};
  return {.first = first_of(table.loaded, flags, places),
          .count = view_count(table.loaded, static_cast<uint16_t>(table.pass), flags),
          .flags = flags};
}

vic_view view_of(const vic_service& record, uint32_t index) {
  const Places places = {.slots = record.first, .choices = record.choices, .record = index};
  return {.first = first_of(record.loaded, record.view_flags, places),
          .count = view_count(record.loaded, record.pass, record.view_flags),
          .flags = static_cast<uint16_t>(record.view_flags | vic_counter_hint(record.counter_row))};
}

vic_view unknown_port_view(uint32_t head) {
  return {.first = head, .count = 0, .flags = VIC_VIEW_VALID | VIC_VIEW_UNKNOWN_PORT};
}

PortTable load_heading(const vic_service& record) {
  PortTable table;
  table.port = record.port;
  table.family = static_cast<Family>(record.family);
  table.mode = static_cast<policy::Mode>(record.mode);
  table.algorithm = spec_of(record);
  table.on_empty = (record.view_flags & VIC_VIEW_PASS_EMPTY) != 0 ? policy::OnEmpty::kPass
                                                                  : policy::OnEmpty::kRefuse;
  table.pass = static_cast<policy::Pass>(record.pass);
  table.weighted = (record.view_flags & VIC_VIEW_WEIGHTED) != 0;
  table.had_workload = (record.flags & VIC_SERVICE_HAD_WORKLOAD) != 0;
  table.loaded = record.loaded;
  table.watch = watch_of(record);
  for (const vic_tier& tier : std::span(record.tiers).first(record.tier_count)) {
    table.tiers.push_back(
        {.priority = tier.priority, .load_percent = tier.load_percent, .count = tier.count});
  }
  return table;
}

void load_slots(const Memory& memory, const vic_service& record, PortTable& table) {
  table.slots.reserve(record.total);
  for (uint32_t i = 0; i < record.total; ++i) table.slots.push_back(slot_at(memory, record, i));
}

PortTable load_table(const Memory& memory, const vic_service& record) {
  PortTable table = load_heading(record);
  load_slots(memory, record, table);
  return table;
}

bool holds(const Memory& memory, const vic_service& record, const PortTable& table) {
  if (record.total != table.slots.size() || record.loaded != table.loaded) return false;
  if ((record.flags & VIC_SERVICE_ALIASES) != (record_flags(table) & VIC_SERVICE_ALIASES)) {
    return false;
  }
  for (uint32_t i = 0; i < record.total; ++i) {
    if (slot_at(memory, record, i) != table.slots[i]) return false;
  }
  const PortTable header = load_heading(record);
  return std::tie(header.port, header.family, header.mode, header.algorithm, header.on_empty,
                  header.pass, header.weighted, header.had_workload, header.tiers, header.watch) ==
         std::tie(table.port, table.family, table.mode, table.algorithm, table.on_empty, table.pass,
                  table.weighted, table.had_workload, table.tiers, table.watch);
}

bool is_plausible(const Memory& memory, const vic_service& record) {
  if (record.family >= VIC_FAMILY_COUNT || record.tier_count > VIC_MAX_TIERS) return false;
  if (record.loaded > record.total) return false;
  if (!has_plausible_choices(memory, record)) return false;
  const bool aliases = (record.flags & VIC_SERVICE_ALIASES) != 0;
  const uint64_t end = aliases ? memory.aliases[record.family].size()
                               : slots_in(memory, static_cast<Family>(record.family));
  const SlotBlocks blocks = blocks_of(record);
  return blocks.loaded.first + uint64_t{blocks.loaded.count} <= end &&
         blocks.rest.first + uint64_t{blocks.rest.count} <= end;
}

}  // namespace vicinity::dataplane
