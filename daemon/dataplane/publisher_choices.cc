// Blocks of vic_choices: made and placed while nobody looks, taken over, given back. What counts
// connections holds its elements of vic_active as long as its block.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/status.h"
#include "compile/choices.h"
#include "dataplane/choice_view.h"
#include "dataplane/publisher.h"

namespace vicinity::dataplane {
namespace {

using compile::PortTable;

constexpr uint64_t kLinesPerKib = 1024 / sizeof(vic_line);

constexpr uint64_t kib(uint64_t lines) { return (lines + kLinesPerKib - 1) / kLinesPerKib; }

ActiveKey key_of(uint64_t table, const compile::Slot& slot) {
  return {.table = table, .address = slot.address, .port = slot.port};
}

}  // namespace

Unpublished Publisher::choices_full(const compile::ServiceTable& table, uint64_t lines,
                                    Usage usage) {
  return {
      .table = &table,
      .status = base::exhausted(
          "service {}: publish {} KiB of tables for its algorithm: memory for these full ({} of "
          "{} KiB)",
          table.name, kib(lines), kib(usage.used), kib(usage.capacity))};
}

std::optional<Unpublished> Publisher::refuse_choices(const Staged& staged) const {
  const compile::ServiceTable& table = *staged.table;
  if (limits_.choice_lines == 0) return std::nullopt;
  uint64_t lines = 0;
  for (const PortTable& port : table.ports) lines += compile::choice_lines(port);
  if (lines == 0) return std::nullopt;
  const uint64_t others =
      choice_lines_ - (staged.old == nullptr ? 0 : choice_lines_of(*staged.old));
  if (others + lines <= limits_.choice_lines) return std::nullopt;
  return choices_full(table, lines, {.used = choice_lines_, .capacity = limits_.choice_lines});
}

uint64_t Publisher::choice_lines_of(const PublishedService& service) const {
  uint64_t lines = 0;
  for (const PublishedPort& port : service.ports) lines += records_.at(port.record).choice_lines;
  return lines;
}

std::optional<Unpublished> Publisher::stage_choice(const PortTable& table, const Staged& staged,
                                                   TableSpot& spot) {
  if (!compile::needs_choice(table)) return std::nullopt;
  const compile::ServiceTable& service = *staged.table;
  const uint64_t id = compile::table_id(service.name, table.port, table.family);
  const auto elements = acquire_endpoints(service.name, table);
  if (!elements) {
    const Usage usage = active_.usage();
    return Unpublished{.table = &service,
                       .status = base::exhausted(
                           "service {}: publish {} slots: counts of connections full ({} of {})",
                           service.name, table.slots.size(), usage.used, usage.capacity)};
  }
  const std::vector<uint64_t> cursors = cursors_of(service.name, table);
  const auto block = compile::choice_block(table, {.first_slot = spot.slots.loaded.first,
                                                   .table_id = id,
                                                   .endpoints = elements->endpoints,
                                                   .cursors = cursors,
                                                   .watch_group = elements->group,
                                                   .rest_slot = spot.slots.rest.first});
  if (!block.ok()) {
    release_endpoints(*elements);
    return Unpublished{
        .table = &service,
        .status = base::invalid("service {}: {}", service.name, base::message(block.status()))};
  }
  const auto lines = choices_.allocate(static_cast<uint32_t>(block->size()));
  if (!lines) {
    release_endpoints(*elements);
    Unpublished failed = choices_full(service, block->size(),
                                      {.used = choices_.used(), .capacity = choices_.capacity()});
    failed.shortage = Shortage::kChoices;
    return failed;
  }
  std::ranges::copy(*block, memory_.choices.subspan(lines->first).begin());
  work_.choice_lines += block->size();
  spot.choices = *lines;
  return std::nullopt;
}

// A table for whose endpoints there is no room among the watched ones is published all the same.
std::optional<WatchedElements> Publisher::acquire_endpoints(std::string_view service,
                                                            const PortTable& table) {
  const uint64_t id = compile::table_id(service, table.port, table.family);
  BlockElements elements;
  if (table.watch) {
    const auto watched =
        watches_.acquire({.service = service, .port = table.port, .id = id}, table);
    if (!watched) return elements;
    elements = *watched;
    for (uint32_t& endpoint : elements.endpoints) endpoint |= VIC_ENDPOINT_WATCHED;
    return elements;
  }
  if (!compile::counts_active(table)) return elements;
  for (size_t i = 0; i < table.loaded; ++i) {
    const auto endpoint = active_.acquire(key_of(id, table.slots[i]));
    if (!endpoint) {
      release_endpoints(elements);
      return std::nullopt;
    }
    elements.endpoints.push_back(*endpoint);
  }
  return elements;
}

void Publisher::release_endpoints(const BlockElements& elements) {
  if (elements.group == 0) {
    for (const uint32_t endpoint : elements.endpoints) active_.release(endpoint);
    return;
  }
  BlockElements watched = elements;
  for (uint32_t& endpoint : watched.endpoints) endpoint &= ~VIC_ENDPOINT_WATCHED;
  watches_.release(watched);
}

WatchedElements Publisher::elements_in(std::span<const vic_line> block) {
  BlockElements elements;
  if (const vic_choice_watch* watch = choice_watch(block)) elements.group = watch->group;
  for (const auto members : {choice_members(block), choice_rest(block)}) {
    for (const vic_member& member : members) elements.endpoints.push_back(member.endpoint);
  }
  return elements;
}

// Turns go on where the table that is replaced has got to.
std::vector<uint64_t> Publisher::cursors_of(std::string_view service,
                                            const PortTable& table) const {
  const uint64_t id = compile::table_id(service, table.port, table.family);
  if (const auto turns = inherited_turns_.find(id); turns != inherited_turns_.end()) {
    return turns->second;
  }
  std::vector<uint64_t> cursors(VIC_MAX_TIERS, first_turn_);
  const PublishedService* old = find(service);
  if (old == nullptr) return cursors;
  for (const PublishedPort& port : old->ports) {
    if (port.port == table.port && port.family == table.family) note_cursors(port, cursors);
  }
  return cursors;
}

void Publisher::note_cursors(const PublishedPort& port, std::vector<uint64_t>& cursors) const {
  const vic_service& record = records_.at(port.record);
  if (record.choice_lines == 0) return;
  const auto tiers = choice_tiers(memory_.choices.subspan(record.choices, record.choice_lines));
  for (size_t i = 0; i < tiers.size(); ++i) cursors[i] = observe(tiers[i].cursor);
}

void Publisher::succeed(const Publisher& other) {
  active_.inherit(other.active_);
  watches_.inherit(other.watches_);
  for (const auto& [name, service] : other.services_) {
    for (const PublishedPort& port : service.ports) {
      if (other.records_.at(port.record).algorithm != VIC_ALGORITHM_ROUND_ROBIN) continue;
      auto& turns = inherited_turns_[compile::table_id(name, port.port, port.family)];
      turns.assign(VIC_MAX_TIERS, first_turn_);
      other.note_cursors(port, turns);
    }
  }
}

void Publisher::release_choice(Block block) {
  if (block.count == 0) return;
  release_endpoints(elements_in(memory_.choices.subspan(block.first, block.count)));
  choices_.release(block);
}

void Publisher::adopt_choice(const std::string& service, const PublishedPort& port) {
  const vic_service& record = records_.at(port.record);
  if (record.choice_lines == 0) return;
  // The daemon before us gave the block to this table alone.
  [[maybe_unused]] const bool taken =
      choices_.take({.first = record.choices, .count = record.choice_lines});
  choice_lines_ += record.choice_lines;
  const uint64_t id = compile::table_id(service, port.port, port.family);
  BlockElements elements =
      elements_in(memory_.choices.subspan(record.choices, record.choice_lines));
  const std::vector<compile::Slot> slots = load_table(memory_, record).slots;
  if (elements.group == 0) {
    for (size_t i = 0; i < elements.endpoints.size(); ++i) {
      active_.take(key_of(id, slots[i]), elements.endpoints[i]);
    }
    return;
  }
  for (uint32_t& endpoint : elements.endpoints) endpoint &= ~VIC_ENDPOINT_WATCHED;
  watches_.take({.service = service, .port = port.port, .id = id}, slots, elements);
}

}  // namespace vicinity::dataplane
