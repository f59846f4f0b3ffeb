// outlierDetection: what istiod makes of it for Envoy (pilot cluster_traffic_policy.go,
// applyOutlierDetection), as far as connects tell.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include "policy/istio/parse.h"

namespace vicinity::policy::istio {
namespace {

constexpr std::string_view kConnects =
    "counts connects that fail or are reset at once: HTTP responses are not seen at connect time, "
    "so use a readiness probe for them";
constexpr std::string_view kSplitConnects =
    "counts connections that are reset at once, for connects that fail are local origin: HTTP "
    "responses are not seen at connect time, so use a readiness probe for them";

constexpr std::array kUnsupported{
    Unsupported{"consecutiveErrors", Severity::kWarning,
                "is Istio's old name and has no effect there either: use consecutive5xxErrors"},
};

// 0 switches it off.
void read_streak(Fields& outlier, std::string_view name, Streak& streak) {
  const auto failures = outlier.integer(name, 0, UINT32_MAX);
  if (!failures) return;
  streak.failures = static_cast<uint32_t>(*failures);
  streak.enforced_percent = *failures > 0 ? 100 : 0;
}

void warn_http(Fields& outlier, bool split) {
  for (const std::string_view name : {"consecutive5xxErrors", "consecutiveGatewayErrors"}) {
    const Node* value = outlier.node().find(name);
    if (value == nullptr || value->scalar == "0") continue;
    outlier.warning(name, std::string(split ? kSplitConnects : kConnects));
  }
}

void read_times(Fields& outlier, OutlierSpec& spec) {
  constexpr double kLongestS = 86'400.0 * 30;
  const auto read = [&](std::string_view name, uint32_t& milliseconds) {
    const auto seconds = outlier.duration(name);
    if (!seconds) return;
    if (*seconds < 0.001 || *seconds > kLongestS) {
      outlier.error(name, "must be from 1ms to 720h");
      return;
    }
    milliseconds = static_cast<uint32_t>(std::lround(*seconds * 1000));
  };
  read("interval", spec.interval_ms);
  read("baseEjectionTime", spec.base_ejection_ms);
  spec.max_ejection_ms = std::max(spec.max_ejection_ms, spec.base_ejection_ms);
}

}  // namespace

OutlierDetection parse_outlier(Fields outlier) {
  OutlierDetection detection;
  OutlierSpec& spec = detection.spec;
  spec.success_rate.enforced_percent = 0;
  spec.success_rate.local_enforced_percent = 0;
  const auto percent = outlier.integer("minHealthPercent", 0, 100);
  detection.min_health_percent = static_cast<uint32_t>(percent.value_or(0));
  spec.split_local_origin = outlier.boolean("splitExternalLocalOriginErrors").value_or(false);
  read_streak(outlier, "consecutive5xxErrors", spec.consecutive_5xx);
  read_streak(outlier, "consecutiveGatewayErrors", spec.consecutive_gateway);
  const int64_t local =
      outlier.integer("consecutiveLocalOriginFailures", 0, UINT32_MAX).value_or(0);
  if (local > 0) {
    spec.consecutive_local_origin.failures = static_cast<uint32_t>(local);
    if (!spec.split_local_origin) {
      outlier.warning("consecutiveLocalOriginFailures",
                      "has no effect without splitExternalLocalOriginErrors");
    }
  }
  read_times(outlier, spec);
  const auto most = outlier.integer("maxEjectionPercent", 0, 100).value_or(0);
  if (most > 0) spec.max_ejection_percent = static_cast<uint32_t>(most);
  warn_http(outlier, spec.split_local_origin);
  outlier.unsupported(kUnsupported);
  outlier.finish();
  return detection;
}

}  // namespace vicinity::policy::istio
