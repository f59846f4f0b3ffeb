// One connect, or one datagram, as a row of the benchmark makes it, with both of its ends in one
// thread. Used by the client's processes.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "base/unique_fd.h"
#include "bench/client.h"

namespace vicinity::bench {

struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in ip4;
    sockaddr_in6 ip6;
  };
  socklen_t length;
};

// Every endpoint address is local in the client's network namespace (a local route to lo), so one
// wildcard socket of each kind serves all.
class Servers {
 public:
  [[nodiscard]] static Servers listen();
  [[nodiscard]] bool valid() const;
  // The one that hears what is sent in this way.
  [[nodiscard]] int of(const Batch& batch) const;

 private:
  struct OfFamily {
    base::UniqueFd endpoints;
    base::UniqueFd services;  // hears what passes unrewritten
    base::UniqueFd datagrams;
  };
  [[nodiscard]] static OfFamily listen_on(model::Family family);
  OfFamily ip4_;
  OfFamily ip6_;
};

class Talker {
 public:
  Talker(const Batch& batch, int server)
      : batch_(batch), server_(server), random_(batch.seed), turn_(batch.first_turn) {}

  // How long it took, or -errno.
  [[nodiscard]] int64_t talk();

 private:
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
  struct Sender {
    base::UniqueFd socket;
    SocketAddress to;
  };

  [[nodiscard]] SocketAddress pick();
  [[nodiscard]] base::UniqueFd open(const SocketAddress& to) const;
  [[nodiscard]] int64_t connect_tcp(const SocketAddress& to) const;
  [[nodiscard]] int64_t connect_udp(const SocketAddress& to) const;
  [[nodiscard]] int64_t send(int socket, const SocketAddress& to) const;
  [[nodiscard]] int64_t send_again();
  [[nodiscard]] int64_t ended(int64_t start, int result) const;
  [[nodiscard]] bool shows(int socket, const SocketAddress& to) const;

  const Batch& batch_;
  int server_;
  Random random_;
  uint32_t turn_;
  std::vector<Sender> senders_;
};

}  // namespace vicinity::bench
