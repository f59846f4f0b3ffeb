#include "bench/client_sockets.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "support/wait.h"

namespace vicinity::bench {
namespace {

constexpr int kBacklog = 128;
constexpr timeval kTimeout = {.tv_sec = 1, .tv_usec = 0};
constexpr size_t kSenders = 64;
// How many addresses behind those of the services are still among them: see Aim::kUnknown.
constexpr uint32_t kUnknownAddresses = 20;
constexpr char kDatagram = 'x';

SocketAddress ip4_address(const model::IpAddress& ip, uint16_t port) {
  SocketAddress result;
  std::memset(&result, 0, sizeof(result));
  result.ip4.sin_family = AF_INET;
  result.ip4.sin_port = htons(port);
  std::memcpy(&result.ip4.sin_addr, ip.bytes.data(), sizeof(result.ip4.sin_addr));
  result.length = sizeof(result.ip4);
  return result;
}

SocketAddress ip6_address(const uint8_t* bytes, uint16_t port) {
  SocketAddress result;
  std::memset(&result, 0, sizeof(result));
  result.ip6.sin6_family = AF_INET6;
  result.ip6.sin6_port = htons(port);
  std::memcpy(&result.ip6.sin6_addr, bytes, sizeof(result.ip6.sin6_addr));
  result.length = sizeof(result.ip6);
  return result;
}

SocketAddress socket_address(const model::IpAddress& ip, uint16_t port, Sockets kind) {
  if (ip.family == model::Family::kIpv6) return ip6_address(ip.bytes.data(), port);
  if (kind == Sockets::kNative) return ip4_address(ip, port);
  std::array<uint8_t, 16> mapped{};
  mapped[10] = mapped[11] = 0xff;
  std::memcpy(&mapped[12], ip.bytes.data(), 4);
  return ip6_address(mapped.data(), port);
}

base::UniqueFd serve_on(model::Family family, uint16_t port, int type) {
  const SocketAddress any = socket_address({family, {}}, port, Sockets::kNative);
  base::UniqueFd fd(socket(any.any.sa_family, type | SOCK_CLOEXEC, 0));
  const int one = 1;
  if (family == model::Family::kIpv6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
  }
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof(kTimeout));
  if (bind(fd.get(), &any.any, any.length) != 0) return {};
  const bool serving = type == SOCK_DGRAM || listen(fd.get(), kBacklog) == 0;
  return serving ? std::move(fd) : base::UniqueFd();
}

}  // namespace

Servers::OfFamily Servers::listen_on(model::Family family) {
  return {.endpoints = serve_on(family, kEndpointPort, SOCK_STREAM),
          .services = serve_on(family, kServicePort, SOCK_STREAM),
          .datagrams = serve_on(family, kEndpointPort, SOCK_DGRAM)};
}

Servers Servers::listen() {
  Servers servers;
  servers.ip4_ = listen_on(model::Family::kIpv4);
  servers.ip6_ = listen_on(model::Family::kIpv6);
  return servers;
}

bool Servers::valid() const {
  for (const OfFamily* family : {&ip4_, &ip6_}) {
    if (!family->endpoints.valid() || !family->services.valid() || !family->datagrams.valid()) {
      return false;
    }
  }
  return true;
}

int Servers::of(const Batch& batch) const {
  const OfFamily& family = batch.family == model::Family::kIpv4 ? ip4_ : ip6_;
  if (sends(batch.traffic.talk)) return family.datagrams.get();
  return batch.traffic.arrival == Arrival::kService ? family.services.get()
                                                    : family.endpoints.get();
}

