// How the clients of a row talk: protocol, kind of socket, where to, and what must come of it.
// Values, any thread.
#pragma once

#include <cstdint>

namespace vicinity::bench {

enum class Talk : uint32_t {
  kTcp,
  kUdpConnect,
  kUdpFirst,  // one datagram from an unconnected socket, then another socket
  kUdpNext,   // datagrams from sockets that have sent to the same service before
};

enum class Sockets : uint32_t {
  kNative,
  kMapped,  // IPv6 sockets that talk IPv4
};

enum class Aim : uint32_t {
  kEndpoint,  // straight to a random endpoint
  kService,   // to a random service address
  kInTurn,    // to each service address in turn
  kFirst,     // to the first service
  kUnknown,   // to an address between those of services that no service has
};

enum class Arrival : uint32_t {
  kEndpoint,   // an endpoint's port
  kService,    // a service's port: nobody rewrote it
  kElsewhere,  // somewhere else, where nobody needs to accept: bench/far_host.h
};

enum class Peer : uint32_t {
  kNotAsked,
  kAsked,  // each socket's getpeername() must show where it wanted to go
};

struct Traffic {
  Talk talk = Talk::kTcp;
  Sockets sockets = Sockets::kNative;
  Aim aim = Aim::kService;
  Arrival arrival = Arrival::kEndpoint;
  Peer peer = Peer::kNotAsked;
  int32_t expected_errno = 0;  // of every connect
  bool operator==(const Traffic&) const = default;
};

[[nodiscard]] constexpr bool sends(Talk talk) {
  return talk == Talk::kUdpFirst || talk == Talk::kUdpNext;
}

}  // namespace vicinity::bench
