// Envoy's hash ring for one tier (ring_hash_lb.cc, xxHash64): the least host gets a whole number of
// entries, so many that the ring has at least the minimum size, but never more than the maximum in
// all; entry i of a host is at xxHash64("KEY_i"). A connection with hash h goes to the first entry
// at h or behind it, and from the end of the ring to its beginning. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "compile/hash_hosts.h"

namespace vicinity::compile {

struct RingEntry {
  uint64_t hash = 0;
  uint16_t host = 0;  // index into the hosts
  auto operator<=>(const RingEntry&) const = default;
};

struct RingSizes {
  uint32_t min = 1024;
  uint32_t max = 8388608;
};

// How many entries each host has, in order; computed as Envoy does, in floating point.
[[nodiscard]] std::vector<uint32_t> ring_entries(std::span<const HashHost> hosts, RingSizes sizes);

// Sorted by hash. Of several entries with one hash only the first host's is kept: no other can be
// reached. REQUIRES: 1 to 65536 hosts, 1 <= min <= max.
[[nodiscard]] std::vector<RingEntry> hash_ring(std::span<const HashHost> hosts, RingSizes sizes);

}  // namespace vicinity::compile
