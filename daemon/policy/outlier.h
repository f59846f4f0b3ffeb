// When an endpoint that fails is left out for a while: Envoy's outlier detector as far as connects
// tell of it (semantics section 5), and what the connect hook does before the daemon has looked.
// Part of a Plan; every policy source fills the same value. Defaults are Envoy's
// (envoy.config.cluster.v3.OutlierDetection) unless a field says otherwise. Pure.
#pragma once

#include <absl/status/status.h>

#include <compare>
#include <cstdint>
#include <string>

namespace vicinity::policy {

// So many failures in a row eject, in `enforced_percent` of the cases. 0 failures or 0 percent:
// never.
struct Streak {
  uint32_t failures = 5;
  uint32_t enforced_percent = 100;
  auto operator<=>(const Streak&) const = default;
};

// Ejects who succeeds less often than mean - factor * standard deviation, each over the endpoints
// with enough connects in the interval.
struct SuccessRate {
  uint32_t minimum_hosts = 5;      // with enough connects; fewer: nobody is judged
  uint32_t request_volume = 100;   // connects in the interval that are enough
  uint32_t stdev_permille = 1900;  // the factor, in thousandths
  uint32_t enforced_percent = 100;
  uint32_t local_enforced_percent = 100;  // when local origin is split off
  auto operator<=>(const SuccessRate&) const = default;
};

// Ejects who fails in this many percent of its connects, or more.
struct FailurePercentage {
  uint32_t threshold = 85;
  uint32_t minimum_hosts = 5;
  uint32_t request_volume = 50;
  uint32_t enforced_percent = 0;
  uint32_t local_enforced_percent = 0;
  auto operator<=>(const FailurePercentage&) const = default;
};

// The connect hook's own part (ours, not Envoy's): after so many failures of this node's connects
// in a row it draws a second time instead of choosing the endpoint, for at most `base_ejection_ms`
// and at most for most_ejected() endpoints of a table. 0 = this kind of failure is not acted on.
struct HookReaction {
  uint32_t refused_in_row = 1;  // also unreachable
  uint32_t timeouts_in_row = 3;
  [[nodiscard]] bool on() const { return refused_in_row > 0 || timeouts_in_row > 0; }
  auto operator<=>(const HookReaction&) const = default;
};

// How connects count. Refused and unreachable are connect failures (503), timed out is 504, reset
// before anything was received is a failure of the other side (500; 503 when split), established is
// success (200). Unless split all of them count as 5xx, and 503 and 504 as gateway errors; split,
// those of the connect itself count as local origin only.
struct OutlierSpec {
  Streak consecutive_5xx;
  Streak consecutive_gateway{.failures = 5, .enforced_percent = 0};
  bool split_local_origin = false;
  Streak consecutive_local_origin;  // when split
  SuccessRate success_rate;
  FailurePercentage failure_percentage;
  uint32_t interval_ms = 10'000;       // between two looks; also the shortest time ejected
  uint32_t base_ejection_ms = 30'000;  // times the number of ejections in a row
  uint32_t max_ejection_ms = 300'000;  // at least the base
  uint32_t max_jitter_ms = 0;          // added at random
  uint32_t max_ejection_percent = 10;  // of the service's endpoints, over all tiers
  bool always_eject_one = false;       // the first, whatever the percentage
  HookReaction hook;
  auto operator<=>(const OutlierSpec&) const = default;
};

// What --outlier-default conservative judges services by that no policy says more about: 5 connects
// that fail in a row and nothing else; at least one endpoint, at most half of them.
[[nodiscard]] OutlierSpec conservative_outlier();

// The most of `endpoints` that may be ejected at a time (Envoy's ejectHost).
[[nodiscard]] uint32_t most_ejected(const OutlierSpec& spec, uint32_t endpoints);

// A policy's way to say that a service is not judged, whatever the mesh's default is.
[[nodiscard]] OutlierSpec no_outlier();
// Whether anything can make it eject; if not, neither does the hook react.
[[nodiscard]] bool ejects(const OutlierSpec& spec);

// InvalidArgument names the field, its value and what is allowed.
[[nodiscard]] absl::Status check(const OutlierSpec& spec);

// "local_origin=5 interval=10s ejection=30s..300s max=10%": what can eject and for how long; "hook
// refused=1 timeouts=3" at the end when it reacts.
[[nodiscard]] std::string to_text(const OutlierSpec& spec);

}  // namespace vicinity::policy
