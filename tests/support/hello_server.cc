#include "support/hello_server.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/status.h"

namespace vicinity::testing {
namespace {

constexpr int kBacklog = 4096;
constexpr std::size_t kMostRequest = 16384;

void send_text(int fd, const std::string& text) {
  // A client that went away meanwhile is its own business.
  [[maybe_unused]] const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

void set_option(int fd, int level, int name) {
  const int on = 1;
  setsockopt(fd, level, name, &on, sizeof(on));
}

}  // namespace

absl::StatusOr<HelloServer> HelloServer::create(HelloName name) {
  base::UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return base::errno_status("helloworld: epoll_create1");
  return HelloServer(std::move(name), std::move(epoll));
}

absl::Status HelloServer::listen(ServeProtocol protocol, const SocketAddress& address) {
  const bool stream = protocol != ServeProtocol::kUdp;
  const int type = (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  base::UniqueFd fd(::socket(address.storage.ss_family, type, 0));
  if (!fd.valid()) return base::errno_status("helloworld: socket");
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (address.storage.ss_family == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (bind(fd.get(), address.get(), address.length) != 0) {
    return base::errno_status(fmt::format("helloworld: bind {}", address.text()));
  }
  if (stream && ::listen(fd.get(), kBacklog) != 0) {
    return base::errno_status(fmt::format("helloworld: listen on {}", address.text()));
  }
  Socket socket;
  socket.fd = std::move(fd);
  socket.protocol = protocol;
  socket.listening = stream;
  if (watch(std::move(socket))) return absl::OkStatus();
  return base::errno_status(fmt::format("helloworld: watch {}", address.text()));
}

bool HelloServer::watch(Socket socket) {
  const int fd = socket.fd.get();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return false;
  sockets_[fd] = std::move(socket);
  return true;
}

void HelloServer::serve() {
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) handle(events[i].data.fd);
  }
}

void HelloServer::handle(int fd) {
  const auto found = sockets_.find(fd);
  if (found == sockets_.end()) return;
  if (found->second.listening) return accept_all(found->second);
  if (found->second.protocol == ServeProtocol::kUdp) return answer_datagrams(found->second);
  read_request(fd);
}

void HelloServer::accept_all(const Socket& listener) {
  // A copy of what is needed: watching a connection may move the listener.
  const int listening = listener.fd.get();
  const ServeProtocol protocol = listener.protocol;
  for (;;) {
    base::UniqueFd fd(accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) return;
    if (protocol == ServeProtocol::kBanner) {
      send_text(fd.get(), fmt::format("{}\n", instance_at(fd.get())));
      continue;
    }
    Socket connection;
    connection.fd = std::move(fd);
    if (!watch(std::move(connection))) return;
  }
}

void HelloServer::read_request(int fd) {
  Socket& socket = sockets_[fd];
  std::array<char, 4096> buffer{};
  const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size > 0) socket.received.append(buffer.data(), static_cast<std::size_t>(size));
  const bool complete = socket.received.find("\r\n\r\n") != std::string::npos;
  if (complete) send_text(fd, http_answer(socket.received, fd));
  if (size <= 0 || complete || socket.received.size() > kMostRequest) sockets_.erase(fd);
}

void HelloServer::answer_datagrams(const Socket& socket) const {
  std::array<char, 4096> buffer{};
  for (;;) {
    SocketAddress from;
    const ssize_t size =
        recvfrom(socket.fd.get(), buffer.data(), buffer.size(), 0, from.get(), &from.length);
    if (size < 0) return;
    const std::string answer = fmt::format("{}\n", instance_at(socket.fd.get()));
    sendto(socket.fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL, from.get(), from.length);
  }
}

std::string HelloServer::instance_at(int fd) const {
  if (!name_.instance.empty()) return name_.instance;
  SocketAddress local;
  getsockname(fd, local.get(), &local.length);
  return local.text();
}

std::string HelloServer::http_answer(const std::string& request, int fd) const {
  const bool known = request.starts_with("GET /hello ") || request.starts_with("GET /hello?");
  const std::string body =
      known ? fmt::format("Hello version: {}, instance: {}\n", name_.version, instance_at(fd))
            : "not found\n";
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: "
      "close\r\n\r\n{}",
      known ? "200 OK" : "404 Not Found", body.size(), body);
}

}  // namespace vicinity::testing
