// Waiting on a condition with a deadline, and the clock that all records of the test hosts use.
// Any thread.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <ctime>

namespace vicinity::testing {

using Duration = std::chrono::nanoseconds;

[[nodiscard]] inline std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

inline void pause_for(Duration duration) {
  const auto ns = duration.count();
  const timespec time{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  ppoll(nullptr, 0, &time, nullptr);
}

// True as soon as `condition()` is; false when `timeout` passed without. The condition is tried at
// least once more after the deadline, so a machine that stalls does not fail a test by itself.
template <class Condition>
[[nodiscard]] bool wait_until(Condition condition, Duration timeout) {
  using namespace std::chrono_literals;
  const std::int64_t deadline = monotonic_ns() + timeout.count();
  while (!condition()) {
    if (monotonic_ns() >= deadline) return condition();
    pause_for(2ms);
  }
  return true;
}

}  // namespace vicinity::testing
