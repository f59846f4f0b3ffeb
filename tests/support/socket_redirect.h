// Hands every connection and datagram that arrives in a network namespace to one socket, whatever
// its port: a BPF sk_lookup program (kernel 5.9), so that no netfilter tools or modules are needed.
// Raw bpf(2): the dataplane's loader is what is under test. Any thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "base/unique_fd.h"
#include "support/netns.h"

namespace vicinity::testing {

class SocketRedirect {
 public:
  // `tcp` listens, `udp` is bound; both dual-stack and of this namespace. Ends with the object.
  [[nodiscard]] static absl::StatusOr<SocketRedirect> create(const Netns& netns, int tcp, int udp);

 private:
  SocketRedirect() = default;
  base::UniqueFd sockets_;
  base::UniqueFd program_;
  base::UniqueFd link_;
};

}  // namespace vicinity::testing
