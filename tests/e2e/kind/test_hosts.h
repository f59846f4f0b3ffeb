// The scenario's second driver: its actions on a Cluster of this repository. It stands in for
// Kubernetes and istiod: it keeps nodes, pods and the service's policy, and gives their feed. One
// thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>

#include "e2e/cluster.h"
#include "e2e/kind/scenario.h"

namespace vicinity::testing::kind {

class TestHosts {
 public:
  // The cluster with its daemons and the client's pod; the service has no instance yet.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<TestHosts>> create(const Scenario& scenario,
                                                                         const std::string& run);

  [[nodiscard]] absl::Status act(const Action& action);

  // A load of requests from the client until stop_load().
  [[nodiscard]] absl::Status start_load(Talk talk);
  [[nodiscard]] absl::StatusOr<Tally> stop_load();
  // `count` requests; the tally's answers are versions.
  [[nodiscard]] absl::StatusOr<Tally> ask(uint64_t count, Talk talk);

  // What vicinityctl says on the client's node, for a failed test.
  [[nodiscard]] std::string describe();
  [[nodiscard]] uint64_t leaked() { return cluster_->world().decoy()->accepts(); }
  [[nodiscard]] absl::Status clear();

 private:
  struct Instance {
    std::string node;
    std::string address;
  };

  TestHosts(const Scenario& scenario, const Run& run)
      : scenario_(scenario), run_(run), places_(scenario.nodes) {}
  [[nodiscard]] absl::Status deploy(const Action& action);
  [[nodiscard]] absl::Status remove(const std::string& version);
  [[nodiscard]] absl::Status restart_daemons();
  [[nodiscard]] absl::Status restart_control_plane();
  [[nodiscard]] absl::Status uninstall();
  [[nodiscard]] absl::Status wait_in_sync();
  [[nodiscard]] absl::Status publish();
  [[nodiscard]] std::string mesh() const;
  [[nodiscard]] std::string workload(const std::string& name, const Instance& instance) const;
  [[nodiscard]] LoadSpec load_spec(Talk talk) const;
  [[nodiscard]] Pod& client() { return cluster_->world().pod(scenario_.client); }

  const Scenario& scenario_;
  const Run& run_;
  std::map<std::string, Place> places_;
  std::map<std::string, Instance> instances_;  // by version
  std::string policy_ = "none";
  std::vector<std::string> flags_;  // of every daemon, from upgrades
  int addresses_ = 10;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<PodAgent> load_;
};

}  // namespace vicinity::testing::kind
