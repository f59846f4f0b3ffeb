// Envoy's Maglev table for one tier, bit for bit (maglev_lb.cc): hosts in order of their keys take
// turns, each at the next free place of its own permutation of the table; a host of less than the
// largest weight sits out the turns that its weight does not pay for. A connection with hash h goes
// to the host in table[h mod size]. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compile/hash_hosts.h"

namespace vicinity::compile {

// `size` entries, each an index into `hosts`. REQUIRES: `size` is a prime, 1 to 65536 hosts.
[[nodiscard]] std::vector<uint16_t> maglev_table(std::span<const HashHost> hosts, uint32_t size);

}  // namespace vicinity::compile
