// vic_socket_script: see socket_script.h. Ends when the test closes its end.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mptcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "support/ip.h"
#include "support/socket_script.h"
#include "support/uring_connect.h"

namespace vicinity::testing {
namespace {

constexpr int kMptcp = 262;
constexpr int kSolMptcp = 284;
constexpr std::string_view kLine = "hello\n";
constexpr int kPatienceMs = 5000;

std::string answer_of(int error) { return error == 0 ? "ok" : strerrorname_np(error); }
std::string result_of(long result) { return answer_of(result < 0 ? errno : 0); }

// "1.2.3.4:80", "[::1]:80"; no port is port 0.
SocketAddress address_in(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const size_t end = bracketed ? text.find(']') : std::min(text.rfind(':'), text.size());
  const std::string_view host = text.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0));
  const std::string_view port = text.substr(std::min(text.size(), end + (bracketed ? 2 : 1)));
  const auto ip = parse_ip(host);
  const int number = port.empty() ? 0 : std::atoi(std::string(port).c_str());
  return ip.ok() ? socket_address(*ip, static_cast<std::uint16_t>(number)) : SocketAddress{};
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

class Script {
 public:
  std::string run(std::string_view line) {
    const size_t space = std::min(line.find(' '), line.size());
    const auto command = commands_.find(line.substr(0, space));
    if (command == commands_.end()) return "what?";
    return command->second(std::string(line.substr(std::min(line.size(), space + 1))));
  }

 private:
  std::string open(const std::string& kind) {
    const int family = kind.ends_with('6') ? AF_INET6 : AF_INET;
    const bool ping = kind.starts_with("ping");
    const bool datagrams = ping || kind.starts_with("udp");
    int protocol = kind.starts_with("mptcp") ? kMptcp : 0;
    if (ping) protocol = family == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
    socket_.reset(
        ::socket(family, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, protocol));
    const timeval patience{.tv_sec = kPatienceMs / 1000, .tv_usec = 0};
    setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return result_of(fd());
  }
  std::string bind_without_port(const std::string& ip) {
    const int on = 1;
    setsockopt(fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    const SocketAddress from = address_in(ip.find(':') == std::string::npos ? ip : "[" + ip + "]");
    return result_of(::bind(fd(), from.get(), from.length));
  }
  std::string connect(const std::string& to) {
    const SocketAddress address = address_in(to);
    return result_of(::connect(fd(), address.get(), address.length));
  }
  std::string disconnect() {
    const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
    return result_of(::connect(fd(), &nobody, sizeof(nobody)));
  }
  std::string wait_for_connect() {
    pollfd waiting{.fd = fd(), .events = POLLOUT, .revents = 0};
    if (::poll(&waiting, 1, kPatienceMs) != 1) return "ETIMEDOUT";
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    return answer_of(error);
  }
  std::string send_to(const std::string& to, int flags) {
    const SocketAddress address = address_in(to);
    return result_of(::sendto(fd(), kLine.data(), kLine.size(), flags | MSG_NOSIGNAL, address.get(),
                              address.length));
  }
  std::string receive(bool with_peer) {
    std::array<char, 2048> buffer{};
    SocketAddress from;
    const ssize_t size =
        with_peer ? ::recvfrom(fd(), buffer.data(), buffer.size(), 0, from.get(), &from.length)
                  : ::recv(fd(), buffer.data(), buffer.size(), 0);
    if (size < 0) return strerrorname_np(errno);
    const std::string line = first_line({buffer.data(), static_cast<size_t>(size)});
    return with_peer ? line + " from " + from.text() : line;
  }
  std::string peer() {
    SocketAddress peer;
    if (::getpeername(fd(), peer.get(), &peer.length) != 0) return strerrorname_np(errno);
    return peer.text();
  }
  std::string listen(const std::string& at) {
    const SocketAddress address = address_in(at);
    if (::bind(fd(), address.get(), address.length) != 0) return strerrorname_np(errno);
    return result_of(::listen(fd(), 1));
  }
  std::string accept() {
    base::UniqueFd connection(::accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) return strerrorname_np(errno);
    socket_ = std::move(connection);
    return "ok";
  }
  std::string subflows() {
    mptcp_info info = {};
    socklen_t size = sizeof(info);
    if (::getsockopt(fd(), kSolMptcp, MPTCP_INFO, &info, &size) != 0) return strerrorname_np(errno);
    return std::to_string(info.mptcpi_subflows);
  }
  [[nodiscard]] int fd() const { return socket_.get(); }

  using Argument = const std::string&;
  base::UniqueFd socket_;
  std::map<std::string, std::function<std::string(Argument)>, std::less<>> commands_ = {
      {"open", [this](Argument kind) { return open(kind); }},
      {"nonblock", [this](Argument) { return result_of(::fcntl(fd(), F_SETFL, O_NONBLOCK)); }},
      {"no-port", [this](Argument ip) { return bind_without_port(ip); }},
      {"connect", [this](Argument to) { return connect(to); }},
      {"uring", [this](Argument to) { return answer_of(uring_connect(fd(), address_in(to))); }},
      {"unspec", [this](Argument) { return disconnect(); }},
      {"fastopen", [this](Argument to) { return send_to(to, MSG_FASTOPEN); }},
      {"connected", [this](Argument) { return wait_for_connect(); }},
      {"send",
       [this](Argument) {
         return result_of(::send(fd(), kLine.data(), kLine.size(), MSG_NOSIGNAL));
       }},
      {"sendto", [this](Argument to) { return send_to(to, 0); }},
      {"recv", [this](Argument) { return receive(false); }},
      {"recvfrom", [this](Argument) { return receive(true); }},
      {"peer", [this](Argument) { return peer(); }},
      {"listen", [this](Argument at) { return listen(at); }},
      {"accept", [this](Argument) { return accept(); }},
      {"subflows", [this](Argument) { return subflows(); }},
      {"close", [this](Argument) { return socket_.reset(), std::string("ok"); }},
  };
};

int run_script() {
  Script script;
  std::array<char, 1024> line{};
  for (;;) {
    const ssize_t size = ::recv(kSocketScriptFd, line.data(), line.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size == 0 ? 0 : 1;
    const std::string answer = script.run({line.data(), static_cast<size_t>(size)});
    if (::send(kSocketScriptFd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return 1;
  }
}

}  // namespace
}  // namespace vicinity::testing

int main() { return vicinity::testing::run_script(); }
