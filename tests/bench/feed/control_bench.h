// The scenes of bench_control for one size of mesh: followed at once, changed in every way there
// is, followed again. Main thread; the feed comes from here, the daemon is another process.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "bench/feed/daemon.h"
#include "bench/feed/floor.h"
#include "bench/feed/load.h"
#include "bench/feed/server.h"
#include "bench/feed/table_watch.h"
#include "bench/feed/wire_watch.h"
#include "bench/workspace.h"

namespace vicinity::bench {

struct Figure {
  std::string name;
  std::string text;
  base::Json json;
};

[[nodiscard]] base::Json numbers(std::initializer_list<std::pair<const char*, double>> members);

class ControlBench {
 public:
  ControlBench(LoadSpec spec, const Workspace& workspace)
      : spec_(spec), load_(spec), workspace_(workspace) {}

  absl::Status run(double churn_seconds);
  [[nodiscard]] const std::vector<Figure>& figures() const { return figures_; }

 private:
  struct Work {
    int64_t wall_ns = 0;
    double cpu_s = 0;
  };
  // A rate of changes, and for how long.
  struct Pace {
    uint32_t per_second = 0;
    double seconds = 0;
  };

  // control_bench.cc
  absl::Status set_up();
  absl::Status start_cold();
  absl::Status load_all();
  absl::Status floor_of(const std::vector<uint32_t>& resources);
  absl::Status settle(uint64_t peak_anonymous);
  absl::Status add_table_memory();
  absl::Status reconnect();
  absl::Status restart();
  // control_changes.cc
  absl::Status change_all_ways(double churn_seconds);
  absl::Status churn(const Pace& pace);
  absl::Status churn_watched(const Pace& pace);
  absl::Status wire_alone(const Pace& pace);
  absl::Status add_and_remove();
  absl::Status connect_meanwhile();
  absl::Status replace_pods();
  absl::Status lose_zones();
  absl::Status relabel();
  [[nodiscard]] std::vector<uint32_t> lose_third();
  // `cpu`: the part of one that they took.
  void add_trips(std::string name, const std::vector<RoundTrip>& trips, double cpu);

  // Sends one response with these resources and waits until its tables are there.
  absl::StatusOr<Work> change(const std::vector<uint32_t>& resources);
  // An empty response follows each: an answer may leave when the response is decoded, after the
  // tables of the one before it are written. So the answer to the second tells of the tables of the
  // first.
  void send(const std::vector<uint32_t>& resources, const std::vector<std::string>& removed = {});
  // The bytes of a response that changes a table of one service.
  struct Change {
    std::vector<uint32_t> resources;
    std::vector<std::string> removed;
    uint32_t service = 0;
  };
  // Error: the table is the same as before.
  absl::StatusOr<RoundTrip> change_watched(TableWatch& tables, const Change& change);
  [[nodiscard]] int64_t latency_ns(uint64_t nonce) const {
    return server_->answered_ns(nonce + 1) - server_->sent_ns(nonce);
  }
  [[nodiscard]] std::string response(const std::vector<uint32_t>& resources,
                                     const std::vector<std::string>& removed, uint64_t nonce) const;
  void add(std::string name, std::string text, base::Json json);
  void add_start(std::string name, double took);

  LoadSpec spec_;
  Load load_;
  const Workspace& workspace_;
  std::optional<testing::Netns> netns_;
  std::unique_ptr<FeedServer> server_;
  std::optional<Daemon> daemon_;
  std::optional<WireWatch> wire_;
  std::vector<Figure> figures_;
  uint64_t empty_ = 0;  // resident before the first response
  uint64_t response_bytes_ = 0;
};

// Of both halves.
inline constexpr absl::Duration kControlPatience = absl::Minutes(5);
[[nodiscard]] inline double as_real(uint64_t value) { return static_cast<double>(value); }
[[nodiscard]] inline double to_ms(int64_t ns) { return static_cast<double>(ns) / 1e6; }
[[nodiscard]] inline double to_mb(uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

}  // namespace vicinity::bench
