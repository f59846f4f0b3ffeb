// Closing sockets by bpf_sock_destroy: bpf/destroy.h.
#include <bpf/bpf.h>
#include <fcntl.h>
#include <unistd.h>
#include <vicinity/abi.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/status.h"
#include "base/unique_fd.h"
#include "dataplane/kernel_sockets.h"
#include "dataplane/socket_closer.h"

namespace vicinity::dataplane {
namespace {

// Runs over every socket of the namespace that is current now.
absl::Status run_iterator(int program) {
  const base::UniqueFd link(bpf_link_create(program, 0, BPF_TRACE_ITER, nullptr));
  if (!link.valid()) return base::errno_status("socket iterator: attach");
  const base::UniqueFd iterator(bpf_iter_create(link.get()));
  if (!iterator.valid()) return base::errno_status("socket iterator: create");
  std::array<char, 64> nothing{};
  ssize_t size = 0;
  do {
    size = ::read(iterator.get(), nothing.data(), nothing.size());
  } while (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR)));
  return size == 0 ? absl::OkStatus() : base::errno_status("socket iterator: run");
}

class IteratorCloser final : public SocketCloser {
 public:
  IteratorCloser(base::UniqueFd doomed, base::UniqueFd tcp, base::UniqueFd udp)
      : doomed_(std::move(doomed)), tcp_(std::move(tcp)), udp_(std::move(udp)) {}

  absl::StatusOr<uint64_t> close_here(std::span<const Origin> sockets) override {
    for (const Origin& socket : sockets) doom(socket);
    absl::Status status = run(sockets);
    uint64_t destroyed = 0;
    for (const Origin& socket : sockets) destroyed += forget(socket) ? 1 : 0;
    if (!status.ok()) return status;
    return destroyed;
  }

  [[nodiscard]] std::string_view method() const override { return "bpf_sock_destroy"; }

 private:
  [[nodiscard]] absl::Status run(std::span<const Origin> sockets) const {
    for (const Transport transport : {Transport::kTcp, Transport::kUdp}) {
      if (std::ranges::find(sockets, transport, &Origin::transport) == sockets.end()) continue;
      VIC_RETURN_IF_ERROR(run_iterator((transport == Transport::kTcp ? tcp_ : udp_).get()));
    }
    return absl::OkStatus();
  }
  // One that finds no room is not found, and said so.
  void doom(const Origin& socket) const {
    const vic_doom doom = {.backend = vic_endpoint_of(socket.backend, socket.transport),
                           .destroyed = 0};
    bpf_map_update_elem(doomed_.get(), &socket.cookie, &doom, BPF_ANY);
  }
  [[nodiscard]] bool forget(const Origin& socket) const {
    vic_doom doom = {};
    const bool found = bpf_map_lookup_elem(doomed_.get(), &socket.cookie, &doom) == 0;
    bpf_map_delete_elem(doomed_.get(), &socket.cookie);
    return found && doom.destroyed != 0;
  }

  base::UniqueFd doomed_;
  base::UniqueFd tcp_;
  base::UniqueFd udp_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SocketCloser>> make_iterator_closer(const Object& object) {
  const auto duplicate = [](int fd) { return base::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); };
  base::UniqueFd tcp = duplicate(object.program_fd("vic_destroy_tcp"));
  base::UniqueFd udp = duplicate(object.program_fd("vic_destroy_udp"));
  if (!tcp.valid() || !udp.valid()) {
    return absl::UnavailableError("the kernel has no bpf_sock_destroy (6.5)");
  }
  return std::make_unique<IteratorCloser>(duplicate(object.map_fd("vic_doomed")), std::move(tcp),
                                          std::move(udp));
}

}  // namespace vicinity::dataplane
