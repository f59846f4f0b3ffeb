// The network namespaces of this node's processes, entered one by one. Only for threads that may
// end up anywhere: a thread that walks stays in the namespace it saw last.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <functional>

namespace vicinity::dataplane {

// Calls `visit` with the cookie of each, from inside, until it returns false. Namespaces that
// cannot be opened, or that end meanwhile, are left out.
void walk_network_namespaces(const std::function<bool(uint64_t cookie)>& visit);

// Could walk_network_namespaces see the others' namespaces? Tried on a thread of its own.
[[nodiscard]] absl::Status may_enter_network_namespaces();

}  // namespace vicinity::dataplane
