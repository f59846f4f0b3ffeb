// crossZone.failoverThreshold: from a percentage of live endpoints to Envoy's overprovisioning
// factor, as it is meant and as Kuma does it. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vicinity::policy::kuma {

// A decimal number, exactly: "12.5" is 125 with one digit behind the point.
struct Percentage {
  uint64_t digits = 0;
  uint32_t decimals = 0;
  auto operator<=>(const Percentage&) const = default;
};

// --kuma-threshold
enum class Threshold : uint8_t {
  kExact,   // spill begins where the policy says
  kCompat,  // Kuma's truncation: only 100, 50, 33.3, 25, 20, ... are met
};

inline constexpr uint32_t kDefaultFactorPercent = 200;  // half of the endpoints

// Nine digits before the point and six behind it at most; no sign, no exponent. nullopt: not that.
[[nodiscard]] std::optional<Percentage> parse_decimal(std::string_view text);
// Above 0 and at most 100.
[[nodiscard]] bool is_threshold(const Percentage& percentage);

// Thousandths, rounded down, at most UINT32_MAX.
[[nodiscard]] uint32_t permille(const Percentage& number);

// ceil(10000 / p) or, for kCompat, trunc(100 / p) * 100: 70 is 143 or 100. Unset is
// kDefaultFactorPercent. REQUIRES: is_threshold.
[[nodiscard]] uint32_t factor_percent(const std::optional<Percentage>& percentage,
                                      Threshold threshold);

}  // namespace vicinity::policy::kuma
