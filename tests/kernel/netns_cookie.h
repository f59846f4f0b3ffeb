// The kernel's number of a network namespace, as BPF programs see it.
#pragma once

#include <sys/socket.h>

#include <cstdint>

#include "base/unique_fd.h"
#include "support/netns.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

namespace vicinity::testing {

// Of the calling thread's; 0: the kernel does not say.
[[nodiscard]] inline uint64_t netns_cookie() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  ::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
  return cookie;
}

[[nodiscard]] inline uint64_t netns_cookie(const Netns& netns) {
  return run_in(netns, [] { return netns_cookie(); });
}

}  // namespace vicinity::testing
