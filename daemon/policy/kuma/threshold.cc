#include "policy/kuma/threshold.h"

#include <algorithm>

namespace vicinity::policy::kuma {
namespace {

constexpr size_t kMaxWhole = 9;
constexpr size_t kMaxDecimals = 6;

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

uint64_t power_of_ten(uint32_t exponent) {
  uint64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

}  // namespace

std::optional<Percentage> parse_decimal(std::string_view text) {
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const bool has_point = point != std::string_view::npos;
  const std::string_view decimals = has_point ? text.substr(point + 1) : std::string_view();
  if (whole.empty() || whole.size() > kMaxWhole || !all_digits(whole)) return std::nullopt;
  if (has_point && decimals.empty()) return std::nullopt;
  if (decimals.size() > kMaxDecimals || !all_digits(decimals)) return std::nullopt;
  Percentage result{.digits = 0, .decimals = static_cast<uint32_t>(decimals.size())};
  for (const char digit : whole) result.digits = result.digits * 10 + (digit - '0');
  for (const char digit : decimals) result.digits = result.digits * 10 + (digit - '0');
  return result;
}

bool is_threshold(const Percentage& percentage) {
  return percentage.digits > 0 && percentage.digits <= 100 * power_of_ten(percentage.decimals);
}

uint32_t permille(const Percentage& number) {
  const uint64_t thousandths = number.digits * 1000 / power_of_ten(number.decimals);
  return static_cast<uint32_t>(std::min<uint64_t>(thousandths, UINT32_MAX));
}

uint32_t factor_percent(const std::optional<Percentage>& percentage, Threshold threshold) {
  if (!percentage) return kDefaultFactorPercent;
  const uint64_t unit = power_of_ten(percentage->decimals);
  const uint64_t digits = percentage->digits;
  const uint64_t factor = threshold == Threshold::kCompat ? 100 * unit / digits * 100
                                                          : (10000 * unit + digits - 1) / digits;
  return static_cast<uint32_t>(std::min<uint64_t>(factor, UINT32_MAX));
}

}  // namespace vicinity::policy::kuma
