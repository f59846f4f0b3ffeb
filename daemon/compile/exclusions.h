// Services that are left to somebody else whatever the feed says of them: those an operator names,
// and the cluster's DNS where a cache of this node listens at its address. Such a service has no
// table, and its addresses go to no other one. Pure.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <string>
#include <string_view>
#include <vector>

#include "model/snapshot.h"

namespace vicinity::compile {

struct Exclusions {
  std::vector<std::string> globs;                        // --exclude-service, of namespace/hostname
  absl::flat_hash_set<model::IpAddress> node_addresses;  // of this node's interfaces

  // Why the service is left alone, for people; empty: it is not.
  [[nodiscard]] std::string reason(const model::Snapshot& snapshot, model::SymbolId service) const;
};

// The cluster's DNS, by the names it has in common distributions: NodeLocal DNS takes over its
// address on each node.
[[nodiscard]] bool is_cluster_dns(std::string_view service);

}  // namespace vicinity::compile
