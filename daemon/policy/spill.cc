#include "policy/spill.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>

namespace vicinity::policy {
namespace {

using Percents = std::vector<uint32_t>;

uint32_t availability(uint32_t usable, const HostCounts& hosts, uint32_t factor_percent) {
  if (hosts.counted() == 0) return 0;
  const uint64_t percent = uint64_t{factor_percent} * usable / hosts.counted();
  return static_cast<uint32_t>(std::min<uint64_t>(100, percent));
}

// What is left of `load` after each priority took its part.
uint32_t distribute(const Percents& available, uint32_t norm, uint32_t load, Percents& loads) {
  for (size_t i = 0; i < available.size(); ++i) {
    loads[i] = std::min(load, available[i] * 100 / norm);
    load -= loads[i];
  }
  return load;
}

std::optional<size_t> first_above_zero(const Percents& available) {
  const auto found = std::ranges::find_if(available, [](uint32_t one) { return one > 0; });
  if (found == available.end()) return std::nullopt;
  return found - available.begin();
}

bool in_panic(const HostCounts& hosts, uint32_t threshold) {
  if (hosts.counted() == 0) return threshold > 0;
  const uint64_t usable = uint64_t{hosts.healthy} + hosts.degraded;
  return usable * 100 < uint64_t{std::min(threshold, 100U)} * hosts.counted();
}

// Every priority is in panic: by the number of hosts, whatever their health.
void share_by_hosts(std::span<const HostCounts> priorities, std::vector<PriorityLoad>& loads) {
  uint64_t all = 0;
  for (const HostCounts& hosts : priorities) all += hosts.total;
  uint32_t left = 100;
  std::optional<size_t> first;
  for (size_t i = 0; i < priorities.size(); ++i) {
    const uint64_t total = priorities[i].total;
    if (total > 0 && !first) first = i;
    loads[i].healthy_percent = all == 0 ? 0 : static_cast<uint32_t>(100 * total / all);
    loads[i].degraded_percent = 0;
    left -= loads[i].healthy_percent;
  }
  loads[first.value_or(0)].healthy_percent += left;
}

struct Availability {
  Percents healthy;
  Percents degraded;
  uint32_t norm = 0;
};

Availability availability_of(std::span<const HostCounts> priorities, uint32_t factor_percent) {
  Availability result;
  uint64_t sum = 0;
  for (const HostCounts& hosts : priorities) {
    result.healthy.push_back(availability(hosts.healthy, hosts, factor_percent));
    result.degraded.push_back(availability(hosts.degraded, hosts, factor_percent));
    sum += uint64_t{result.healthy.back()} + result.degraded.back();
  }
  result.norm = static_cast<uint32_t>(std::min<uint64_t>(100, sum));
  return result;
}

// REQUIRES: somebody is available.
void share_by_availability(const Availability& available, std::vector<PriorityLoad>& loads) {
  Percents healthy(loads.size(), 0);
  Percents degraded(loads.size(), 0);
  uint32_t left = distribute(available.healthy, available.norm, 100, healthy);
  left = distribute(available.degraded, available.norm, left, degraded);
  if (const auto first = first_above_zero(available.healthy)) {
    healthy[*first] += left;
  } else if (const auto first_degraded = first_above_zero(available.degraded)) {
    degraded[*first_degraded] += left;
  }
  for (size_t i = 0; i < loads.size(); ++i) {
    loads[i] = {.healthy_percent = healthy[i], .degraded_percent = degraded[i], .panic = false};
  }
}

Wide greatest_divisor(Wide left, Wide right) {
  while (right != 0) {
    const Wide rest = left % right;
    left = right;
    right = rest;
  }
  return left;
}

constexpr Wide kLimit = UINT64_MAX;

std::optional<Wide> common_denominator(std::span<const Ratio> ratios) {
  Wide common = 1;
  for (const Ratio& ratio : ratios) {
    const Wide under = ratio.under / greatest_divisor(ratio.under, ratio.over);
    const Wide step = under / greatest_divisor(common, under);
    if (step > kLimit || common * step > kLimit) return std::nullopt;
    common *= step;
  }
  return common;
}

std::optional<std::vector<uint64_t>> exact_shares(std::span<const Ratio> ratios) {
  const auto common = common_denominator(ratios);
  if (!common) return std::nullopt;
  std::vector<Wide> wide;
  Wide divisor = 0;
  for (const Ratio& ratio : ratios) {
    const Wide shared = greatest_divisor(ratio.under, ratio.over);
    const Wide over = ratio.over / shared;
    if (over > kLimit) return std::nullopt;
    wide.push_back(over * (*common / (ratio.under / shared)));
    divisor = greatest_divisor(wide.back(), divisor);
  }
  if (divisor == 0) divisor = 1;
  if (std::ranges::any_of(wide, [&](Wide one) { return one / divisor > kLimit; })) {
    return std::nullopt;
  }
  std::vector<uint64_t> shares;
  shares.reserve(wide.size());
  for (const Wide one : wide) shares.push_back(static_cast<uint64_t>(one / divisor));
  return shares;
}

std::vector<uint64_t> rounded_shares(std::span<const Ratio> ratios) {
  constexpr double kWhole = static_cast<double>(uint64_t{1} << 52);
  std::vector<double> parts;
  for (const Ratio& ratio : ratios) {
    parts.push_back(static_cast<double>(ratio.over) / static_cast<double>(ratio.under));
  }
  const double sum = std::accumulate(parts.begin(), parts.end(), 0.0);
  std::vector<uint64_t> shares;
  for (const double part : parts) {
    const auto share = static_cast<uint64_t>(part / sum * kWhole);
    shares.push_back(part > 0 ? std::max<uint64_t>(share, 1) : 0);
  }
  return shares;
}

}  // namespace

std::vector<PriorityLoad> priority_loads(std::span<const HostCounts> priorities,
                                         const SpillRule& rule) {
  std::vector<PriorityLoad> loads(priorities.size());
  if (loads.empty()) return loads;
  const Availability available = availability_of(priorities, rule.factor_percent);
  if (available.norm > 0) share_by_availability(available, loads);
  if (available.norm == 100) return loads;
  bool all_in_panic = true;
  for (size_t i = 0; i < loads.size(); ++i) {
    loads[i].panic = in_panic(priorities[i], rule.panic_percent);
    all_in_panic = all_in_panic && loads[i].panic;
  }
  if (all_in_panic) {
    share_by_hosts(priorities, loads);
  } else if (available.norm == 0) {
    loads[0].healthy_percent = 100;
  }
  return loads;
}

Ratio scaled_weight(uint64_t weight, uint32_t usable, uint32_t counted, uint32_t factor_percent) {
  if (counted == 0) return {};
  const uint64_t full = uint64_t{100} * counted;
  const uint64_t scaled = std::min(full, uint64_t{factor_percent} * usable);
  return {.over = Wide{weight} * scaled, .under = full};
}

std::vector<uint64_t> whole_shares(std::span<const Ratio> ratios) {
  if (auto exact = exact_shares(ratios)) return *std::move(exact);
  return rounded_shares(ratios);
}

}  // namespace vicinity::policy
