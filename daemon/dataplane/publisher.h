// The tables of one generation: what is published, where it is, and every change to it in the order
// that keeps P1 to P4 (docs/architecture.md). Control thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/strings.h"
#include "dataplane/active_ids.h"
#include "dataplane/arena.h"
#include "dataplane/counters.h"
#include "dataplane/dataplane.h"
#include "dataplane/frontend_table.h"
#include "dataplane/memory.h"
#include "dataplane/prefixes.h"
#include "dataplane/ranges.h"
#include "dataplane/realms.h"
#include "dataplane/reclaim.h"
#include "dataplane/records.h"
#include "dataplane/survey.h"
#include "dataplane/table_codec.h"
#include "dataplane/watches.h"

namespace vicinity::dataplane {

// The most that may be published, whatever the maps have room for. 0: no limit.
struct Limits {
  uint64_t services = 0;
  uint64_t slots = 0;         // of each family
  uint64_t choice_lines = 0;  // of vic_choices
};

// What a service did not find room in.
enum class Shortage : uint8_t { kNone, kRecords, kPlainSlots, kAliasedSlots, kFrontends, kChoices };

struct Unpublished {
  const compile::ServiceTable* table = nullptr;
  absl::Status status;
  Shortage shortage = Shortage::kNone;  // kNone: larger maps would not help
  model::Family family = model::Family::kIpv4;
};

struct PublishResult {
  uint64_t published = 0;
  uint64_t removed = 0;
  std::vector<Unpublished> unpublished;  // in the order of the diff
};

// What was written so far. P3: one service's update costs what that service has, whatever else
// there is.
struct Work {
  uint64_t records = 0;
  uint64_t slots = 0;
  uint64_t entries = 0;  // views
  uint64_t choice_lines = 0;
  bool operator==(const Work&) const = default;
  Work operator-(const Work& other) const {
    return {.records = records - other.records,
            .slots = slots - other.slots,
            .entries = entries - other.entries,
            .choice_lines = choice_lines - other.choice_lines};
  }
};

// Records, slots and frontend entries.
struct Demand {
  struct Family {
    uint64_t plain_slots = 0;
    uint64_t aliased_slots = 0;
    uint64_t frontends = 0;
  };
  uint64_t records = 0;
  uint64_t choice_lines = 0;
  bool affinity = false;  // a table wants clients to be remembered
  bool watch = false;     // a table is watched
  std::array<Family, 2> families;
};

class Publisher {
 public:
  struct Environment {
    Memory memory;
    Reclaimer* reclaimer = nullptr;
    Counters* counters = nullptr;
    Limits limits;
    Realms* realms = nullptr;
    Ranges::Maps range_maps = {-1, -1};
    uint64_t first_turn = 0;  // where round robin begins
  };
  explicit Publisher(const Environment& environment);

  // Either of these first: new maps made empty, or those of an earlier daemon taken over and what
  // it left half done completed.
  void format();
  void adopt();

  [[nodiscard]] PublishResult apply(const compile::Diff& diff);
  // What would be in use while `diff` is applied, at most.
  [[nodiscard]] Demand demand(const compile::Diff& diff) const;
  [[nodiscard]] compile::Tables read_all() const;
  void for_each_heading(const Dataplane::TakeHeading& take) const;
  [[nodiscard]] std::optional<compile::ServiceTable> read(std::string_view service) const;
  // read(table.name) == table.
  [[nodiscard]] bool is_published(const compile::ServiceTable& table) const;

  // Hands back what passed its grace period and goes on with what waits for one.
  void reclaim();

  // The service that this address and port lead to.
  [[nodiscard]] std::optional<std::string> service_at(model::Family family,
                                                      const FrontendKey& key) const;
  [[nodiscard]] uint16_t counter_row(std::string_view service) const;
  void set_counter_row(std::string_view service, uint16_t row);
  // Rows of removed services that wait for a grace period; they move to the next generation.
  [[nodiscard]] std::vector<uint16_t> take_retired_rows();
  void retire_row(uint16_t row);

