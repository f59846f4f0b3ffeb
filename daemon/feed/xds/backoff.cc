#include "feed/xds/backoff.h"

#include <algorithm>

namespace vicinity::feed::xds {

absl::Duration Backoff::after(absl::Duration lived) {
  if (lived >= kLongLived) {
    ceiling_ = kMin * 2;
    return absl::ZeroDuration();
  }
  const absl::Duration wait = ceiling_ / 2 + ceiling_ / 2 * uniform_();
  ceiling_ = std::min(ceiling_ * 2, kMax);
  return wait;
}

}  // namespace vicinity::feed::xds
