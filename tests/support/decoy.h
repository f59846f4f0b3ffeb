// A host that owns every VIP and takes whatever comes, on any port: what a rewrite that failed to
// happen looks like. One accept there fails a test. Owned by its World; any thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "support/netns.h"
#include "support/socket_redirect.h"

namespace vicinity::testing {

struct DecoySpec {
  std::vector<std::string> prefixes = {"10.96.0.0/16", "fd00:10:96::/108"};
};

// What a connection or datagram to the decoy is answered with.
inline constexpr char kDecoyAnswer[] = "decoy";

class Decoy {
 public:
  struct Arrivals {
    std::uint64_t accepts = 0;
    std::uint64_t datagrams = 0;
    friend bool operator==(const Arrivals&, const Arrivals&) = default;
  };

  // Serves in `netns`, where the prefixes have been made local.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Decoy>> start(const Netns& netns);
  ~Decoy();
  Decoy(const Decoy&) = delete;
  Decoy& operator=(const Decoy&) = delete;

  // Everything that had arrived when it was called.
  [[nodiscard]] Arrivals arrivals();
  [[nodiscard]] std::uint64_t accepts() { return arrivals().accepts; }

 private:
  Decoy(base::UniqueFd tcp, base::UniqueFd udp, base::UniqueFd stop, SocketRedirect redirect);
  void loop();
  void drain_tcp();
  void drain_udp();

  base::UniqueFd tcp_;
  base::UniqueFd udp_;
  base::UniqueFd stop_;
  SocketRedirect redirect_;
  std::mutex mutex_;  // guards arrivals_
  Arrivals arrivals_;
  std::thread thread_;
};

}  // namespace vicinity::testing
