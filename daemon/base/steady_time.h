// A clock for deadlines: reads like the wall clock did when the process started, and never steps
// when that is set. Any thread.
#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <ctime>

namespace vicinity::base {

[[nodiscard]] inline absl::Duration monotonic_time() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

[[nodiscard]] inline absl::Time steady_now() {
  static const absl::Time zero = absl::Now() - monotonic_time();  // lint: wall clock
  return zero + monotonic_time();
}

}  // namespace vicinity::base
