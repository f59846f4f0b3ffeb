// The sockets of this node that the hooks translated and remember. The real one is
// kernel_sockets.h; tests use a fake. Control thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "compile/tables.h"

namespace vicinity::dataplane {

enum class Transport : uint8_t { kTcp, kUdp };

struct SocketEnd {
  model::IpAddress address;
  uint16_t port = 0;  // host order
  auto operator<=>(const SocketEnd&) const = default;
};

// Mirrors struct vic_origin and, with `pair` not 0, struct vic_pair.
struct Origin {
  uint64_t cookie = 0;
  uint64_t pair = 0;
  Transport transport = Transport::kUdp;
  SocketEnd service;
  SocketEnd backend;
  bool connected = false;     // when it was written; the socket may have been disconnected since
  bool gone = false;          // retire() was called
  uint64_t netns_cookie = 0;  // of pairs: 0
  auto operator<=>(const Origin&) const = default;
};

// --terminate: which sockets are closed when their endpoint is gone.
enum class Terminate : uint8_t { kNone, kUdp, kAll };

struct TerminationCounts {
  uint64_t asked = 0;  // sockets
  uint64_t destroyed = 0;
  uint64_t not_found = 0;  // closed, reconnected, or in no namespace we can see
};

// Elements of both maps, also those that no Origin stands for.
struct RecordUsage {
  uint64_t used = 0;
  uint64_t capacity = 0;
};

class Sockets {
 public:
  virtual ~Sockets() = default;

  // All records at some moment, each whole; those that come and go meanwhile may be missing. MPTCP
  // keeps its records elsewhere.
  [[nodiscard]] virtual absl::StatusOr<std::vector<Origin>> origins() const = 0;
  [[nodiscard]] virtual RecordUsage usage() const = 0;
  // The socket chooses again when it asks for this service the next time. Does nothing when the
  // record has another backend by now.
  [[nodiscard]] virtual absl::Status retire(const Origin& origin) = 0;
  // Begins to close them, if they are still connected to the recorded backend. Returns at once.
  virtual void close(std::vector<Origin> sockets) = 0;
  [[nodiscard]] virtual TerminationCounts closed() const = 0;
  // What close() does here: "udp, by bpf_sock_destroy", "none", "none (what is missing)".
  [[nodiscard]] virtual std::string termination() const = 0;
};

}  // namespace vicinity::dataplane
