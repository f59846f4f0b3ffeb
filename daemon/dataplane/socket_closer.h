// Closing sockets of other processes, in the network namespace of the calling thread: by the
// kernel function bpf_sock_destroy (6.5) or by SOCK_DESTROY of sock_diag. One thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "dataplane/object.h"
#include "dataplane/sockets.h"

namespace vicinity::dataplane {

class SocketCloser {
 public:
  virtual ~SocketCloser() = default;
  // Those of `sockets` that are in this namespace and still connected to the recorded backend.
  // How many that were.
  [[nodiscard]] virtual absl::StatusOr<uint64_t> close_here(std::span<const Origin> sockets) = 0;
  [[nodiscard]] virtual std::string_view method() const = 0;
};

// The better one of those that work here; an error says what is missing for both. `object` need
// not outlive it.
[[nodiscard]] absl::StatusOr<std::unique_ptr<SocketCloser>> make_socket_closer(
    const Object& object);

// socket_diag.cc
[[nodiscard]] absl::StatusOr<std::unique_ptr<SocketCloser>> make_diag_closer();
// socket_iterator.cc
[[nodiscard]] absl::StatusOr<std::unique_ptr<SocketCloser>> make_iterator_closer(
    const Object& object);

}  // namespace vicinity::dataplane
