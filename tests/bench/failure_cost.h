// What a connect costs with failure detection beside what it costs without, when all endpoints
// answer. Main thread.
#pragma once

#include <absl/status/statusor.h>

namespace vicinity::bench {

struct CostOptions {
  unsigned rounds = 15;
  unsigned connects = 4000;  // per round and kind of tables
};

// The same without and with; and for connects to other services than the one that is watched.
// Medians over the rounds.
struct Compared {
  double without = 0;
  double another = 0;
  double with = 0;
};

// In ns a connect. What the kernel says of programs is above `floor_ns` a run, which is what it
// says of an empty one: mostly the clock reads of the statistics.
struct Cost {
  double floor_ns = 0;
  Compared connect_ns;  // connect(), the median of a round
  Compared whole_ns;    // connect, accept, close: the mean of the fastest round
  Compared hook_ns;     // in the connect4 program
  Compared others_ns;   // in the programs that run beside it, of both ends of the connection
  Compared other_runs;  // runs of those
};

// With both ends of each connection on this kernel.
[[nodiscard]] absl::StatusOr<Cost> cost_of_detection(const CostOptions& options);
// With the client's end only, as on a node whose endpoints are elsewhere. Connects wait for a
// program to answer them, so their own times say nothing.
[[nodiscard]] absl::StatusOr<Cost> cost_to_the_client(const CostOptions& options);

}  // namespace vicinity::bench
