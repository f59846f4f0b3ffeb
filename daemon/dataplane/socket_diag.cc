// Closing sockets by SOCK_DESTROY, for kernels without bpf_sock_destroy. A dump finds the addresses
// that go with a cookie; the kernel compares all of them again before it closes one.
#include <absl/container/flat_hash_map.h>
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/unique_fd.h"
#include "dataplane/socket_closer.h"

namespace vicinity::dataplane {
namespace {

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

Request request_for(uint16_t type, uint16_t flags) {
  Request request = {};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  request.body.idiag_states = ~0U;
  return request;
}

// A netlink socket of the namespace it was opened in.
class DiagSocket {
 public:
  DiagSocket() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {}

  using Each = std::function<void(const inet_diag_msg&)>;
  [[nodiscard]] absl::Status dump(uint8_t family, uint8_t protocol, const Each& each) const {
    Request request = request_for(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
    request.body.sdiag_family = family;
    request.body.sdiag_protocol = protocol;
    const int error = talk(request, each);
    return error == 0 ? absl::OkStatus() : base::errno_status("sock_diag: list sockets", error);
  }

  // 0 or an errno.
  [[nodiscard]] int destroy(uint8_t protocol, const inet_diag_msg& socket) const {
    Request request = request_for(SOCK_DESTROY, NLM_F_ACK);
    request.body.sdiag_family = socket.idiag_family;
    request.body.sdiag_protocol = protocol;
    request.body.id = socket.id;
    return talk(request, [](const inet_diag_msg&) {});
  }

 private:
  // Until the end of the dump, or the acknowledgement. 0 or an errno.
  [[nodiscard]] int talk(const Request& request, const Each& each) const {
    if (::send(fd_.get(), &request, sizeof(request), 0) < 0) return errno;
    std::array<char, 32768> buffer{};
    while (true) {
      const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return size == 0 ? EIO : errno;
      const auto end = read_messages({buffer.data(), static_cast<size_t>(size)}, each);
      if (end.has_value()) return *end;
    }
  }

  // What came of it, when this was the end.
  static std::optional<int> read_messages(std::string_view data, const Each& each) {
    while (data.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header = {};
      std::memcpy(&header, data.data(), sizeof(header));
      if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > data.size()) return EBADMSG;
      const std::string_view body =
          data.substr(NLMSG_HDRLEN, header.nlmsg_len - size_t{NLMSG_HDRLEN});
      if (header.nlmsg_type == NLMSG_DONE) return 0;
      if (header.nlmsg_type == NLMSG_ERROR) return -read<nlmsgerr>(body).error;
      each(read<inet_diag_msg>(body));
      data.remove_prefix(std::min<size_t>(data.size(), NLMSG_ALIGN(header.nlmsg_len)));
    }
    return std::nullopt;
  }

  template <class T>
  static T read(std::string_view from) {
    T value = {};
    from.copy(reinterpret_cast<char*>(&value), sizeof(value));
    return value;
  }

  base::UniqueFd fd_;
};

uint64_t cookie_of(const inet_diag_msg& socket) {
  return uint64_t{socket.id.idiag_cookie[1]} << 32 | socket.id.idiag_cookie[0];
}

// A v4-mapped peer becomes IPv4, as in the records.
SocketEnd peer_of(const inet_diag_msg& socket) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(socket.id.idiag_dst);
  const size_t size = socket.idiag_family == AF_INET ? 4 : 16;
  const auto address = model::IpAddress::from_bytes({bytes, size});
  return {.address = address.value_or(model::IpAddress{}), .port = ntohs(socket.id.idiag_dport)};
}

class DiagCloser final : public SocketCloser {
 public:
  absl::StatusOr<uint64_t> close_here(std::span<const Origin> sockets) override {
    uint64_t destroyed = 0;
    for (const Transport transport : {Transport::kTcp, Transport::kUdp}) {
      absl::flat_hash_map<uint64_t, SocketEnd> doomed;
      for (const Origin& socket : sockets) {
        if (socket.transport == transport) doomed.emplace(socket.cookie, socket.backend);
      }
      if (doomed.empty()) continue;
      VIC_ASSIGN_OR_RETURN(const uint64_t closed, close_of(transport, doomed));
      destroyed += closed;
    }
    return destroyed;
  }

  [[nodiscard]] std::string_view method() const override { return "sock_diag"; }

 private:
  using Doomed = absl::flat_hash_map<uint64_t, SocketEnd>;  // backend by cookie

  static absl::StatusOr<uint64_t> close_of(Transport transport, const Doomed& doomed) {
    const DiagSocket diag;
    const uint8_t protocol = transport == Transport::kTcp ? IPPROTO_TCP : IPPROTO_UDP;
    std::vector<inet_diag_msg> found;
    const auto look_at = [&](const inet_diag_msg& socket) {
      const auto entry = doomed.find(cookie_of(socket));
      if (entry != doomed.end() && entry->second == peer_of(socket)) found.push_back(socket);
    };
    for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
      VIC_RETURN_IF_ERROR(diag.dump(family, protocol, look_at));
    }
    return static_cast<uint64_t>(std::ranges::count_if(
        found, [&](const inet_diag_msg& socket) { return diag.destroy(protocol, socket) == 0; }));
  }
};

}  // namespace

// A socket that cannot exist tells what the kernel says to the request itself.
absl::StatusOr<std::unique_ptr<SocketCloser>> make_diag_closer() {
  const DiagSocket diag;
  inet_diag_msg nobody = {};
  nobody.idiag_family = AF_INET;
  nobody.id.idiag_cookie[0] = ~1U;
  nobody.id.idiag_cookie[1] = ~1U;
  for (const uint8_t protocol : {uint8_t{IPPROTO_TCP}, uint8_t{IPPROTO_UDP}}) {
    const int error = diag.destroy(protocol, nobody);
    if (error == 0 || error == ENOENT) continue;
    return base::errno_status(
        "SOCK_DESTROY (CAP_NET_ADMIN, CONFIG_INET_DIAG_DESTROY, modules tcp_diag and udp_diag)",
        error);
  }
  return std::make_unique<DiagCloser>();
}

}  // namespace vicinity::dataplane