  [[nodiscard]] const base::StringMap<PublishedService>& services() const { return services_; }
  [[nodiscard]] const Records& records() const { return records_; }
  [[nodiscard]] const FrontendTable& frontends(model::Family family) const {
    return tables_[index_of(family)].frontends;
  }
  // Published ones; those that wait for a grace period do not count.
  [[nodiscard]] uint64_t slots(model::Family family) const {
    return tables_[index_of(family)].slots;
  }
  [[nodiscard]] uint64_t choice_lines() const { return choice_lines_; }  // published
  [[nodiscard]] const ActiveIds& active_ids() const { return active_; }
  [[nodiscard]] Watches& watches() { return watches_; }
  [[nodiscard]] const Watches& watches() const { return watches_; }
  // Takes over who counts connections and whose turn it is from a publisher whose tables this one
  // is about to publish anew. REQUIRES: nothing published yet.
  void succeed(const Publisher& other);
  [[nodiscard]] const Work& work() const { return work_; }
  [[nodiscard]] uint64_t pending_reclaims() const { return retired_.size(); }

 private:
  // Everything there is once per family.
  struct FamilyTables {
    FamilyTables(model::Family family, const Memory& memory);
    FrontendTable frontends;
    Prefixes prefixes;
    Arena aliased;
    Arena plain;
    uint64_t slots = 0;          // published
    uint64_t prefix_ticket = 0;  // the next step of narrowing waits for it
    bool prefixes_waiting = false;
  };
  // A service about to be published: compared with what is, then everything is written, nothing
  // visible.
  struct Staged {
    const compile::ServiceTable* table = nullptr;
    PublishedService* old = nullptr;  // in services_, until commit()
    // By port of the table: the one of `old` that has the same in the maps, or nullptr.
    absl::InlinedVector<const PublishedPort*, 2> same;
    PublishedService next;
    std::vector<PublishedPort> fresh;  // of `next`, written for it
  };
  // What one apply() is about to publish.
  struct Batch {
    std::vector<Staged> staged;
    size_t new_services = 0;
  };
  enum class Pass : uint8_t { kRepoint, kInsert };
  struct RetiredSlots {
    model::Family family = model::Family::kIpv4;
    SlotBlocks blocks;
    bool aliased = false;
  };
  struct RetiredChoice {
    Block block;
  };
  struct RetiredRecord {
    uint32_t record = 0;
    bool with_name = false;
  };
  struct RetiredFrontend {
    model::Family family = model::Family::kIpv4;
    FrontendTable::Retired entry;
  };
  struct RetiredPlace {
    model::Family family = model::Family::kIpv4;
    FrontendTable::Leftover leftover;
    bool emptied = false;
  };
  struct RetiredRow {
    uint16_t row = 0;
  };
  // Entries of a range that hooks do not find any more.
  struct RetiredRange {
    FrontAddress address;
    std::vector<FrontendKey> keys;
    uint32_t head = 0;
  };
  using Retired = std::variant<RetiredSlots, RetiredChoice, RetiredRecord, RetiredFrontend,
                               RetiredPlace, RetiredRow, RetiredRange>;
  struct Waiting {
    uint64_t ticket = 0;
    Retired what;
  };

  [[nodiscard]] FamilyTables& at(model::Family family) { return tables_[index_of(family)]; }
  [[nodiscard]] Arena& arena_of(model::Family family, bool aliased) {
    return aliased ? at(family).aliased : at(family).plain;
  }
  [[nodiscard]] Arena& arena_of(const vic_service& record) {
    return arena_of(static_cast<model::Family>(record.family),
                    (record.flags & VIC_SERVICE_ALIASES) != 0);
  }

  // publisher_stage.cc: writes what nobody sees yet.
  [[nodiscard]] Staged compare(const compile::ServiceTable& table) const;
  [[nodiscard]] bool is_published(const Staged& compared) const;
  [[nodiscard]] std::optional<Unpublished> stage(Staged compared, Batch& batch);
  [[nodiscard]] std::optional<Unpublished> stage_head(Staged& staged);
  void assign_realms(const compile::Diff& diff);
  [[nodiscard]] std::optional<Unpublished> stage_scope(const Staged& staged) const;
  // REQUIRES: the service's namespace has a realm, if it needs one.
  [[nodiscard]] bool lacks_realm(const compile::ServiceTable& table) const;
  [[nodiscard]] std::vector<FrontAddress> front_addresses(const compile::ServiceTable& table) const;
  // `index`: of the port in the table.
  [[nodiscard]] std::optional<Unpublished> stage_port(size_t index, Staged& staged);
  [[nodiscard]] std::optional<Unpublished> stage_frontends(const Staged& staged);
  void unstage(const Staged& staged);
  [[nodiscard]] std::optional<Unpublished> refuse(const Staged& staged, size_t new_services) const;
  [[nodiscard]] const PublishedService* find(std::string_view service) const;
  [[nodiscard]] const PublishedPort* find_same(const PublishedService& service,
                                               const compile::PortTable& table) const;
  [[nodiscard]] uint64_t slots_of(const PublishedService& service, model::Family family) const;
  [[nodiscard]] uint64_t view_word(const PublishedPort& port) const;

