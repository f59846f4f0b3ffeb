// How large the maps of a generation should be. Pure.
#pragma once

#include <cstdint>

#include "dataplane/object.h"
#include "dataplane/publisher.h"

namespace vicinity::dataplane {

// Room for that many services and slots of each family, and for what waits for a grace period.
[[nodiscard]] Sizes first_sizes(uint32_t services, uint32_t slots);
// The same where the demand fits; larger where it does not. Not beyond what the limits can fill.
[[nodiscard]] Sizes sizes_for(const Sizes& sizes, const Demand& demand, const Limits& limits);
// Twice as large where this service did not find room.
[[nodiscard]] Sizes sizes_for(const Sizes& sizes, const Unpublished& service, const Limits& limits);

}  // namespace vicinity::dataplane
