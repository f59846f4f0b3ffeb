// connect(2) by io_uring, with the bare system calls: one ring for one connect.
#pragma once

#include "support/ip.h"

namespace vicinity::testing {

// 0 or an errno; ENOSYS and EPERM where there is no io_uring.
[[nodiscard]] int uring_connect(int fd, const SocketAddress& to);

}  // namespace vicinity::testing
