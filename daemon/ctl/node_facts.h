// Looks at this node and asks its daemon, for `vicinityctl check`. One thread.
#pragma once

#include "config/command_line.h"
#include "ctl/checks.h"

namespace vicinity::ctl {

// Never fails: what could not be seen is part of the facts.
[[nodiscard]] NodeFacts look_at_node(const config::CommandLine& line);

// The programs that run at an IPv4 connect below the cgroup, in order, those of its ancestors too.
// The kernel names them to CAP_SYS_ADMIN only. Error: it could not be asked.
[[nodiscard]] absl::StatusOr<std::vector<ConnectProgram>> connect_programs(
    const std::string& cgroup);

// Network namespaces in which something listens on a port of a mesh.
struct MeshListeners {
  uint64_t ztunnel = 0;
  uint64_t sidecar = 0;
  uint64_t namespaces = 0;  // looked at
};
[[nodiscard]] MeshListeners mesh_listeners();

}  // namespace vicinity::ctl
