// Where a command writes and what it exits with. One thread.
#pragma once

#include <functional>
#include <string_view>

namespace vicinity::ctl {

struct Terminal {
  std::function<void(std::string_view)> out;
  std::function<void(std::string_view)> err;
};

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;    // the daemon could not answer
inline constexpr int kExitUsage = 2;     // bad usage or input, or no daemon there
inline constexpr int kExitNotFound = 3;  // no such service or port

}  // namespace vicinity::ctl
