// The tries of one generation that find the longest range of a destination. What a range leads to
// are its frontend entries, which are there before it is, and leave a grace period after it.
// Control thread.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>

#include <array>
#include <cstdint>

#include "dataplane/frontend_key.h"
#include "dataplane/memory.h"

namespace vicinity::dataplane {

class Ranges {
 public:
  static constexpr size_t kMost = 65536;  // of each family

  // Descriptors of vic_ranges4 and vic_ranges6, which outlive this.
  using Maps = std::array<int, 2>;
  Ranges(const Maps& maps, const Memory& memory) : maps_(maps), memory_(memory) {}

  // REQUIRES: address.is_range().
  [[nodiscard]] bool contains(const FrontAddress& address) const;
  [[nodiscard]] bool has_room(model::Family family) const;
  [[nodiscard]] absl::Status insert(const FrontAddress& address);
  void erase(const FrontAddress& address);
  // Takes out what an earlier daemon left there and nothing leads to; then insert() the others.
  void clear_all_but(const absl::flat_hash_set<FrontAddress>& wanted);

 private:
  void tell_hooks(model::Family family, uint32_t flag) const;

  Maps maps_;
  Memory memory_;
  std::array<absl::flat_hash_set<FrontAddress>, 2> known_;
};

}  // namespace vicinity::dataplane
