// Interned strings: namespaces, nodes, networks, clusters, localities, service keys. The set of
// distinct values is small beside the workloads that carry them, so they are stored once and
// compared as integers. Owned by the Snapshot, control thread only.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <compare>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

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

class Symbols {
 public:
  Symbols();
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;

  // The id of `text`, new if it was not there. Ids stay valid as long as the object.
  SymbolId intern(std::string_view text);
  [[nodiscard]] std::optional<SymbolId> find(std::string_view text) const;
  // REQUIRES: `id` came from this object.
  [[nodiscard]] std::string_view name(SymbolId id) const { return names_[id.value]; }
  [[nodiscard]] size_t size() const { return names_.size(); }

 private:
  struct Hash;
  struct Equal;
  // The index holds ids; both functors look the text up in names_.
  struct Hash {
    using is_transparent = void;
    const std::deque<std::string>* names;
    size_t operator()(std::string_view text) const;
    size_t operator()(uint32_t id) const;
  };
  struct Equal {
    using is_transparent = void;
    const std::deque<std::string>* names;
    bool operator()(uint32_t left, uint32_t right) const { return left == right; }
    bool operator()(uint32_t left, std::string_view right) const;
    bool operator()(std::string_view left, uint32_t right) const;
  };

  std::deque<std::string> names_;
  absl::flat_hash_set<uint32_t, Hash, Equal> index_;
};

}  // namespace vicinity::model
