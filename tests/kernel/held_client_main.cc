// Connections that stay open: vic_held_client ADDRESS PORT COUNT [SOURCE]. Makes them one after
// another, bound to SOURCE if it is given; says "got LINE" for the first line that each one reads,
// or "error ERRNO"; says "holding" and keeps them until it is ended.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace vicinity::testing {
namespace {

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

sockaddr_in address_of(const char* text, uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

template <int (*call)(int, const sockaddr*, socklen_t)>
bool with(int socket, const sockaddr_in& address) {
  return call(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

base::UniqueFd connected(const sockaddr_in& to, const char* source) {
  base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (source != nullptr && !with<::bind>(socket.get(), address_of(source, 0))) return {};
  if (!with<::connect>(socket.get(), to)) return {};
  return socket;
}

std::string first_line(int socket) {
  std::array<char, 128> text{};
  const ssize_t length = ::read(socket, text.data(), text.size());
  const std::string_view line(text.data(), length > 0 ? static_cast<size_t>(length) : 0);
  return std::string(line.substr(0, line.find('\n')));
}

int run(int argc, char** argv) {
  if (argc < 4) return 2;
  const auto port = static_cast<uint16_t>(std::strtoul(argv[2], nullptr, 10));
  const unsigned long count = std::strtoul(argv[3], nullptr, 10);
  std::vector<base::UniqueFd> sockets;
  for (unsigned long i = 0; i < count; ++i) {
    auto socket = connected(address_of(argv[1], port), argc > 4 ? argv[4] : nullptr);
    say(socket.valid() ? fmt::format("got {}", first_line(socket.get()))
                       : fmt::format("error {}", errno));
    sockets.push_back(std::move(socket));
  }
  say("holding");
  ::pause();
  return 0;
}

}  // namespace
}  // namespace vicinity::testing

int main(int argc, char** argv) { return vicinity::testing::run(argc, argv); }
