// The clock that the hooks compare leases with: jiffies, which CLOCK_MONOTONIC drives and which
// only the kernel can read. Control thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>

#include "dataplane/object.h"

namespace vicinity::dataplane {

// Jiffies when that long from now is not over yet, less than two ticks before it. 0: not known;
// hooks look at the exact clock then.
[[nodiscard]] uint64_t ticks_after(const Object& object, absl::Duration duration);

}  // namespace vicinity::dataplane
