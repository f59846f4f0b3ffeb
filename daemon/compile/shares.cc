#include "compile/shares.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "compile/compile.h"
#include "compile/rotation.h"

namespace vicinity::compile {
namespace {

using policy::Algorithm;

// The alias table of the slots from `first` on, of which one draw chooses one.
void add_columns(PortTable& table, size_t first, std::span<const ShareGroup> groups) {
  const std::vector<uint64_t> units = share_units(groups);
  const auto fair = [](uint64_t share) { return share == kColumnUnits; };
  if (std::ranges::all_of(units, fair)) return;
  table.weighted = true;
  const std::vector<Column> columns = alias_table(units);
  for (size_t i = 0; i < columns.size(); ++i) {
    table.slots[first + i].threshold = columns[i].threshold;
    table.slots[first + i].other = static_cast<uint16_t>(first + columns[i].other);
  }
}

void add_columns_by_tier(PortTable& table, std::span<const ShareGroup> groups) {
  size_t first = 0;
  for (const ShareGroup& group : groups) {
    const ShareGroup alone = {.percent = 100, .weights = group.weights};
    add_columns(table, first, std::span(&alone, 1));
    first += group.weights.size();
  }
}

// From the thresholds that the kernel uses.
std::vector<double> drawn_shares(const PortTable& table) {
  std::vector<double> shares(table.slots.size(), 0.0);
  const double column = 1.0 / table.loaded;
  for (size_t i = 0; i < table.loaded; ++i) {
    const Slot& slot = table.slots[i];
    const bool always_kept = !table.weighted || slot.other == i;
    const double kept = always_kept ? 1.0 : static_cast<double>(slot.threshold) / kColumnUnits;
    shares[i] += column * kept;
    if (!always_kept) shares[slot.other] += column * (1.0 - kept);
  }
  return shares;
}

// The other algorithms pick a tier by its load and work inside it by the slots' shares.
std::vector<double> shares_by_tier(const PortTable& table) {
  std::vector<double> sums(table.tiers.size(), 0.0);
  for (const Slot& slot : table.slots) sums[slot.tier] += slot.share;
  std::vector<double> shares;
  shares.reserve(table.slots.size());
  for (const Slot& slot : table.slots) {
    const double load = table.tiers[slot.tier].load_percent / 100.0;
    shares.push_back(slot.share == 0 ? 0.0 : load * slot.share / sums[slot.tier]);
  }
  return shares;
}

}  // namespace

void add_shares(PortTable& table, std::span<const ShareGroup> groups) {
  if (table.algorithm.kind == Algorithm::kRandom) add_columns(table, 0, groups);
  if (table.algorithm.kind == Algorithm::kLeastRequest) add_columns_by_tier(table, groups);
  if (table.algorithm == policy::AlgorithmSpec{} && !table.watch) return;
  size_t slot = 0;
  for (const ShareGroup& group : groups) {
    for (const uint32_t share : reduced_weights(group.weights)) table.slots[slot++].share = share;
  }
}

std::vector<double> slot_shares(const PortTable& table) {
  if (table.loaded == 0) return std::vector<double>(table.slots.size(), 0.0);
  return table.algorithm.kind == Algorithm::kRandom ? drawn_shares(table) : shares_by_tier(table);
}

}  // namespace vicinity::compile
