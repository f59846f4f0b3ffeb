// Interned strings: namespaces, nodes, networks, clusters, localities, service keys. The set of
// distinct values is small beside the workloads that carry them, so they are stored once and
// compared as integers. Owned by the Snapshot, control thread only.
#pragma once

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

class Symbols {
 public:
  Symbols();
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;

  // The id of `text`, new if it was not there. Ids, and the names behind them, stay as long as the
  // object.
  SymbolId intern(std::string_view text);
  [[nodiscard]] std::optional<SymbolId> find(std::string_view text) const;
  // REQUIRES: `id` came from this object.
  [[nodiscard]] std::string_view name(SymbolId id) const { return names_[id.value]; }
  [[nodiscard]] size_t size() const { return names_.size(); }

 private:
  static constexpr size_t kChunk = size_t{32} << 10;

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

  [[nodiscard]] std::string_view keep(std::string_view text);

  std::vector<std::string_view> names_;  // into chunks_
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* chunk_end_ = nullptr;  // of the last one
  size_t free_ = 0;            // bytes before it
  absl::flat_hash_set<uint32_t, Hash, Equal> index_;
  // What was asked for last, by a cheap hash: a feed says the same few names again and again.
  std::array<uint32_t, 256> recent_{};
};

}  // namespace vicinity::model
