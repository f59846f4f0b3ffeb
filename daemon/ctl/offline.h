// A mesh file loaded for one client: what the offline commands work on. One thread.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "ctl/client_text.h"
#include "model/snapshot.h"
#include "policy/book/load.h"

namespace vicinity::ctl {

struct OfflineMesh {
  model::Snapshot snapshot;
  model::ClientContext client;
  std::vector<std::string> complaints;  // one line per refused document
  std::vector<std::string> refused;     // names of refused services and workloads, where known
};

// Error: no such file, or not one usable document in it.
[[nodiscard]] absl::StatusOr<OfflineMesh> load_offline(const std::string& path,
                                                       const ClientText& client);

// The policies of these files, with what is wrong with them. Error: no such file.
[[nodiscard]] absl::StatusOr<policy::book::Load> load_policies(
    const std::vector<std::string>& paths);

}  // namespace vicinity::ctl
