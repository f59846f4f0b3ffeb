#include "dataplane/tick.h"

#include <ctime>

namespace vicinity::dataplane {
namespace {

constexpr absl::Duration kShortest = absl::Milliseconds(1);

}  // namespace

absl::Duration tick_length() {
  timespec resolution = {};  // the coarse clocks advance with every tick
  if (::clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) != 0) return absl::ZeroDuration();
  return absl::DurationFromTimespec(resolution);
}

uint32_t tick_ns() {
  const absl::Duration length = tick_length();
  return static_cast<uint32_t>(
      absl::ToInt64Nanoseconds(length > absl::ZeroDuration() ? length : kShortest));
}

}  // namespace vicinity::dataplane
