// How long to wait before the next attempt to connect. Pure; randomness is an argument.
#pragma once

#include <absl/time/time.h>

#include <functional>

namespace vicinity::feed::xds {

// Uniform in [0, 1).
using Uniform = std::function<double()>;

class Backoff {
 public:
  static constexpr absl::Duration kMin = absl::Seconds(1);
  static constexpr absl::Duration kMax = absl::Seconds(30);
  // A stream that lived this long was a working one: its end is routine (istiod ends streams
  // every half hour), and the next attempt follows at once.
  static constexpr absl::Duration kLongLived = absl::Seconds(60);

  explicit Backoff(Uniform uniform) : uniform_(std::move(uniform)) {}

  // A stream has ended that was answered for `lived` (zero: never answered). The ceiling doubles
  // from 2 s to 30 s with each short-lived one; the wait is between half the ceiling and the
  // ceiling, so that clients cut off together come back apart.
  absl::Duration after(absl::Duration lived);

 private:
  Uniform uniform_;
  absl::Duration ceiling_ = kMin * 2;
};

}  // namespace vicinity::feed::xds
