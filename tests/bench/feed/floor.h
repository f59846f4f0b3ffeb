// What following a mesh costs at least: a client that only takes the responses and answers them, in
// a process of its own, and protobuf's parser alone. Main thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/feed/server.h"
#include "bench/feed/wire_watch.h"
#include "bench/workspace.h"
#include "support/cgroup.h"
#include "support/netns.h"
#include "support/process.h"

namespace vicinity::bench {

// With the transport that the daemon has.
class Swallower {
 public:
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Swallower>> start(
      const Workspace& workspace, const testing::Netns& netns);

  struct Cost {
    double ms = 0;
    double cpu_s = 0;
  };
  [[nodiscard]] absl::StatusOr<Cost> take(const std::string& response);
  // Of an empty response. REQUIRES: watch_wire().
  [[nodiscard]] absl::Status watch_wire();
  [[nodiscard]] absl::StatusOr<RoundTrip> take_empty();
  [[nodiscard]] uint64_t next_nonce() const { return server_->next_nonce(); }

 private:
  std::unique_ptr<FeedServer> server_;
  std::optional<testing::Cgroup> cgroup_;
  std::optional<WireWatch> wire_;
  std::unique_ptr<testing::Process> process_;
};

// The other process: runs until it is killed.
[[nodiscard]] int swallow_until_killed(uint32_t port);

// Milliseconds to parse resources, as they stand in a response, one by one into one arena.
[[nodiscard]] double parse_ms(const std::vector<std::string>& resources);

}  // namespace vicinity::bench
