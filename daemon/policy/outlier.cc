#include "policy/outlier.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace vicinity::policy {
namespace {

std::string seconds(uint32_t milliseconds) { return fmt::format("{}s", milliseconds / 1000.0); }

struct Percent {
  std::string_view name;
  uint32_t value;
};

absl::Status check_percents(std::initializer_list<Percent> percents) {
  for (const Percent& one : percents) {
    if (one.value <= 100) continue;
    return base::invalid("outlier detection: {} {}: 0 to 100 are possible", one.name, one.value);
  }
  return absl::OkStatus();
}

void add_streak(std::string_view name, const Streak& streak, std::string& text) {
  if (streak.failures == 0 || streak.enforced_percent == 0) return;
  text += fmt::format("{}={} ", name, streak.failures);
}

}  // namespace

OutlierSpec conservative_outlier() {
  OutlierSpec spec;
  spec.split_local_origin = true;
  spec.consecutive_5xx.enforced_percent = 0;
  spec.success_rate.enforced_percent = 0;
  spec.success_rate.local_enforced_percent = 0;
  spec.max_ejection_percent = 50;
  spec.always_eject_one = true;
  return spec;
}

OutlierSpec no_outlier() {
  OutlierSpec spec;
  spec.consecutive_5xx.enforced_percent = 0;
  spec.consecutive_local_origin.enforced_percent = 0;
  spec.success_rate.enforced_percent = 0;
  spec.success_rate.local_enforced_percent = 0;
  return spec;
}

bool ejects(const OutlierSpec& spec) {
  if (spec.max_ejection_percent == 0 && !spec.always_eject_one) return false;
  const auto acts = [](const Streak& streak) {
    return streak.failures > 0 && streak.enforced_percent > 0;
  };
  if (acts(spec.consecutive_5xx) || acts(spec.consecutive_gateway)) return true;
  if (spec.success_rate.enforced_percent > 0) return true;
  if (spec.failure_percentage.enforced_percent > 0) return true;
  return spec.split_local_origin &&
         (acts(spec.consecutive_local_origin) || spec.success_rate.local_enforced_percent > 0 ||
          spec.failure_percentage.local_enforced_percent > 0);
}

uint32_t most_ejected(const OutlierSpec& spec, uint32_t endpoints) {
  const uint32_t percent = std::min(spec.max_ejection_percent, 100U);
  const auto most = static_cast<uint32_t>(uint64_t{percent} * endpoints / 100);
  return spec.always_eject_one && endpoints > 0 ? std::max(most, 1U) : most;
}

absl::Status check(const OutlierSpec& spec) {
  VIC_RETURN_IF_ERROR(check_percents({
      {"max_ejection_percent", spec.max_ejection_percent},
      {"consecutive_5xx enforcement", spec.consecutive_5xx.enforced_percent},
      {"consecutive_gateway enforcement", spec.consecutive_gateway.enforced_percent},
      {"consecutive_local_origin enforcement", spec.consecutive_local_origin.enforced_percent},
      {"success rate enforcement", spec.success_rate.enforced_percent},
      {"success rate local enforcement", spec.success_rate.local_enforced_percent},
      {"failure percentage threshold", spec.failure_percentage.threshold},
      {"failure percentage enforcement", spec.failure_percentage.enforced_percent},
      {"failure percentage local enforcement", spec.failure_percentage.local_enforced_percent},
  }));
  if (spec.interval_ms == 0) return base::invalid("outlier detection: interval 0: more is needed");
  if (spec.max_ejection_ms < spec.base_ejection_ms) {
    return base::invalid("outlier detection: longest ejection {}: at least the base, {}, is needed",
                         seconds(spec.max_ejection_ms), seconds(spec.base_ejection_ms));
  }
  return absl::OkStatus();
}

std::string to_text(const OutlierSpec& spec) {
  std::string text;
  add_streak("errors", spec.consecutive_5xx, text);
  add_streak("gateway_errors", spec.consecutive_gateway, text);
  if (spec.split_local_origin) add_streak("local_origin", spec.consecutive_local_origin, text);
  if (spec.success_rate.enforced_percent > 0) {
    text += fmt::format("success_rate={} ", spec.success_rate.stdev_permille / 1000.0);
  }
  if (spec.failure_percentage.enforced_percent > 0) {
    text += fmt::format("failure_percentage={}% ", spec.failure_percentage.threshold);
  }
  text += fmt::format("interval={} ejection={}..{} max={}%", seconds(spec.interval_ms),
                      seconds(spec.base_ejection_ms), seconds(spec.max_ejection_ms),
                      spec.max_ejection_percent);
  if (spec.always_eject_one) text += " at_least_one";
  if (spec.hook.on()) {
    text += fmt::format(" hook refused={} timeouts={}", spec.hook.refused_in_row,
                        spec.hook.timeouts_in_row);
  }
  return text;
}

}  // namespace vicinity::policy
