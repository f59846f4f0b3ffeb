// A process in a pod that does with one socket what it is told, call by call: for tests about the
// order of system calls, which an agent's ready-made attempts do not show. One thread at a time.
//
//   open tcp4|udp4|mptcp4|ping4|tcp6...        a new socket in place of the old
//   nonblock | no-port IP                      O_NONBLOCK | IP_BIND_ADDRESS_NO_PORT and bind
//   connect TO | uring TO | unspec             connect(2) | by io_uring | to AF_UNSPEC
//   fastopen TO                                sendto with MSG_FASTOPEN
//   connected                                  waits for the end of a non-blocking connect
//   send | sendto TO | recv | recvfrom         one line each
//   peer | close
//   listen AT | accept                         bind and listen | the connection in its place
//   subflows                                   of an MPTCP socket, beside the first
//
// TO is "10.96.0.10:80" or "[fd00::1]:80"; an IPv4 one is an AF_INET address on IPv6 sockets too.
// The answer is "ok", the name of an errno, or what was read: "LINE", "LINE from PEER", "PEER".
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "support/pod.h"
#include "support/process.h"

namespace vicinity::testing {

inline constexpr int kSocketScriptFd = 3;

class SocketScript {
 public:
  [[nodiscard]] static absl::StatusOr<SocketScript> start(const Pod& pod);

  // The answer; "script: ..." when the process is not there any more.
  [[nodiscard]] std::string say(std::string_view line);
  [[nodiscard]] pid_t pid() const { return process_.pid(); }

 private:
  SocketScript(base::UniqueFd fd, Process process)
      : fd_(std::move(fd)), process_(std::move(process)) {}
  base::UniqueFd fd_;
  Process process_;
};

}  // namespace vicinity::testing
