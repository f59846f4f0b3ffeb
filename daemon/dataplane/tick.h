// How long the kernel's ticks (jiffies) last. Any thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>

namespace vicinity::dataplane {

// Zero: not known.
[[nodiscard]] absl::Duration tick_length();

// What the hooks multiply jiffies with. Where the length is not known it is the shortest that there
// is, with which nothing lasts longer than it did.
[[nodiscard]] uint32_t tick_ns();

}  // namespace vicinity::dataplane