  // publisher_choices.cc
  [[nodiscard]] static Unpublished choices_full(const compile::ServiceTable& table, uint64_t lines,
                                                Usage usage);
  [[nodiscard]] std::optional<Unpublished> refuse_choices(const Staged& staged) const;
  [[nodiscard]] std::optional<Unpublished> stage_choice(const compile::PortTable& table,
                                                        const Staged& staged, TableSpot& spot);
  [[nodiscard]] uint64_t choice_lines_of(const PublishedService& service) const;
  // Who counts the connections of a block's slots; `group` 0: not watched.
  using BlockElements = WatchedElements;
  [[nodiscard]] std::optional<BlockElements> acquire_endpoints(std::string_view service,
                                                               const compile::PortTable& table);
  void release_endpoints(const BlockElements& elements);
  [[nodiscard]] static BlockElements elements_in(std::span<const vic_line> block);
  [[nodiscard]] std::vector<uint64_t> cursors_of(std::string_view service,
                                                 const compile::PortTable& table) const;
  void note_cursors(const PublishedPort& port, std::vector<uint64_t>& cursors) const;
  void release_choice(Block block);
  void adopt_choice(const std::string& service, const PublishedPort& port);

  // publisher.cc: makes it visible, takes out what it replaces.
  using FamilyKeys = std::array<std::vector<FrontendKey>, 2>;
  [[nodiscard]] static std::vector<FrontendKey> keys_of(const Staged& staged,
                                                        const FrontAddress& address);
  // Returns the keys that the services add.
  [[nodiscard]] FamilyKeys prepare_frontends(const std::vector<Staged>& wanted);
  void publish_entries(const std::vector<Staged>& staged);
  // These two: false when entries are left for another pass.
  bool publish_addresses(const PublishedService& service, Pass pass);
  bool publish_address(const PublishedService& service, const FrontAddress& address, Pass pass);
  void commit(std::vector<Staged>& staged);
  void take_address(const FrontAddress& address, uint32_t head);
  void enter_ranges(const PublishedService& service);
  void retire_replaced(const PublishedService& old, const PublishedService& next);
  void retire_port(const PublishedPort& port);
  void retire_address(const PublishedService& service, const FrontAddress& address);
  void retire_entry(model::Family family, const FrontendKey& key, uint32_t head);
  void remove(std::string_view service);
  void retire_unowned(const FamilyKeys& keys);

  // publisher_reclaim.cc
  void retire(const Retired& what);
  void release(const Retired& what);
  void collect_leftovers();
  [[nodiscard]] std::vector<uint64_t> leading_bits_of(model::Family family) const;
  void narrow_prefixes();
  void adopt_service(const std::string& name, PublishedService service);
  void adopt_ranges();

  Memory memory_;
  Reclaimer* reclaimer_;
  Counters* counters_;
  Limits limits_;
  Realms* realms_;
  Ranges ranges_;
  Work work_;
  Records records_;
  std::array<FamilyTables, 2> tables_;
  Arena choices_;
  ActiveIds active_;
  Watches watches_;
  uint64_t choice_lines_ = 0;
  uint64_t first_turn_ = 0;
  absl::flat_hash_map<uint64_t, std::vector<uint64_t>> inherited_turns_;  // by table_id()
  base::StringMap<PublishedService> services_;
  absl::flat_hash_map<uint32_t, std::string> names_;    // by head record
  absl::flat_hash_map<FrontAddress, uint32_t> owners_;  // head record
  std::deque<Waiting> retired_;                         // oldest ticket first
};

}  // namespace vicinity::dataplane
