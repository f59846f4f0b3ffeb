// Servers that fail on purpose: vic_failing_server MODE ADDRESS PORT COUNT, on COUNT ports from
// PORT on. MODE: "silent" answers to no SYN, "late" to every other one at random, "reset" takes a
// connection and resets it at once, "answer" writes its address and port. Says "serving" when all
// listen, and runs until it is ended.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace vicinity::testing {
namespace {

struct Server {
  base::UniqueFd socket;
  std::string name;
};

// A filter that keeps nothing: the listener's SYNs are dropped.
void drop_everything(int socket) {
  sock_filter nothing = {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
  const sock_fprog program = {.len = 1, .filter = &nothing};
  ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

// A first SYN is lost with a probability of one half; whatever else comes is kept.
void drop_some_syns(int socket) {
  constexpr uint32_t kRandom = SKF_AD_OFF + SKF_AD_RANDOM;
  constexpr uint32_t kFlags = 13;  // where the flags of TCP's header are
  std::array<sock_filter, 7> filter = {{
      {.code = BPF_LD | BPF_B | BPF_ABS, .jt = 0, .jf = 0, .k = kFlags},
      {.code = BPF_ALU | BPF_AND | BPF_K, .jt = 0, .jf = 0, .k = TH_SYN | TH_ACK},
      {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 3, .k = TH_SYN},
      {.code = BPF_LD | BPF_W | BPF_ABS, .jt = 0, .jf = 0, .k = kRandom},
      {.code = BPF_JMP | BPF_JSET | BPF_K, .jt = 0, .jf = 1, .k = 1},
      {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0},
      {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = UINT32_MAX},
  }};
  const sock_fprog program = {.len = filter.size(), .filter = filter.data()};
  ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

Server listener(const char* address, uint16_t port) {
  Server server = {
      .socket = base::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      .name = fmt::format("{}:{}\n", address, port)};
  const int on = 1;
  ::setsockopt(server.socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &at.sin_addr);
  const bool listens =
      ::bind(server.socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0 &&
      ::listen(server.socket.get(), 1024) == 0;
  if (!listens) std::exit(1);
  return server;
}

void serve(const Server& server, std::string_view mode) {
  const base::UniqueFd client(::accept4(server.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!client.valid()) return;
  if (mode == "reset") {
    const linger at_once = {.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  } else {
    (void)::send(client.get(), server.name.data(), server.name.size(), MSG_NOSIGNAL);
  }
}

[[noreturn]] void run(const std::vector<Server>& servers, std::string_view mode) {
  std::vector<pollfd> waiting;
  for (const Server& server : servers) {
    waiting.push_back({.fd = server.socket.get(), .events = POLLIN, .revents = 0});
  }
  while (true) {
    ::poll(waiting.data(), waiting.size(), -1);
    for (size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].revents != 0) serve(servers[i], mode);
    }
  }
}

int run(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string_view mode = argv[1];
  std::vector<Server> servers;
  for (int i = 0; i < std::atoi(argv[4]); ++i) {
    servers.push_back(listener(argv[2], static_cast<uint16_t>(std::atoi(argv[3]) + i)));
    if (mode == "silent") drop_everything(servers.back().socket.get());
    if (mode == "late") drop_some_syns(servers.back().socket.get());
  }
  std::puts("serving");
  std::fflush(stdout);
  run(servers, mode);
}

}  // namespace
}  // namespace vicinity::testing

int main(int argc, char** argv) { return vicinity::testing::run(argc, argv); }
