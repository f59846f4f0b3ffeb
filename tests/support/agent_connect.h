// One connection attempt, made by the pod's agent in its own namespace and cgroup. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.h"
#include "support/connect.h"
#include "support/ip.h"

namespace vicinity::testing {

struct AttemptSpec {
  SocketAddress to;
  Protocol protocol = Protocol::kTcp;
  Talk talk = Talk::kFirstLine;
  Duration timeout{};
};

struct AttemptOutcome {
  int error = 0;
  Stage stage = Stage::kDone;
  std::int64_t connect_ns = 0;
  std::string answer;
  SocketAddress answered_by;  // filled by an unconnected UDP exchange
  base::UniqueFd socket;      // still open: for getpeername and getsockname
};

[[nodiscard]] AttemptOutcome attempt(const AttemptSpec& spec);
// The same with both ends' names, which a load does not ask for: each is a system call.
[[nodiscard]] ConnectResult attempt_with_names(const AttemptSpec& spec);

}  // namespace vicinity::testing
