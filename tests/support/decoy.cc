#include "support/decoy.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "support/ip.h"

namespace vicinity::testing {
namespace {

constexpr std::string_view kLine = "decoy\n";

// Any port will do: the redirect brings them all here.
absl::StatusOr<base::UniqueFd> any_socket(int type) {
  base::UniqueFd fd(socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return base::errno_status("decoy: socket");
  const int off = 0;
  setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  const SocketAddress any = socket_address(Ip{.family = AF_INET6}, 0);
  if (bind(fd.get(), any.get(), any.length) != 0) return base::errno_status("decoy: bind");
  if (type == SOCK_STREAM && listen(fd.get(), 4096) != 0) {
    return base::errno_status("decoy: listen");
  }
  return fd;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Decoy>> Decoy::start(const Netns& netns) {
  VIC_ASSIGN_OR_RETURN(base::UniqueFd tcp, run_in(netns, [] { return any_socket(SOCK_STREAM); }));
  VIC_ASSIGN_OR_RETURN(base::UniqueFd udp, run_in(netns, [] { return any_socket(SOCK_DGRAM); }));
  VIC_ASSIGN_OR_RETURN(SocketRedirect redirect,
                       SocketRedirect::create(netns, tcp.get(), udp.get()));
  base::UniqueFd stop(eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) return base::errno_status("decoy: eventfd");
  return std::unique_ptr<Decoy>(
      new Decoy(std::move(tcp), std::move(udp), std::move(stop), std::move(redirect)));
}

Decoy::Decoy(base::UniqueFd tcp, base::UniqueFd udp, base::UniqueFd stop, SocketRedirect redirect)
    : tcp_(std::move(tcp)),
      udp_(std::move(udp)),
      stop_(std::move(stop)),
      redirect_(std::move(redirect)),
      thread_([this] { loop(); }) {}

Decoy::~Decoy() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(stop_.get(), &one, sizeof(one));
  thread_.join();
}

Decoy::Arrivals Decoy::arrivals() {
  const std::lock_guard lock(mutex_);
  // What waits in the queues counts too: a test asks right after its connect returned.
  drain_tcp();
  drain_udp();
  return arrivals_;
}

void Decoy::loop() {
  std::array<pollfd, 3> polls{{{.fd = tcp_.get(), .events = POLLIN, .revents = 0},
                               {.fd = udp_.get(), .events = POLLIN, .revents = 0},
                               {.fd = stop_.get(), .events = POLLIN, .revents = 0}}};
  while (polls[2].revents == 0) {
    poll(polls.data(), polls.size(), -1);
    const std::lock_guard lock(mutex_);
    drain_tcp();
    drain_udp();
  }
}

void Decoy::drain_tcp() {
  for (;;) {
    const base::UniqueFd fd(accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) return;
    ++arrivals_.accepts;
    [[maybe_unused]] const ssize_t sent = send(fd.get(), kLine.data(), kLine.size(), MSG_NOSIGNAL);
  }
}

void Decoy::drain_udp() {
  std::array<char, 2048> buffer{};
  for (;;) {
    const ssize_t size = recv(udp_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0) return;
    ++arrivals_.datagrams;
  }
}

}  // namespace vicinity::testing
