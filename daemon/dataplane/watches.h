// The elements of vic_watched: which endpoint of a watched table has which, what was seen of it,
// and what the tables' endpoints have in common. Like ActiveIds, whose rules say how long an
// endpoint keeps its element; a new one begins at zero. Control thread.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <vicinity/abi.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compile/tables.h"
#include "dataplane/active_ids.h"
#include "dataplane/dataplane.h"
#include "dataplane/observed.h"

namespace vicinity::dataplane {

// A table that is watched.
struct WatchedTable {
  std::string_view service;
  uint16_t port = 0;
  uint64_t id = 0;  // compile::table_id()
};

// What a block of vic_choices says of its elements.
struct WatchedElements {
  uint32_t group = 0;
  std::vector<uint32_t> endpoints;  // beside the slots
  bool operator==(const WatchedElements&) const = default;
};

class Watches {
 public:
  // `elements` outlives this; element 0 has the totals.
  explicit Watches(std::span<vic_watched> elements);

  // One more block uses the table's elements, with this table's parameters from now on. nullopt:
  // there are not enough, or it is not watched.
  [[nodiscard]] std::optional<WatchedElements> acquire(const WatchedTable& table,
                                                       const compile::PortTable& slots);
  // One fewer does.
  void release(const WatchedElements& elements);
  // The table has these already, as an adopted block says.
  void take(const WatchedTable& table, std::span<const compile::Slot> slots,
            const WatchedElements& elements);
  void keep_counted();
  void sweep();
  void inherit(const Watches& other);

  // Gives places of suspects back whose time was over at `now_ns` (CLOCK_MONOTONIC): the hooks do
  // so only when they come across them. Returns whose they were, as ObservedEndpoint::id.
  std::vector<uint64_t> end_suspicions(uint64_t now_ns);
  [[nodiscard]] std::span<const ObservedEndpoint> observe();
  // ObservedEndpoint::id of who has the element now.
  [[nodiscard]] std::optional<uint64_t> id_of(uint32_t element) const;
  [[nodiscard]] ObservedTotals totals() const;
  [[nodiscard]] bool empty() const { return ids_.empty(); }
  [[nodiscard]] Usage usage() const {
    return {.used = endpoints_.size(), .capacity = elements_.size() - 1};
  }
  [[nodiscard]] uint64_t active() const { return ids_.total(); }

 private:
  [[nodiscard]] std::optional<uint32_t> acquire_endpoint(const WatchedTable& table,
                                                         const compile::Slot& slot, uint32_t group);
  [[nodiscard]] std::optional<uint32_t> acquire_group(const WatchedTable& table,
                                                      const compile::Watch& watch);
  void add_row(const WatchedTable& table, const compile::Slot& slot, uint32_t element);
  void clear(uint32_t element);
  void give_place_back(const vic_watched& endpoint);
  [[nodiscard]] vic_watch_group& group_at(uint32_t element);

  std::span<vic_watched> elements_;
  ActiveIds ids_;
  // Side by side, in order of id; the names are alive as long as the rows.
  std::vector<ObservedEndpoint> endpoints_;
  std::vector<uint32_t> element_of_;
  std::vector<std::shared_ptr<const std::string>> names_;
  absl::flat_hash_map<uint32_t, uint64_t> serial_;    // by element; groups too
  absl::flat_hash_map<uint32_t, uint32_t> group_of_;  // of endpoints that hold their group
  uint64_t last_serial_ = 0;
};

}  // namespace vicinity::dataplane
