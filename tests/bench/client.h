// The process that connects: it lives in the cgroup and network namespace of one variant, serves
// the endpoints' and the services' port there itself, and runs the batches it is asked for over a
// socket. Connecting and accepting in one thread leaves no scheduler between the two ends. One
// thread at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <vector>

#include "base/unique_fd.h"
#include "bench/shape.h"
#include "bench/traffic.h"
#include "support/cgroup.h"
#include "support/netns.h"
#include "support/process.h"

namespace vicinity::bench {

struct Batch {
  Shape shape;
  uint32_t connects = 0;  // of each worker
  uint32_t workers = 1;   // processes, each on a CPU of its own when there are several
  model::Family family = model::Family::kIpv4;
  Traffic traffic;
  uint64_t seed = 1;
  uint32_t first_turn = 0;  // of Aim::kInTurn: with which service to begin
};

struct BatchResult {
  uint64_t elapsed_ns = 0;             // connect, accept, close, `connects` times, by every worker
  std::vector<uint32_t> latencies_ns;  // of connect() alone (or sendto()), sorted
};

class Client {
 public:
  [[nodiscard]] static absl::StatusOr<Client> start(const testing::Netns& netns,
                                                    const testing::Cgroup& cgroup);

  // Every connect must end as expected: the first errno of one that did not is the error.
  [[nodiscard]] absl::StatusOr<BatchResult> run(const Batch& batch);

 private:
  Client(testing::Process process, base::UniqueFd socket)
      : process_(std::move(process)), socket_(std::move(socket)) {}
  testing::Process process_;
  base::UniqueFd socket_;
};

// CPUs this process may run on.
[[nodiscard]] uint32_t usable_cpus();

// The body of that process: serves batches over descriptor 3 until it is closed. Its exit code.
[[nodiscard]] int client_main();

}  // namespace vicinity::bench
