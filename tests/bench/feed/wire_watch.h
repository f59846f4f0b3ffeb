// When a message reaches a process, and when its answer leaves: what comes before and after is its
// peer's. By programs on the process's cgroup, which wake nobody. One thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/feed/wire.h"
#include "support/cgroup.h"

struct bpf_link;
struct bpf_object;

namespace vicinity::bench {

// Nanoseconds of a message and its answer.
struct RoundTrip {
  int64_t on_wire = 0;    // from the message at the socket to the answer that leaves it
  int64_t at_server = 0;  // from the message in its sender's hand to the answer there
};

class WireWatch {
 public:
  [[nodiscard]] static absl::StatusOr<WireWatch> attach(const testing::Cgroup& cgroup);

  // What is seen from now on counts.
  void begin();
  // Monotonic, ns; 0: nothing was seen.
  [[nodiscard]] int64_t arrived() const;
  [[nodiscard]] int64_t left() const;

 private:
  struct Close {
    void operator()(bpf_object* object) const;
    void operator()(bpf_link* link) const;
    void operator()(WireTimes* times) const;
  };
  template <class T>
  using Owned = std::unique_ptr<T, Close>;

  Owned<bpf_object> object_;
  std::vector<Owned<bpf_link>> links_;
  Owned<WireTimes> times_;  // mapped
};

}  // namespace vicinity::bench
