// A whole small cluster on one machine: a World of nodes and pods, a control plane, and the real
// vicinityd once per node, over xDS. For the e2e tests and the demo; one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compile/tables.h"
#include "devcp/dev_control_plane.h"
#include "support/process.h"
#include "support/temp_folder.h"
#include "support/wait.h"
#include "support/world.h"

namespace vicinity::testing {

struct ClusterSpec {
  WorldSpec world;
  // Of --resync-quiet: how soon what an earlier daemon left behind goes.
  std::string resync_quiet = "500ms";
  std::vector<std::string> more_flags = {};                   // for every vicinityd
  std::map<std::string, std::string> metrics_addresses = {};  // by node; without: nowhere
};

// A node with a pod "client" and pods that serve, each answering with its name; a decoy.
struct OneNode {
  std::string node;
  std::string client;                          // address
  std::map<std::string, std::string> serving;  // addresses by pod
  uint16_t port = 8080;
};

class Cluster {
 public:
  // World and control plane; no daemon yet.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Cluster>> create(ClusterSpec spec);
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Cluster>> create(const OneNode& spec);
  ~Cluster();

  [[nodiscard]] World& world() { return *world_; }
  [[nodiscard]] devcp::DevControlPlane& control_plane() { return *control_plane_; }
  // Another one on an address of its own; nothing remains of the first.
  [[nodiscard]] absl::Status replace_control_plane(const std::string& listen);

  // Starts the node's vicinityd and waits for its "ready".
  [[nodiscard]] absl::Status start_daemon(const std::string& node,
                                          const std::vector<std::string>& more_flags = {});
  // The same with another program than vicinityd.
  [[nodiscard]] absl::Status start_program(const std::string& node, const std::string& program,
                                           const std::vector<std::string>& more_flags = {});
  [[nodiscard]] absl::Status start_daemons();
  [[nodiscard]] Process& daemon(const std::string& node) { return daemons_.at(node); }
  // SIGTERM, and waits for the end.
  [[nodiscard]] absl::Status stop_daemon(const std::string& node);
  [[nodiscard]] absl::Status kill_daemon(const std::string& node);  // SIGKILL
  [[nodiscard]] std::string admin_socket(const std::string& node) const;

  // What the kernel has for this node, read by this process from the pins.
  [[nodiscard]] absl::StatusOr<compile::Tables> tables(const std::string& node);
  // `vicinityctl --admin-socket ... ARGS`.
  [[nodiscard]] absl::StatusOr<Completed> ctl(const std::string& node,
                                              std::vector<std::string> arguments);
  // All that it prints, or why it could not.
  [[nodiscard]] std::string said(const std::string& node,
                                 const std::vector<std::string>& arguments);
  // An error with what vicinityctl says in the end, unless it comes to say `text`.
  [[nodiscard]] absl::Status wait_until_said(const std::string& node,
                                             const std::vector<std::string>& arguments,
                                             const std::string& text,
                                             Duration timeout = std::chrono::seconds(10));

 private:
  explicit Cluster(ClusterSpec spec) : spec_(std::move(spec)) {}

  ClusterSpec spec_;
  TempFolder directory_;  // of the admin sockets
  std::unique_ptr<World> world_;
  std::unique_ptr<devcp::DevControlPlane> control_plane_;
  std::map<std::string, Process> daemons_;
};

}  // namespace vicinity::testing
