// What the hooks and the sockets' callbacks tell of single connects while somebody watches. The
// real one is kernel_traces.h; tests use a fake. Control thread.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/sockets.h"
#include "dataplane/verdict.h"

namespace vicinity::dataplane {

// Mirrors struct vic_trace.
struct Traced {
  enum class Kind : uint8_t { kChoice, kEstablished, kFailed };
  Kind kind = Kind::kChoice;
  absl::Time at = absl::InfinitePast();  // by the wall clock as it was when the event was read
  uint64_t at_ns = 0;                    // CLOCK_MONOTONIC
  uint64_t cookie = 0;                   // of the socket
  int error = 0;                         // of kFailed: errno; 0: the application gave up
  // Of kChoice.
  Verdict verdict;
  Transport transport = Transport::kTcp;
  bool send = false;  // a datagram of an unconnected socket
  bool mapped = false;
  SocketEnd asked;
  SocketEnd chosen;  // when translated
  uint64_t netns_cookie = 0;
  uint32_t pid = 0;
  std::string command;
};

class Traces {
 public:
  virtual ~Traces() = default;

  // Tells for this long from now, even if nobody asks again.
  [[nodiscard]] virtual absl::Status keep_on(absl::Duration time) = 0;
  virtual void turn_off() = 0;
  // What was told since the last call, in the order in which it was told.
  [[nodiscard]] virtual std::vector<Traced> take() = 0;
  // Since the daemon started: events that found no room.
  [[nodiscard]] virtual uint64_t lost() const = 0;
};

}  // namespace vicinity::dataplane
