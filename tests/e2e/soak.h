// One soak: a node with a real daemon under load, and a second one whose daemon never restarts, to
// see whether its memory grows. What happens is drawn from a seed. One thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "e2e/bpf_objects.h"
#include "e2e/cluster.h"
#include "kernel/timeline.h"

namespace vicinity::testing {

struct SoakReport {
  uint64_t connects = 0;
  uint64_t failed = 0;
  uint64_t wrong = 0;  // answered by an endpoint that was none at the time, or by the decoy
  uint64_t parts = 0;  // of the load, each checked on its own
  std::map<std::string, uint64_t> actions;
  std::vector<uint64_t> memory_kib;  // of the daemon that stays, sampled evenly
};

class Soak {
 public:
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Soak>> set_up(uint64_t seed);

  // Plays random actions for that long. The first error ends it.
  [[nodiscard]] absl::Status run(Duration duration);
  // After the last action: stops everything; an error names what is left.
  [[nodiscard]] absl::Status wind_down();
  [[nodiscard]] const SoakReport& report() const { return report_; }

 private:
  struct Action {
    const char* name;
    unsigned weight;
    absl::Status (Soak::*play)();
  };
  explicit Soak(uint64_t seed) : random_(seed) {}

  [[nodiscard]] absl::Status play_some();
  [[nodiscard]] absl::Status play_one();
  void sample_memory(int64_t begin_ns, Duration duration);
  [[nodiscard]] absl::Status start_load();
  // Stops the load and looks at each of its connects.
  [[nodiscard]] absl::Status check_load();

  [[nodiscard]] absl::Status churn();
  [[nodiscard]] absl::Status restart();
  [[nodiscard]] absl::Status kill();
  [[nodiscard]] absl::Status move_abi();
  [[nodiscard]] absl::Status end_streams();
  [[nodiscard]] absl::Status lose_control_plane();
  [[nodiscard]] absl::Status deny_streams();
  [[nodiscard]] absl::Status send_garbage();
  [[nodiscard]] absl::Status fill_with_services();

  // Serves the endpoints of this moment, and what surrounds them.
  void serve();
  [[nodiscard]] absl::Status wait_for_tables();
  [[nodiscard]] std::string told();
  [[nodiscard]] std::string mesh();
  uint64_t pick(uint64_t choices) { return random_() % choices; }

  std::mt19937_64 random_;
  std::unique_ptr<Cluster> cluster_;
  Timeline timeline_;
  PodAgent* client_ = nullptr;
  std::set<unsigned> endpoints_ = {0};
  uint64_t names_made_ = 0;
  unsigned actions_ = 0;
  unsigned surrounding_ = 3;  // services beside the one under load
  uint32_t abi_ = 0;          // of the daemon that restarts
  BpfObjects before_;
  uint64_t pins_before_ = 0;
  SoakReport report_;
};

}  // namespace vicinity::testing
