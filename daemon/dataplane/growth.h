// How large the maps of a generation should be. Pure.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>

#include "dataplane/object.h"
#include "dataplane/publisher.h"

namespace vicinity::dataplane {

// When sizes that could not be had may be tried again: not at once, and ever more rarely.
class GrowthRetry {
 public:
  [[nodiscard]] bool may_try(const Sizes& sizes, absl::Time now) const {
    return sizes != failed_ || now >= next_;
  }
  void failed(const Sizes& sizes, absl::Time now);
  void succeeded() { *this = {}; }

 private:
  static constexpr absl::Duration kFirstWait = absl::Seconds(1);
  static constexpr absl::Duration kLongestWait = absl::Minutes(1);
  std::optional<Sizes> failed_;
  absl::Duration wait_ = kFirstWait;
  absl::Time next_ = absl::InfinitePast();
};

// Room for that many services and slots of each family, and for what waits for a grace period.
[[nodiscard]] Sizes first_sizes(uint32_t services, uint32_t slots);
// The same where the demand fits; larger where it does not. Not beyond what the limits can fill.
[[nodiscard]] Sizes sizes_for(const Sizes& sizes, const Demand& demand, const Limits& limits);
// Twice as large where this service did not find room.
[[nodiscard]] Sizes sizes_for(const Sizes& sizes, const Unpublished& service, const Limits& limits);

}  // namespace vicinity::dataplane
