// How states of endpoints are put into an Explanation. Control thread.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <string_view>

namespace vicinity {

inline constexpr std::string_view kHealthy = "healthy";

[[nodiscard]] inline std::string time_text(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace vicinity
