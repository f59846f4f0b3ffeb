#include "dataplane/kernel_sockets.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <vicinity/layout.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

constexpr uint32_t kBatch = 1024;

Transport transport_of(const vic_endpoint& endpoint) {
  return endpoint.protocol == IPPROTO_TCP ? Transport::kTcp : Transport::kUdp;
}

Origin origin_of(uint64_t cookie, const vic_origin& record) {
  return {.cookie = cookie,
          .transport = transport_of(record.service),
          .service = socket_end(record.service),
          .backend = socket_end(record.backend),
          .connected = (record.flags & VIC_ORIGIN_CONNECTED) != 0,
          .gone = (record.flags & VIC_ORIGIN_GONE) != 0,
          .netns_cookie = record.netns_cookie};
}

Origin origin_of(const vic_pair_key& key, const vic_pair& record) {
  return {.cookie = key.cookie,
          .pair = key.id,
          .transport = transport_of(record.service),
          .service = socket_end(record.service),
          .backend = socket_end(record.backend),
          .gone = (record.flags & VIC_ORIGIN_GONE) != 0};
}

// Every element, a batch per system call. A batch ends at a bucket, so a larger one is asked for
// when a bucket does not fit.
template <class Key, class Value, class Each>
absl::Status for_each(int map, Each each) {
  std::vector<Key> keys(kBatch);
  std::vector<Value> values(kBatch);
  uint32_t position = 0;
  bool first = true;
  while (true) {
    auto count = static_cast<uint32_t>(keys.size());
    uint32_t next = 0;
    const int result = bpf_map_lookup_batch(map, first ? nullptr : &position, &next, keys.data(),
                                            values.data(), &count, nullptr);
    const int error = result == 0 ? 0 : errno;
    if (error == ENOSPC) {
      keys.resize(2 * keys.size());
      values.resize(keys.size());
      continue;
    }
    if (error != 0 && error != ENOENT) return base::errno_status("socket records: read", error);
    for (uint32_t i = 0; i < count; ++i) each(keys[i], values[i]);
    if (error == ENOENT) return absl::OkStatus();
    position = next;
    first = false;
  }
}

absl::StatusOr<base::UniqueFd> duplicate(int fd) {
  base::UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) return base::errno_status("socket records: open");
  return copy;
}

}  // namespace

SocketEnd socket_end(const vic_endpoint& endpoint) {
  SocketEnd end = {.address = {.family = static_cast<model::Family>(endpoint.family), .bytes = {}},
                   .port = ntohs(endpoint.port_be)};
  std::memcpy(end.address.bytes.data(), endpoint.address_be,
              model::family_bits(end.address.family) / 8u);
  return end;
}

vic_endpoint vic_endpoint_of(const SocketEnd& end, Transport transport) {
  vic_endpoint endpoint = {};
  std::memcpy(endpoint.address_be, end.address.bytes.data(),
              model::family_bits(end.address.family) / 8u);
  endpoint.port_be = htons(end.port);
  endpoint.family = static_cast<uint8_t>(end.address.family);
  endpoint.protocol = transport == Transport::kTcp ? IPPROTO_TCP : IPPROTO_UDP;
  return endpoint;
}

absl::StatusOr<std::unique_ptr<KernelSockets>> KernelSockets::open(const Object& object,
                                                                   Terminate terminate) {
  auto self = std::make_unique<KernelSockets>();
  VIC_ASSIGN_OR_RETURN(self->origins_, duplicate(object.map_fd("vic_origins")));
  VIC_ASSIGN_OR_RETURN(self->pairs_, duplicate(object.map_fd("vic_pairs")));
  VIC_ASSIGN_OR_RETURN(self->retire_, duplicate(object.program_fd("vic_retire")));
  if (terminate != Terminate::kNone) self->start_terminator(object, terminate);
  return self;
}

void KernelSockets::start_terminator(const Object& object, Terminate terminate) {
  auto terminator = Terminator::start(object);
  if (!terminator.ok()) {
    termination_ = fmt::format("none ({})", base::message(terminator.status()));
    spdlog::warn("sockets of gone endpoints are not closed: {}",
                 base::message(terminator.status()));
    return;
  }
  terminator_ = *std::move(terminator);
  // The record of an MPTCP connection is kept on its socket, where only the hooks find it.
  termination_ = terminate == Terminate::kAll
                     ? fmt::format("all but MPTCP, by {}", terminator_->method())
                     : fmt::format("udp, by {}", terminator_->method());
}

void KernelSockets::close(std::vector<Origin> sockets) {
  if (terminator_ != nullptr) terminator_->close(std::move(sockets));
}

TerminationCounts KernelSockets::closed() const {
  return terminator_ == nullptr ? TerminationCounts{} : terminator_->counts();
}

// Of a pair's two elements the one by service stands for it; the head of a chain is none.
absl::StatusOr<std::vector<Origin>> KernelSockets::origins() const {
  std::vector<Origin> all;
  VIC_RETURN_IF_ERROR((for_each<uint64_t, vic_origin>(
      origins_.get(), [&](uint64_t cookie, const vic_origin& record) {
        all.push_back(origin_of(cookie, record));
      })));
  VIC_RETURN_IF_ERROR((for_each<vic_pair_key, vic_pair>(
      pairs_.get(), [&](const vic_pair_key& key, const vic_pair& record) {
        if ((key.id & 3) == VIC_PAIR_BY_SERVICE) all.push_back(origin_of(key, record));
      })));
  return all;
}

RecordUsage KernelSockets::usage() const {
  RecordUsage usage = {.used = 0, .capacity = VIC_MAX_ORIGINS + VIC_MAX_PAIRS};
  const auto count = [&](const auto&, const auto&) { ++usage.used; };
  for_each<uint64_t, vic_origin>(origins_.get(), count).IgnoreError();
  for_each<vic_pair_key, vic_pair>(pairs_.get(), count).IgnoreError();
  return usage;
}

absl::Status KernelSockets::retire(const Origin& origin) {
  vic_retirement what = {};
  what.cookie = origin.cookie;
  what.pair = origin.pair;
  what.backend = vic_endpoint_of(origin.backend, origin.transport);
  bpf_test_run_opts options = {};
  options.sz = sizeof(options);
  options.ctx_in = &what;
  options.ctx_size_in = sizeof(what);
  if (bpf_prog_test_run_opts(retire_.get(), &options) == 0) return absl::OkStatus();
  return base::errno_status("vic_retire: run");
}

}  // namespace vicinity::dataplane
