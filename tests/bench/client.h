// The process that connects: it lives in the cgroup and network namespace of one variant, serves
// the endpoints' port there itself, and runs the batches it is asked for over a socket. Connecting
// and accepting in one thread leaves no scheduler between the two ends. One thread at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <vector>

#include "base/unique_fd.h"
#include "bench/shape.h"
#include "support/cgroup.h"
#include "support/netns.h"
#include "support/process.h"

namespace vicinity::bench {

enum class Target : uint32_t {
  kEndpoint,  // straight to a random endpoint
  kService,   // to a random service address
  kInTurn,    // to each service address in turn
};

// Where the other end of a connection is.
enum class Far : uint32_t {
  kHere,       // the client accepts it
  kElsewhere,  // bench/far_host.h
};

struct Batch {
  Shape shape;
  uint32_t connects = 0;
  Target target = Target::kService;
  model::Family family = model::Family::kIpv4;
  uint64_t seed = 1;
  Far far = Far::kHere;
};

struct BatchResult {
  uint64_t elapsed_ns = 0;             // connect, accept, close, `connects` times
  std::vector<uint32_t> latencies_ns;  // of connect() alone, sorted
};

class Client {
 public:
  [[nodiscard]] static absl::StatusOr<Client> start(const testing::Netns& netns,
                                                    const testing::Cgroup& cgroup);

  // Every connect must succeed: the first errno of one that did not is the error.
  [[nodiscard]] absl::StatusOr<BatchResult> run(const Batch& batch);

 private:
  Client(testing::Process process, base::UniqueFd socket)
      : process_(std::move(process)), socket_(std::move(socket)) {}
  testing::Process process_;
  base::UniqueFd socket_;
};

// The body of that process: serves batches over descriptor 3 until it is closed. Its exit code.
[[nodiscard]] int client_main();

}  // namespace vicinity::bench
