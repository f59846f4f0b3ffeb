// Plays a Scenario on a Cluster: the pods of each scene come and go, the feed takes its step, and
// the client asks who is there. One thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "devcp/recording.h"
#include "e2e/cluster.h"
#include "e2e/expected.h"
#include "e2e/scenario.h"

namespace vicinity::testing {

class Player {
 public:
  // `steps` are the feed's, one per scene.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Player>> set_up(
      Scenario scenario, std::vector<devcp::Step> steps, std::vector<ExpectedView> expected);

  [[nodiscard]] Cluster& cluster() { return *cluster_; }
  [[nodiscard]] const Scenario& scenario() const { return scenario_; }

  // Starts the scene's pods, takes the feed's step, waits until every node's kernel has the tables
  // of that step, and ends the pods that went. DeadlineExceeded: the tables did not come; with what
  // is there instead.
  [[nodiscard]] absl::Status play(const Scene& scene);
  // curl in the client pod: the answer's text, or "refused".
  [[nodiscard]] absl::StatusOr<std::string> curl();
  // As many connections as asked, by instance; a failure is not ok.
  [[nodiscard]] absl::StatusOr<std::map<std::string, uint64_t>> ask(uint64_t connections);
  [[nodiscard]] absl::Status clear();

 private:
  Player() = default;
  [[nodiscard]] absl::Status start(const Instance& instance);
  [[nodiscard]] absl::Status wait_for_tables(const std::string& step);

  Scenario scenario_;
  std::vector<devcp::Step> steps_;
  std::vector<ExpectedView> expected_;
  std::unique_ptr<Cluster> cluster_;
};

// The instance out of "Hello version: V, instance: I".
[[nodiscard]] std::string instance_of(const std::string& answer);

}  // namespace vicinity::testing
