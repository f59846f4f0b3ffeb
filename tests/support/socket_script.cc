#include "support/socket_script.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/status.h"
#include "support/program.h"

namespace vicinity::testing {

absl::StatusOr<SocketScript> SocketScript::start(const Pod& pod) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::errno_status("socket script: socketpair");
  }
  base::UniqueFd ours(ends[0]);
  const base::UniqueFd theirs(ends[1]);
  const timeval patience{.tv_sec = 30, .tv_usec = 0};
  setsockopt(ours.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  VIC_ASSIGN_OR_RETURN(Process process, pod.spawn({.argv = {program_path("vic_socket_script")},
                                                   .output = Output::kInherit,
                                                   .extra_fds = {theirs.get()}}));
  return SocketScript(std::move(ours), std::move(process));
}

std::string SocketScript::say(std::string_view line) {
  std::array<char, 4096> answer{};
  if (send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) return "script: gone";
  const ssize_t size = recv(fd_.get(), answer.data(), answer.size(), 0);
  if (size <= 0) return fmt::format("script: {}", size == 0 ? "ended" : strerrorname_np(errno));
  return {answer.data(), static_cast<std::size_t>(size)};
}

}  // namespace vicinity::testing
