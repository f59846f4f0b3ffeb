// A latency histogram with fixed bounds, as a value. No thread contract of its own.
#pragma once

#include <absl/time/time.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace vicinity::telemetry {

struct Histogram {
  static constexpr std::array kBoundsSeconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                             0.05,   0.1,   0.25,   0.5,   1.0,  5.0};

  // Not cumulative; the last one is for everything above the last bound.
  std::array<uint64_t, kBoundsSeconds.size() + 1> counts{};
  double sum_seconds = 0;

  void observe(absl::Duration value) {
    const double seconds = absl::ToDoubleSeconds(value);
    size_t bucket = 0;
    while (bucket < kBoundsSeconds.size() && seconds > kBoundsSeconds[bucket]) ++bucket;
    ++counts[bucket];
    sum_seconds += seconds;
  }
  bool operator==(const Histogram&) const = default;
};

}  // namespace vicinity::telemetry
