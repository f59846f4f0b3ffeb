#include "compile/alias.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace vicinity::compile {
namespace {

__extension__ using Wide = unsigned __int128;

}  // namespace

std::vector<uint64_t> apportioned(uint64_t total, std::span<const uint64_t> weights) {
  const auto sum = std::accumulate(weights.begin(), weights.end(), Wide{0});
  std::vector<uint64_t> parts(weights.size());
  std::vector<Wide> remainders(weights.size());
  uint64_t given = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const Wide exact = Wide{total} * weights[i];
    parts[i] = static_cast<uint64_t>(exact / sum);
    remainders[i] = exact % sum;
    given += parts[i];
  }
  std::vector<uint32_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](uint32_t left, uint32_t right) {
    if (remainders[left] != remainders[right]) return remainders[left] > remainders[right];
    return left < right;
  });
  for (size_t i = 0; given < total; ++i, ++given) ++parts[order[i]];
  return parts;
}

std::vector<uint64_t> share_units(std::span<const ShareGroup> groups) {
  std::vector<uint64_t> percents;
  size_t members = 0;
  for (const ShareGroup& group : groups) {
    percents.push_back(group.percent);
    members += group.weights.size();
  }
  const std::vector<uint64_t> totals = apportioned(uint64_t{kColumnUnits} * members, percents);
  std::vector<uint64_t> units;
  units.reserve(members);
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto part = apportioned(totals[i], groups[i].weights);
    units.insert(units.end(), part.begin(), part.end());
  }
  return units;
}

// Vose's pairing: a column with too little is filled up by one with too much.
std::vector<Column> alias_table(std::span<const uint64_t> units) {
  std::vector<uint64_t> rest(units.begin(), units.end());
  std::vector<Column> columns(units.size());
  std::vector<uint16_t> small;
  std::vector<uint16_t> large;
  for (size_t i = 0; i < units.size(); ++i) {
    (rest[i] < kColumnUnits ? small : large).push_back(static_cast<uint16_t>(i));
  }
  while (!small.empty()) {
    const uint16_t needy = small.back();
    const uint16_t donor = large.back();
    small.pop_back();
    columns[needy] = {.threshold = static_cast<uint16_t>(rest[needy]), .other = donor};
    rest[donor] -= kColumnUnits - rest[needy];
    if (rest[donor] < kColumnUnits) {
      large.pop_back();
      small.push_back(donor);
    }
  }
  for (const uint16_t full : large) columns[full] = {.threshold = UINT16_MAX, .other = full};
  return columns;
}

}  // namespace vicinity::compile
