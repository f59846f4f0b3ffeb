// When a tier whose endpoints are overloaded gives part of its connections to the next one, and how
// much may leave (ours: no mesh has it). Part of a Plan; who is overloaded, and how far it is, is
// told by health/load_spill.h. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace vicinity::policy {

// A tier is over when either is above its limit; 0 = that one is not looked at.
struct LoadSpillSpec {
  uint32_t max_active_permille = 0;    // this node's open connections per unit of capacity
  uint32_t connect_time_permille = 0;  // times what the tier's connects take usually
  uint32_t interval_ms = 10'000;       // between two looks; one step at most in each
  uint32_t step_percent = 10;          // of what the tier has
  uint32_t max_share_percent = 50;     // of all new connections that may leave the zone
  auto operator<=>(const LoadSpillSpec&) const = default;
};

// What counts of a tier when connections move between tiers.
struct TierLoad {
  uint32_t percent = 0;      // of all new connections, before any moves
  bool leaves_zone = false;  // it has endpoints in another zone than the client's
  auto operator<=>(const TierLoad&) const = default;
};

// The percentages when each tier hands `given` percent of what it has, and of what the one before
// hands it, to the next one. The last tier keeps all. Those that leave the zone get at most
// `max_share_percent` more than they had. `given` is beside `tiers`.
[[nodiscard]] std::vector<uint32_t> loads_after(std::span<const TierLoad> tiers,
                                                std::span<const uint32_t> given,
                                                uint32_t max_share_percent);

// "active=2.5 connect_time=3x interval=10s step=10% max=50%"
[[nodiscard]] std::string to_text(const LoadSpillSpec& spec);

}  // namespace vicinity::policy
