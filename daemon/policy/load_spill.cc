#include "policy/load_spill.h"

#include <fmt/format.h>

#include <algorithm>

namespace vicinity::policy {

std::vector<uint32_t> loads_after(std::span<const TierLoad> tiers, std::span<const uint32_t> given,
                                  uint32_t max_share_percent) {
  std::vector<uint32_t> loads;
  for (const TierLoad& tier : tiers) loads.push_back(tier.percent);
  uint32_t left = 0;  // what tiers that leave the zone have more than before
  for (size_t i = 0; i + 1 < tiers.size(); ++i) {
    uint32_t moved = (loads[i] * given[i] + 50) / 100;
    if (tiers[i + 1].leaves_zone) {
      // What the tier itself got from nearer ones has left already.
      const uint32_t before =
          tiers[i].leaves_zone ? loads[i] - std::min(loads[i], tiers[i].percent) : 0;
      const uint32_t more = max_share_percent - std::min(left, max_share_percent);
      moved = std::min(moved, before + more);
      left += moved - std::min(moved, before);
    }
    loads[i] -= moved;
    loads[i + 1] += moved;
  }
  return loads;
}

std::string to_text(const LoadSpillSpec& spec) {
  std::string text;
  if (spec.max_active_permille > 0) {
    text += fmt::format("active={} ", spec.max_active_permille / 1000.0);
  }
  if (spec.connect_time_permille > 0) {
    text += fmt::format("connect_time={}x ", spec.connect_time_permille / 1000.0);
  }
  return text + fmt::format("interval={}s step={}% max={}%", spec.interval_ms / 1000.0,
                            spec.step_percent, spec.max_share_percent);
}

}  // namespace vicinity::policy
