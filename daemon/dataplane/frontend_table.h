// The frontend entries of one family in mapped memory, with an index of who is where. Hooks read
// it while it changes; docs/decisions/001-lookup-under-change.md has the rules that make that
// safe. Control thread.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/frontend_key.h"
#include "dataplane/memory.h"

namespace vicinity::dataplane {

[[nodiscard]] uint64_t word_of(const vic_view& view);
[[nodiscard]] vic_view view_of(uint64_t word);

// Calls `visit(key, view)` for each entry of the table in use, also for those without a view.
void scan_frontends(const Memory& memory, model::Family family,
                    const std::function<void(const FrontendKey&, uint64_t)>& visit);

struct FrontendEntry {
  uint32_t place = 0;       // index of the entry in the map
  uint32_t owner = 0;       // the service's head record
  uint64_t retirement = 0;  // 0: in use; otherwise which retirement it waits for
};

class FrontendTable {
 public:
  // An entry that was taken out; its place is free after a grace period.
  struct Retired {
    FrontendKey key;
    uint64_t retirement = 0;
  };
  // The place that an entry has left for another. Both are kept the same for a grace period, then
  // this one is emptied, and free after another grace period.
  struct Leftover {
    FrontendKey key;
    uint32_t place = 0;
    bool operator==(const Leftover&) const = default;
  };

  FrontendTable(model::Family family, const Memory& memory);

  // Makes an empty table. REQUIRES: nothing reads it yet.
  void format();
  // Fills the index from the table in use. Owners are 0 until set_owner; entries without a view
  // are returned for release().
  [[nodiscard]] std::vector<Retired> adopt();

  [[nodiscard]] const FrontendEntry* find(const FrontendKey& key) const;  // in use only
  [[nodiscard]] uint64_t view(const FrontendKey& key) const;              // 0: none
  [[nodiscard]] uint64_t view(const FrontendEntry& entry) const { return view_at(entry.place); }
  // To change its owner. Valid until the next change of the table.
  [[nodiscard]] FrontendEntry* find_in_use(const FrontendKey& key);
  void set_owner(const FrontendKey& key, uint32_t owner);
  [[nodiscard]] std::vector<FrontendKey> unowned() const;  // in use

  // Chooses a table for that many more keys and arranges them in it together, when they are too
  // many for the table in use. They are then in use, without a view and without an owner.
  void prepare(std::span<const FrontendKey> keys);
  // Makes room for a key that is not in use: an entry without a view, which hooks do not see.
  // False: no room, even in the largest table.
  [[nodiscard]] bool place(const FrontendKey& key, uint32_t owner);
  // REQUIRES: in use; `entry` is the key's.
  void set_view(const FrontendKey& key, uint64_t view);
  void set_view(const FrontendKey& key, const FrontendEntry& entry, uint64_t view);
  // REQUIRES: in use.
  [[nodiscard]] Retired retire(const FrontendKey& key);
  void release(const Retired& retired);

  // Moves entries out of the overflow buckets, one step further each time.
  void tidy();
  // What was moved since the last call.
  [[nodiscard]] std::vector<Leftover> take_leftovers();
  void empty(const Leftover& leftover);
  void forget(const Leftover& leftover);

  [[nodiscard]] uint64_t used() const { return index_.size(); }
  [[nodiscard]] uint64_t capacity() const { return uint64_t{largest_} * bucket_entries(family_); }
  [[nodiscard]] uint32_t buckets() const { return config_.table.mask + 1; }

 private:
  [[nodiscard]] __u64* entry(uint32_t place) const {
    return &words_[size_t{place} * (key_words(family_) + 1)];
  }
  [[nodiscard]] __u64& view_at(uint32_t place) const { return entry(place)[key_words(family_)]; }
  [[nodiscard]] uint32_t overflow_places() const {
    return VIC_OVERFLOW_BUCKETS * bucket_entries(family_);
  }
  [[nodiscard]] __u64& hint_at(const HintPlace& place) const {
    return reinterpret_cast<__u64&>(hints_[place.line].views[place.view]);
  }
  // Those of a table.
  [[nodiscard]] std::span<vic_hints> hints_of(uint32_t buckets) const;
  void note_address(const FrontendKey& key);
  void note_addresses_anew();
  void hint(const FrontendKey& key, uint64_t view, vic_table table);
  [[nodiscard]] FrontendKey key_at(uint32_t place) const;
  [[nodiscard]] std::optional<uint32_t> free_in(uint32_t bucket) const;
  [[nodiscard]] std::optional<uint32_t> free_overflow() const;
  [[nodiscard]] std::optional<uint32_t> free_place(const FrontendKey& key) const;
  void occupy(uint32_t place, const FrontendKey& key);
  void vacate(uint32_t place);
  void adopt_place(uint32_t place, std::vector<Retired>& retired);
  [[nodiscard]] bool rebuild(uint32_t buckets, std::span<const FrontendKey> more);
  void switch_to(uint32_t buckets, std::span<const FrontendKey> arranged);
  void move(const FrontendKey& key, uint32_t place);
  [[nodiscard]] bool make_way(uint32_t bucket);

  model::Family family_;
  std::span<__u64> words_;
  std::span<vic_hints> hints_;
  uint64_t gone_addresses_ = 0;  // at most so many are noted for nothing
  vic_config& config_;
  uint32_t largest_ = 0;  // buckets
  std::vector<bool> busy_;
  absl::flat_hash_map<FrontendKey, FrontendEntry> index_;
  std::vector<Leftover> leftovers_;      // all there are, few
  std::vector<Leftover> new_leftovers_;  // not yet taken
  uint64_t retirements_ = 0;
};

}  // namespace vicinity::dataplane
