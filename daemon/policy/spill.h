// How much of the new connections each priority gets when the ones before it are partly sick:
// Envoy's integer arithmetic (semantics section 5), shared by every policy source that spills
// gradually. Counts in, percentages out; what they are counts of is spill_tiers.h. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

namespace vicinity::policy {

// What a feed or a probe says of one host. A degraded host works but is used after the healthy
// ones; an excluded one (warming up) counts for nothing until it is past that; an ejected one is
// unhealthy for what came of connects to it.
enum class HostHealth : uint8_t { kHealthy, kDegraded, kUnhealthy, kExcluded, kEjected };

// Hosts of one priority, or of one locality in it: `total` holds all, the excluded ones too.
struct HostCounts {
  uint32_t total = 0;
  uint32_t healthy = 0;
  uint32_t degraded = 0;
  uint32_t excluded = 0;
  [[nodiscard]] uint32_t counted() const { return total - excluded; }
  auto operator<=>(const HostCounts&) const = default;
};

// How the localities of one priority share what the priority gets.
enum class LocalityWeighting : uint8_t {
  kNone,    // not at all: every host by its own weight
  kScaled,  // by their weights, less where too few hosts are healthy
  kRaw,     // by their weights alone: what consistent hashing builds its tables from
};

struct SpillRule {
  uint32_t factor_percent = 140;  // overprovisioning: 100 spills with the first sick host
  uint32_t panic_percent = 50;    // fewer usable hosts than this: all are used; 0 = never
  LocalityWeighting weighting = LocalityWeighting::kNone;
  auto operator<=>(const SpillRule&) const = default;
};

struct PriorityLoad {
  uint32_t healthy_percent = 0;   // of all new connections, for this priority's healthy hosts
  uint32_t degraded_percent = 0;  // likewise, for its degraded hosts
  bool panic = false;             // whatever it gets goes to all its hosts, sick ones too
  [[nodiscard]] uint32_t percent() const { return healthy_percent + degraded_percent; }
  auto operator<=>(const PriorityLoad&) const = default;
};

// The load of each priority, most preferred first. All percentages sum to 100, unless there is no
// priority at all.
//   health_i   = min(100, factor * healthy_i / counted_i), rounded down; degraded hosts alike
//   norm       = min(100, the sum of all of these)
//   load_i     = min(what is left of 100, health_i * 100 / norm), healthy ones of all priorities
//                first, then degraded ones; what rounding leaves goes to the first healthy priority
//   panic_i    = usable_i / counted_i under the threshold, only looked at when norm < 100. With
//                every priority in panic the load follows the number of hosts, rest to the first.
// With a threshold of 0 and nobody usable the first priority has the load, and nobody to take it.
// REQUIRES: healthy + degraded + excluded <= total in each.
[[nodiscard]] std::vector<PriorityLoad> priority_loads(std::span<const HostCounts> priorities,
                                                       const SpillRule& rule);

// A ratio of whole numbers, so that shares stay exact until they meet the table.
__extension__ using Wide = unsigned __int128;
struct Ratio {
  Wide over = 0;
  Wide under = 1;
};

// A locality's weight * min(1, factor / 100 * usable / counted); 0 when nothing counts.
[[nodiscard]] Ratio scaled_weight(uint64_t weight, uint32_t usable, uint32_t counted,
                                  uint32_t factor_percent);

// Whole numbers in the proportions of the ratios: exactly, when they have a common denominator that
// leaves each within 64 bits; else within 2^-50 of the whole. A ratio above 0 never becomes 0.
[[nodiscard]] std::vector<uint64_t> whole_shares(std::span<const Ratio> ratios);

}  // namespace vicinity::policy
