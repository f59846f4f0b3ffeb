// The addresses of this node's interfaces, as far as its processes can listen there.
#pragma once

#include <absl/container/flat_hash_set.h>

#include "model/ip_address.h"

namespace vicinity {

// Of the calling process's network namespace, but for kube-proxy's IPVS interface, which has every
// service address. Empty when they cannot be read.
[[nodiscard]] absl::flat_hash_set<model::IpAddress> node_addresses();

}  // namespace vicinity
