// Interned strings: namespaces, nodes, networks, clusters, localities, service keys. The set of
// distinct values is small beside the workloads that carry them, so they are stored once and
// compared as integers. Names come and go with the pods of a cluster: what nothing uses any more is
// freed now and then (keep_only), and its id and its room are given out again. Owned by the
// Snapshot, control thread only.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace vicinity::model {

// Names one string of one Symbols. Zero is the empty string.
struct SymbolId {
  uint32_t value = 0;
  [[nodiscard]] bool empty() const { return value == 0; }
  auto operator<=>(const SymbolId&) const = default;
  template <class H>
  friend H AbslHashValue(H state, SymbolId id) {
    return H::combine(std::move(state), id.value);
  }
};

class SymbolUses;

class Symbols {
 public:
  // So many new names at least are waited for before is_sweep_due().
  static constexpr size_t kFewNames = size_t{64} << 10;

  Symbols();
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;

  // The id of `text`, new if it was not there. Ids, and the names behind them, stay where they are
  // until keep_only().
  SymbolId intern(std::string_view text);
  [[nodiscard]] std::optional<SymbolId> find(std::string_view text) const;
  // REQUIRES: `id` came from this object. Empty when it was freed and not given out again.
  [[nodiscard]] std::string_view name(SymbolId id) const { return names_[id.value]; }
  [[nodiscard]] size_t size() const { return names_.size() - free_ids_.size(); }
  // Ids are below this number, those that are free among them.
  [[nodiscard]] size_t ids() const { return names_.size(); }
  [[nodiscard]] size_t bytes() const;

  // As many names are new as were left by the last keep_only(), and not just a few: looking through
  // all that holds names costs no more than what it took to bring the new ones.
  [[nodiscard]] bool is_sweep_due() const;
  // Frees the names that are not in `uses`. REQUIRES: nobody has the id of one of those, or its
  // name.
  void keep_only(const SymbolUses& uses);

 private:
  static constexpr size_t kChunk = size_t{32} << 10;
  static constexpr size_t kStep = 8;  // bytes; the room of a name is a multiple of it

  // The index holds ids; both functors look the text up in names_.
  struct Hash {
    using is_transparent = void;
    const std::vector<std::string_view>* names;
    size_t operator()(std::string_view text) const;
    size_t operator()(uint32_t id) const;
  };
  struct Equal {
    using is_transparent = void;
    const std::vector<std::string_view>* names;
    bool operator()(uint32_t left, uint32_t right) const { return left == right; }
    bool operator()(uint32_t left, std::string_view right) const;
    bool operator()(std::string_view left, uint32_t right) const;
  };

  static size_t steps(std::string_view text) { return (text.size() + kStep - 1) / kStep; }
  [[nodiscard]] std::string_view keep(std::string_view text);
  [[nodiscard]] char* room_for(std::string_view text);
  [[nodiscard]] uint32_t next_id();
  void drop(uint32_t id);

  std::vector<std::string_view> names_;  // into chunks_
  std::vector<uint32_t> free_ids_;
  absl::flat_hash_map<size_t, std::vector<char*>> free_rooms_;  // of freed names, by steps
  size_t kept_ = 0;   // names that the last keep_only() left
  size_t fresh_ = 0;  // new ones since
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* chunk_end_ = nullptr;  // of the last one
  size_t free_ = 0;            // bytes before it
  size_t chunk_bytes_ = 0;     // of all
  absl::flat_hash_set<uint32_t, Hash, Equal> index_;
  // What was asked for last, by a cheap hash: a feed says the same few names again and again.
  std::array<uint32_t, 256> recent_{};
};

}  // namespace vicinity::model
