// A world of its own for one test: pods with addresses, nodes as cgroups with a pin directory each,
// in network namespaces without a route out. Several can exist side by side; the host's network,
// cgroups and pins are not touched. Owned by the test; one thread at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/cgroup.h"
#include "support/decoy.h"
#include "support/netlink.h"
#include "support/netns.h"
#include "support/pod.h"

namespace vicinity::testing {

struct WorldSpec {
  std::vector<std::string> nodes = {"node1"};
  std::vector<PodSpec> pods;
  std::optional<DecoySpec> decoy = {};
  // What pods see on their link. Nothing else has a route, except the VIPs when there is a decoy.
  std::vector<std::string> pod_prefixes = {"10.244.0.0/16", "fd00:10:244::/48"};
};

// What a daemon is given as its node: --cgroup and --pin-dir.
class Node {
 public:
  Node(std::string name, Cgroup cgroup, std::string pin_dir)
      : name_(std::move(name)), cgroup_(std::move(cgroup)), pin_dir_(std::move(pin_dir)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Cgroup& cgroup() const { return cgroup_; }
  [[nodiscard]] const std::string& pin_dir() const { return pin_dir_; }

 private:
  std::string name_;
  Cgroup cgroup_;
  std::string pin_dir_;
};

class World {
 public:
  // Removes what killed tests left behind first.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<World>> create(const WorldSpec& spec);
  // shut_down(), and abort() when that finds something.
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Where daemons and control planes run: loopback only.
  [[nodiscard]] const Netns& netns() const { return netns_; }
  // REQUIRES: a pod, a node of this name; aborts otherwise.
  [[nodiscard]] Pod& pod(std::string_view name);
  [[nodiscard]] Node& node(std::string_view name);
  // nullptr without one.
  [[nodiscard]] Decoy* decoy() { return decoy_.get(); }

  [[nodiscard]] absl::StatusOr<Pod*> add_pod(const PodSpec& spec);
  // Kills what runs in it. Its addresses may be used again at once.
  [[nodiscard]] absl::Status remove_pod(std::string_view name);

  // Removes everything. Not ok: a process was left in one of its cgroups or namespaces (a daemon
  // that the test did not stop), or something could not be removed.
  [[nodiscard]] absl::Status shut_down();

 private:
  struct Wired {
    std::unique_ptr<Pod> pod;
    int port = 0;  // the bridge's end
  };

  World(std::string name, Cgroup root, Netns netns, Netlink link);
  [[nodiscard]] absl::Status build(const WorldSpec& spec);
  [[nodiscard]] absl::Status add_node(const std::string& name);
  [[nodiscard]] absl::Status add_decoy(const DecoySpec& spec);
  [[nodiscard]] absl::Status route_to_decoy(Pod& pod);
  [[nodiscard]] absl::StatusOr<Wired> wire(const PodSpec& spec, const Cgroup& node);
  [[nodiscard]] absl::StatusOr<Pod*> place(const PodSpec& spec);
  [[nodiscard]] absl::Status forget_addresses(const Pod& pod);
  [[nodiscard]] absl::Status wait_for_port(int port);
  [[nodiscard]] std::vector<std::string> remaining_processes() const;

  std::string name_;
  std::string pin_root_;
  Cgroup root_;
  Netns netns_;
  Netlink link_;
  int bridge_ = 0;
  int ports_made_ = 0;
  bool open_ = true;
  std::vector<IpPrefix> pod_prefixes_;
  std::vector<IpPrefix> decoy_prefixes_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Wired> pods_;
  Wired decoy_host_;
  std::unique_ptr<Decoy> decoy_;
  std::set<std::string> addresses_used_;
};

}  // namespace vicinity::testing
