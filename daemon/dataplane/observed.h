// What the hooks saw of connects to the endpoints of watched tables: those with failure detection
// (policy/outlier.h). An endpoint is one address and port of one port of one service; shared by two
// services it is seen as two. Counts are of this node's connects, go on over changes of the table
// and restarts of the daemon, and end with the service's last use of the endpoint. Of UDP only ICMP
// errors on connected sockets are seen.
#pragma once

#include <cstdint>
#include <string_view>

#include "compile/tables.h"

namespace vicinity::dataplane {

// Counts only grow and wrap around at their type's limit: compare with what was seen last.
struct Observation {
  uint64_t established = 0;
  uint64_t connect_ns = 0;   // summed over those: from connect() to the handshake's end
  uint32_t refused = 0;      // RST in answer to SYN, ICMP port unreachable
  uint32_t unreachable = 0;  // ICMP host, network or protocol unreachable, no answer to ARP
  // No answer to any SYN, or the application gave up after at least one was sent again.
  uint32_t timed_out = 0;
  uint32_t reset_early = 0;  // of the established ones: RST soon after, before any data came
  // Refused, unreachable and timed out since the last that was established.
  uint32_t failed_in_row = 0;
  uint64_t active = 0;  // TCP connections open or being opened; these go down too
  // CLOCK_MONOTONIC ns until which the connect hook draws again instead of taking the endpoint; 0:
  // it does not.
  uint64_t suspected_until_ns = 0;
  bool operator==(const Observation&) const = default;
};

struct ObservedEndpoint {
  uint64_t id = 0;           // of this daemon's run; never another endpoint's
  std::string_view service;  // "namespace/hostname"
  uint16_t service_port = 0;
  model::IpAddress address;
  uint16_t port = 0;
  Observation seen;
  bool operator==(const ObservedEndpoint&) const = default;
};

// The connect hook began to avoid an endpoint, or takes it again.
struct SuspicionEvent {
  enum class Kind : uint8_t { kSuspected, kRecovered };
  enum class Cause : uint8_t {
    kRefused,
    kUnreachable,
    kTimedOut,
    kEstablished,  // recovered: a connect came through
    kTimeUp,       // recovered: base ejection time is over
  };
  Kind kind = Kind::kSuspected;
  Cause cause = Cause::kRefused;
  uint64_t endpoint = 0;  // ObservedEndpoint::id
  uint64_t at_ns = 0;     // CLOCK_MONOTONIC
  uint64_t until_ns = 0;  // of kSuspected
  bool operator==(const SuspicionEvent&) const = default;
};

// Of all watched tables.
struct ObservedTotals {
  uint64_t saved = 0;       // connects that were spared a suspect by another draw
  uint64_t unobserved = 0;  // connects to watched endpoints for which there was no room
  bool operator==(const ObservedTotals&) const = default;
};

}  // namespace vicinity::dataplane
