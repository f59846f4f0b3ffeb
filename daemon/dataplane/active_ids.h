// Which element of vic_active, or of vic_watched, counts an endpoint's connections. An endpoint is
// one address and port of one port of one service; it keeps its element while a table has it, and
// until its last connection has ended. The counts are the kernel programs' alone: the daemon gives
// elements out and never writes to those in use. Control thread.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compile/tables.h"
#include "dataplane/dataplane.h"
#include "dataplane/memory.h"

namespace vicinity::dataplane {

struct ActiveKey {
  uint64_t table = 0;  // compile::table_id()
  model::IpAddress address;
  uint16_t port = 0;
  bool operator==(const ActiveKey&) const = default;
  template <class H>
  friend H AbslHashValue(H hash, const ActiveKey& key) {
    return H::combine(std::move(hash), key.table, key.address, key.port);
  }
};

class ActiveIds {
 public:
  // `counts` outlives this: elements of so many words, the first of which counts. Element 0 is
  // nobody's.
  explicit ActiveIds(std::span<__u64> counts, size_t words = 1);

  // One more table uses the endpoint. nullopt: every element is in use.
  [[nodiscard]] std::optional<uint32_t> acquire(const ActiveKey& key);
  // One fewer does.
  void release(uint32_t id);
  // The endpoint has this element already, as an adopted table says.
  void take(const ActiveKey& key, uint32_t id);
  // After adoption: elements that are not in use but still count connections stay taken until those
  // have ended.
  void keep_counted();
  // Frees what no table uses and counts nothing any more; returns what was freed.
  std::vector<uint32_t> sweep();
  // Endpoints of another owner of the same counts, which is about to go: they are found again by
  // acquire().
  void inherit(const ActiveIds& other);

  // Is any element in use, or still counting?
  [[nodiscard]] bool empty() const { return holders_.empty(); }
  [[nodiscard]] uint64_t count(uint32_t id) const;
  [[nodiscard]] uint64_t total() const;  // of all elements
  [[nodiscard]] Usage usage() const { return {.used = holders_.size(), .capacity = size() - 1}; }

 private:
  struct Holder {
    std::optional<ActiveKey> key;  // unset: of an endpoint that an earlier daemon knew
    uint32_t tables = 0;
  };
  void hold(uint32_t id, const ActiveKey& key);
  [[nodiscard]] size_t size() const { return counts_.size() / words_; }

  std::span<__u64> counts_;
  size_t words_;
  std::vector<uint32_t> free_;  // may name elements in use; those are skipped
  absl::flat_hash_map<ActiveKey, uint32_t> ids_;
  absl::flat_hash_map<uint32_t, Holder> holders_;  // by id
  uint64_t unused_ = 0;                            // holders without a table
};

}  // namespace vicinity::dataplane
