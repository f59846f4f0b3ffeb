// Walker's alias table in the integers of struct vic_alias: a choice between unequal shares is one
// draw of 32 bits. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

namespace vicinity::compile {

// A column is one of n equally likely slots: it is kept in `threshold` of 65536 cases, otherwise
// `other` is taken. A column that is always kept names itself.
struct Column {
  uint16_t threshold = 0;
  uint16_t other = 0;
  auto operator<=>(const Column&) const = default;
};

// A share of the whole: of `percent` of all choices, weight / sum(weights with this group).
struct ShareGroup {
  uint32_t percent = 0;
  std::vector<uint64_t> weights;
};

inline constexpr uint32_t kColumnUnits = 65536;

// `total` in proportion to the weights, by largest remainder, ties to the first. REQUIRES: a weight
// above 0.
[[nodiscard]] std::vector<uint64_t> apportioned(uint64_t total, std::span<const uint64_t> weights);

// How many of the n * kColumnUnits units each of the n members gets, in order of the groups: its
// exact share, rounded so that nothing is lost (largest remainder, ties to the first). Off by less
// than 1e-5 of the whole. REQUIRES: the percentages sum to 100, every group has a weight above 0.
[[nodiscard]] std::vector<uint64_t> share_units(std::span<const ShareGroup> groups);

// The alias table that gives every slot exactly its units. REQUIRES: at most 65535 units, which
// sum to size * kColumnUnits.
[[nodiscard]] std::vector<Column> alias_table(std::span<const uint64_t> units);

}  // namespace vicinity::compile
