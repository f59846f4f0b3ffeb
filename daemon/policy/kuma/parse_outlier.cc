// MeshCircuitBreaker's outlierDetection, and what Kuma makes of it for Envoy.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "policy/kuma/parse.h"

namespace vicinity::policy::kuma {
namespace {

constexpr int64_t kAny = UINT32_MAX;

std::optional<uint32_t> read_count(Fields& at, std::string_view name, int64_t most) {
  const auto count = at.integer(name, 0, most);
  return count ? std::optional(static_cast<uint32_t>(*count)) : std::nullopt;
}

std::optional<uint32_t> read_time(Fields& at, std::string_view name) {
  constexpr double kLongestS = 86'400.0 * 30;
  const auto seconds = at.duration(name);
  if (!seconds) return std::nullopt;
  if (*seconds < 0.001 || *seconds > kLongestS) {
    at.error(name, "must be from 1ms to 720h");
    return std::nullopt;
  }
  return static_cast<uint32_t>(std::lround(*seconds * 1000));
}

// "Either int or decimal represented as string", in thousandths.
std::optional<uint32_t> read_decimal(Fields& at, std::string_view name, uint32_t most) {
  const auto text = at.text(name);
  if (!text) return std::nullopt;
  const auto number = parse_decimal(*text);
  if (!number || permille(*number) > most * 1000) {
    at.error(name, fmt::format("'{}' is not a number from 0 to {}", *text, most));
    return std::nullopt;
  }
  return permille(*number);
}

std::optional<OutlierDetection::Consecutive> read_consecutive(Fields& detectors,
                                                              std::string_view name) {
  Fields at = detectors.map(name);
  if (!at.present()) return std::nullopt;
  OutlierDetection::Consecutive streak{.failures = read_count(at, "consecutive", kAny)};
  at.finish();
  return streak;
}

void read_volume(Fields& at, OutlierDetection::Rate& rate) {
  rate.minimum_hosts = read_count(at, "minimumHosts", kAny);
  rate.request_volume = read_count(at, "requestVolume", kAny);
}

OutlierDetection::Detectors read_detectors(Fields at) {
  OutlierDetection::Detectors detectors;
  detectors.total = read_consecutive(at, "totalFailures");
  detectors.gateway = read_consecutive(at, "gatewayFailures");
  detectors.local_origin = read_consecutive(at, "localOriginFailures");
  if (Fields rate = at.map("successRate"); rate.present()) {
    read_volume(rate, detectors.success_rate.emplace());
    detectors.success_rate->limit = read_decimal(rate, "standardDeviationFactor", 1000);
    rate.finish();
  }
  if (Fields rate = at.map("failurePercentage"); rate.present()) {
    read_volume(rate, detectors.failure_percentage.emplace());
    detectors.failure_percentage->limit = read_count(rate, "threshold", 100);
    rate.finish();
  }
  at.finish();
  return detectors;
}

void fill(const std::optional<OutlierDetection::Consecutive>& from, Streak& streak) {
  const bool counts = from && from->failures;
  streak.enforced_percent = counts ? 100 : 0;
  if (counts) streak.failures = *from->failures;
}

template <class Rule>
void fill_rate(const std::optional<OutlierDetection::Rate>& from, Rule& rule, uint32_t& limit) {
  rule.enforced_percent = from ? 100 : 0;
  rule.local_enforced_percent = rule.enforced_percent;
  if (!from) return;
  rule.minimum_hosts = from->minimum_hosts.value_or(rule.minimum_hosts);
  rule.request_volume = from->request_volume.value_or(rule.request_volume);
  limit = from->limit.value_or(limit);
}

}  // namespace

OutlierDetection parse_outlier(Fields outlier) {
  OutlierDetection detection;
  detection.disabled = outlier.boolean("disabled");
  detection.interval_ms = read_time(outlier, "interval");
  detection.base_ejection_ms = read_time(outlier, "baseEjectionTime");
  detection.max_ejection_percent = read_count(outlier, "maxEjectionPercent", 100);
  detection.split = outlier.boolean("splitExternalAndLocalErrors");
  if (Fields detectors = outlier.map("detectors"); detectors.present()) {
    if (detectors.node().find("totalFailures") || detectors.node().find("gatewayFailures")) {
      outlier.warning("detectors",
                      "count connects that fail or are reset at once: HTTP responses are not seen "
                      "at connect time, so use a readiness probe for them");
    }
    detection.detectors = read_detectors(std::move(detectors));
  }
  if (const auto panic = read_decimal(outlier, "healthyPanicThreshold", 100)) {
    detection.panic_percent = (*panic + 999) / 1000;
  }
  outlier.finish();
  return detection;
}

OutlierSpec outlier_of(const OutlierDetection& detection) {
  if (detection.disabled.value_or(false)) return no_outlier();
  OutlierSpec spec;
  spec.interval_ms = detection.interval_ms.value_or(spec.interval_ms);
  spec.base_ejection_ms = detection.base_ejection_ms.value_or(spec.base_ejection_ms);
  spec.max_ejection_ms = std::max(spec.max_ejection_ms, spec.base_ejection_ms);
  spec.max_ejection_percent = detection.max_ejection_percent.value_or(spec.max_ejection_percent);
  spec.split_local_origin = detection.split.value_or(false);
  const auto detectors = detection.detectors.value_or(OutlierDetection::Detectors{});
  fill(detectors.total, spec.consecutive_5xx);
  fill(detectors.gateway, spec.consecutive_gateway);
  fill(detectors.local_origin, spec.consecutive_local_origin);
  // Without any detectors Kuma leaves Envoy's own rates alone: judged by success.
  if (!detection.detectors) return spec;
  fill_rate(detectors.success_rate, spec.success_rate, spec.success_rate.stdev_permille);
  fill_rate(detectors.failure_percentage, spec.failure_percentage,
            spec.failure_percentage.threshold);
  return spec;
}

}  // namespace vicinity::policy::kuma
