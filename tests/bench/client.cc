#include "bench/client.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "base/status.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

constexpr int kSocket = 3;
constexpr int kBacklog = 128;
constexpr timeval kTimeout = {.tv_sec = 1, .tv_usec = 0};

struct Reply {
  int32_t error = 0;  // errno of the first connect or accept that failed
  uint32_t latencies = 0;
  uint64_t elapsed_ns = 0;
};

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

bool read_all(int fd, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = read(fd, bytes.data(), bytes.size());
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return true;
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

struct Address {
  union {
    sockaddr any;
    sockaddr_in ip4;
    sockaddr_in6 ip6;
  };
  socklen_t length;
};

Address socket_address(const model::IpAddress& ip, uint16_t port) {
  Address result;
  std::memset(&result, 0, sizeof(result));
  if (ip.family == model::Family::kIpv4) {
    result.ip4.sin_family = AF_INET;
    result.ip4.sin_port = htons(port);
    std::memcpy(&result.ip4.sin_addr, ip.bytes.data(), sizeof(result.ip4.sin_addr));
    result.length = sizeof(result.ip4);
  } else {
    result.ip6.sin6_family = AF_INET6;
    result.ip6.sin6_port = htons(port);
    std::memcpy(&result.ip6.sin6_addr, ip.bytes.data(), sizeof(result.ip6.sin6_addr));
    result.length = sizeof(result.ip6);
  }
  return result;
}

// Every endpoint address is local here (a local route to lo), so one wildcard socket serves all.
base::UniqueFd listen_on(model::Family family) {
  const Address any = socket_address({family, {}}, kEndpointPort);
  base::UniqueFd fd(socket(any.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  if (family == model::Family::kIpv6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
  }
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof(kTimeout));
  const bool listening =
      bind(fd.get(), &any.any, any.length) == 0 && listen(fd.get(), kBacklog) == 0;
  return listening ? std::move(fd) : base::UniqueFd();
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint32_t below(uint32_t limit) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<uint32_t>(((state_ >> 32) * limit) >> 32);
  }

 private:
  uint64_t state_;
};

Address pick_target(const Batch& batch, Random& random, uint32_t turn) {
  switch (batch.target) {
    case Target::kEndpoint:
      return socket_address(
          endpoint_address(batch.family, random.below(batch.shape.all_endpoints())), kEndpointPort);
    case Target::kInTurn:
      return socket_address(service_address(batch.family, turn % batch.shape.services),
                            kServicePort);
    case Target::kService:
      break;
  }
  return socket_address(service_address(batch.family, random.below(batch.shape.services)),
                        kServicePort);
}

// One connect and the accept of it, unless that is elsewhere (-1): latency of the connect, or
// -errno.
int64_t connect_once(const Address& to, int listener) {
  // A reset instead of a FIN: nothing stays in TIME_WAIT, so ports never run out.
  constexpr linger kReset = {.l_onoff = 1, .l_linger = 0};
  const base::UniqueFd fd(socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &kReset, sizeof(kReset));
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof(kTimeout));
  const int64_t start = testing::monotonic_ns();
  if (connect(fd.get(), &to.any, to.length) != 0) return -errno;
  const int64_t latency = testing::monotonic_ns() - start;
  if (listener < 0) return latency;
  const base::UniqueFd accepted(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  return accepted.valid() ? latency : -errno;
}

bool serve_batch(const Batch& batch, int listener) {
  Random random(batch.seed);
  Reply reply;
  std::vector<uint32_t> latencies;
  latencies.reserve(batch.connects);
  const int64_t start = testing::monotonic_ns();
  while (latencies.size() < batch.connects && reply.error == 0) {
    const Address to = pick_target(batch, random, static_cast<uint32_t>(latencies.size()));
    const int64_t latency = connect_once(to, listener);
    if (latency < 0) reply.error = static_cast<int32_t>(-latency);
    latencies.push_back(static_cast<uint32_t>(std::max<int64_t>(latency, 0)));
  }
  reply.elapsed_ns = static_cast<uint64_t>(testing::monotonic_ns() - start);
  reply.latencies = static_cast<uint32_t>(latencies.size());
  std::sort(latencies.begin(), latencies.end());
  return write_all(kSocket, bytes_of(reply)) &&
         write_all(kSocket, std::as_bytes(std::span(latencies)));
}

}  // namespace

int client_main() {
  const base::UniqueFd ip4 = listen_on(model::Family::kIpv4);
  const base::UniqueFd ip6 = listen_on(model::Family::kIpv6);
  if (!ip4.valid() || !ip6.valid()) return 1;
  Batch batch;
  while (read_all(kSocket, std::as_writable_bytes(std::span(&batch, 1)))) {
    int listener = batch.family == model::Family::kIpv4 ? ip4.get() : ip6.get();
    if (batch.far == Far::kElsewhere) listener = -1;
    if (!serve_batch(batch, listener)) return 1;
  }
  return 0;
}

absl::StatusOr<Client> Client::start(const testing::Netns& netns, const testing::Cgroup& cgroup) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::errno_status("client: socketpair");
  }
  base::UniqueFd ours(ends[0]);
  const base::UniqueFd theirs(ends[1]);
  VIC_ASSIGN_OR_RETURN(testing::Process process,
                       testing::Process::spawn({.argv = {"/proc/self/exe", "client"},
                                                .netns = &netns,
                                                .cgroup = &cgroup,
                                                .output = testing::Output::kInherit,
                                                .extra_fds = {theirs.get()}}));
  return Client(std::move(process), std::move(ours));
}

absl::StatusOr<BatchResult> Client::run(const Batch& batch) {
  Reply reply;
  if (!write_all(socket_.get(), bytes_of(batch)) ||
      !read_all(socket_.get(), std::as_writable_bytes(std::span(&reply, 1)))) {
    return base::internal("client: run a batch: it has ended");
  }
  BatchResult result{.elapsed_ns = reply.elapsed_ns, .latencies_ns = {}};
  result.latencies_ns.resize(reply.latencies);
  if (!read_all(socket_.get(), std::as_writable_bytes(std::span(result.latencies_ns)))) {
    return base::internal("client: read latencies: it has ended");
  }
  if (reply.error != 0) {
    return base::errno_status(
        fmt::format("client: connect {} of {}", reply.latencies, batch.connects), reply.error);
  }
  return result;
}

}  // namespace vicinity::bench
