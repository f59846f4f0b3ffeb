#include "bench/feed/connects.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/unique_fd.h"
#include "bench/feed/load.h"
#include "support/netlink.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

using namespace std::chrono_literals;

constexpr uint16_t kServicePort = 80;
constexpr uint16_t kEndpointPort = 8080;

volatile sig_atomic_t stopped = 0;

sockaddr_in ipv4(uint32_t address, uint16_t port) {
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(address);
  to.sin_port = htons(port);
  return to;
}

base::UniqueFd listen_everywhere() {
  base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const sockaddr_in any = ipv4(INADDR_ANY, kEndpointPort);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(any)) != 0 ||
      ::listen(listener.get(), SOMAXCONN) != 0)
    return {};
  return listener;
}

// Nanoseconds; negative: it failed. No TIME_WAIT is left behind.
int64_t connect_once(const sockaddr_in& to, int listener) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const linger reset = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  const int64_t begin = testing::monotonic_ns();
  const int result = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  const int64_t took = testing::monotonic_ns() - begin;
  const base::UniqueFd accepted(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  return result == 0 ? took : -1;
}

// Every endpoint's address is local: 10.128.0.0/9.
absl::Status own_endpoints(const testing::Netns& netns) {
  VIC_ASSIGN_OR_RETURN(testing::Netlink link, testing::Netlink::open(netns));
  testing::RouteSpec local;
  VIC_ASSIGN_OR_RETURN(local.to, testing::parse_prefix("10.128.0.0/9"));
  VIC_ASSIGN_OR_RETURN(local.device, link.index_of("lo"));
  local.type = RTN_LOCAL;
  return link.add_route(local);
}

}  // namespace

absl::StatusOr<Connects> Connects::start(const testing::Netns& netns, const testing::Cgroup& cgroup,
                                         uint32_t services) {
  VIC_RETURN_IF_ERROR(own_endpoints(netns));
  VIC_ASSIGN_OR_RETURN(
      testing::Process process,
      testing::Process::spawn({.argv = {"/proc/self/exe", "--connects", std::to_string(services)},
                               .netns = &netns,
                               .cgroup = &cgroup}));
  VIC_RETURN_IF_ERROR(process.wait_for_line("connecting", 10s).status());
  return Connects(std::move(process));
}

absl::StatusOr<ConnectTally> Connects::stop() {
  VIC_RETURN_IF_ERROR(process_.stop(10s).status());
  ConnectTally tally;
  const std::string out = process_.out();
  if (std::sscanf(out.c_str(), "connecting\n%lu %lu %lf %lf %lf", &tally.connects, &tally.failed,
                  &tally.p50_us, &tally.p99_us, &tally.max_us) != 5)
    return base::internal("connects: said \"{}\"", out);
  return tally;
}

int connect_until_stopped(uint32_t services) {
  std::signal(SIGTERM, [](int) { stopped = 1; });
  const base::UniqueFd listener = listen_everywhere();
  if (!listener.valid()) return 1;
  fmt::print("connecting\n");
  std::fflush(stdout);
  std::vector<int64_t> times;
  uint64_t failed = 0;
  for (uint32_t i = 0; stopped == 0; ++i) {
    const int64_t took =
        connect_once(ipv4(load_service_address(i % services), kServicePort), listener.get());
    if (took < 0)
      ++failed;
    else
      times.push_back(took);
    testing::pause_for(1ms);
  }
  if (times.empty()) times.push_back(0);
  std::ranges::sort(times);
  const auto at = [&](size_t percent) {
    return static_cast<double>(times[(times.size() - 1) * percent / 100]) / 1e3;
  };
  fmt::print("{} {} {:.1f} {:.1f} {:.1f}\n", times.size() + failed, failed, at(50), at(99),
             at(100));
  return 0;
}

}  // namespace vicinity::bench