SocketAddress Talker::pick() {
  const Shape& shape = batch_.shape;
  const auto service = [&](uint32_t number) {
    return socket_address(service_address(batch_.family, number), kServicePort,
                          batch_.traffic.sockets);
  };
  switch (batch_.traffic.aim) {
    case Aim::kEndpoint:
      return socket_address(endpoint_address(batch_.family, random_.below(shape.all_endpoints())),
                            kEndpointPort, batch_.traffic.sockets);
    case Aim::kInTurn:
      return service(turn_++ % shape.services);
    case Aim::kFirst:
      return service(0);
    case Aim::kUnknown:
      return service(shape.services + random_.below(kUnknownAddresses));
    case Aim::kService:
      break;
  }
  return service(random_.below(shape.services));
}

base::UniqueFd Talker::open(const SocketAddress& to) const {
  if (batch_.traffic.talk != Talk::kTcp) {
    return base::UniqueFd(socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  }
  // A reset instead of a FIN: nothing stays in TIME_WAIT, so ports never run out.
  constexpr linger kReset = {.l_onoff = 1, .l_linger = 0};
  base::UniqueFd fd(socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &kReset, sizeof(kReset));
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof(kTimeout));
  return fd;
}

// A connect that succeeds where it must not is a protocol error.
int64_t Talker::ended(int64_t start, int result) const {
  const int error = result == 0 ? 0 : errno;
  const int64_t took = testing::monotonic_ns() - start;
  if (error == batch_.traffic.expected_errno) return took;
  return error != 0 ? -error : -EPROTO;
}

bool Talker::shows(int socket, const SocketAddress& to) const {
  SocketAddress shown;
  std::memset(&shown, 0, sizeof(shown));
  shown.length = sizeof(shown.ip6);
  return getpeername(socket, &shown.any, &shown.length) == 0 && shown.length == to.length &&
         std::memcmp(&shown.any, &to.any, to.length) == 0;
}

int64_t Talker::connect_tcp(const SocketAddress& to) const {
  const base::UniqueFd fd = open(to);
  const int64_t start = testing::monotonic_ns();
  const int64_t latency = ended(start, connect(fd.get(), &to.any, to.length));
  if (latency < 0 || batch_.traffic.expected_errno != 0) return latency;
  if (batch_.traffic.peer == Peer::kAsked && !shows(fd.get(), to)) return -EPROTO;
  if (batch_.traffic.arrival == Arrival::kElsewhere) return latency;
  const base::UniqueFd accepted(accept4(server_, nullptr, nullptr, SOCK_CLOEXEC));
  return accepted.valid() ? latency : -errno;
}

int64_t Talker::connect_udp(const SocketAddress& to) const {
  const base::UniqueFd fd = open(to);
  const int64_t start = testing::monotonic_ns();
  return ended(start, connect(fd.get(), &to.any, to.length));
}

// To another endpoint than the service itself: the server hears it.
int64_t Talker::send(int socket, const SocketAddress& to) const {
  const int64_t start = testing::monotonic_ns();
  const ssize_t sent = sendto(socket, &kDatagram, 1, 0, &to.any, to.length);
  const int64_t latency = ended(start, sent == 1 ? 0 : -1);
  char heard = 0;
  if (latency >= 0 && recv(server_, &heard, 1, 0) != 1) return -errno;
  return latency;
}

int64_t Talker::send_again() {
  while (senders_.size() < kSenders) {
    Sender sender{.socket = {}, .to = pick()};
    sender.socket = open(sender.to);
    const int64_t first = send(sender.socket.get(), sender.to);
    if (first < 0) return first;
    senders_.push_back(std::move(sender));
  }
  const Sender& sender = senders_[turn_++ % kSenders];
  return send(sender.socket.get(), sender.to);
}

int64_t Talker::talk() {
  if (batch_.traffic.talk == Talk::kUdpNext) return send_again();
  const SocketAddress to = pick();
  switch (batch_.traffic.talk) {
    case Talk::kUdpConnect:
      return connect_udp(to);
    case Talk::kUdpFirst:
      return send(open(to).get(), to);
    default:
      return connect_tcp(to);
  }
}

}  // namespace vicinity::bench
