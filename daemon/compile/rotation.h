// Round robin among unequal weights as one fixed rotation: the order in which an earliest-deadline
// scheduler, as Envoy's, serves hosts of these weights, written out for one whole period. Walking
// it gives every host exactly its share, spread as evenly as possible. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vicinity::compile {

inline constexpr uint32_t kLongestRotation = 65536;

// Indices into `weights`; empty when they are equal: then the rotation is 0, 1, 2... A period
// longer than kLongestRotation is shortened to about that: shares are rounded by largest remainder,
// but every host has a turn. REQUIRES: 1 to 65535 weights above 0.
[[nodiscard]] std::vector<uint16_t> rotation(std::span<const uint32_t> weights);

// The weights divided by what they have in common; those beyond 32 bits are scaled down, to no less
// than 1. REQUIRES: every weight above 0.
[[nodiscard]] std::vector<uint32_t> reduced_weights(std::span<const uint64_t> weights);

}  // namespace vicinity::compile
