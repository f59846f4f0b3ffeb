// Answers with its own name, so that a test knows who it reached: HTTP `GET /hello`, a bare line on
// accept, or a datagram for each datagram; any number of addresses, ports and both families in one
// thread. Used by the program vic_helloworld.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "support/ip.h"

namespace vicinity::testing {

enum class ServeProtocol : std::uint8_t {
  kHttp,    // GET /hello -> "Hello version: V, instance: I"
  kBanner,  // writes its instance's name on accept and closes
  kUdp,     // its instance's name for every datagram
};

struct HelloName {
  std::string version = "v1";
  std::string instance;  // empty: the local address that was reached
};

class HelloServer {
 public:
  [[nodiscard]] static absl::StatusOr<HelloServer> create(HelloName name);

  [[nodiscard]] absl::Status listen(ServeProtocol protocol, const SocketAddress& address);
  // Serves until the process ends.
  [[noreturn]] void serve();

 private:
  struct Socket {
    base::UniqueFd fd;
    ServeProtocol protocol = ServeProtocol::kHttp;
    bool listening = false;
    std::string received;
  };

  HelloServer(HelloName name, base::UniqueFd epoll)
      : name_(std::move(name)), epoll_(std::move(epoll)) {}
  [[nodiscard]] bool watch(Socket socket);
  void handle(int fd);
  void accept_all(const Socket& listener);
  void read_request(int fd);
  void answer_datagrams(const Socket& socket) const;
  [[nodiscard]] std::string instance_at(int fd) const;
  [[nodiscard]] std::string http_answer(const std::string& request, int fd) const;

  HelloName name_;
  base::UniqueFd epoll_;
  absl::flat_hash_map<int, Socket> sockets_;
};

}  // namespace vicinity::testing
