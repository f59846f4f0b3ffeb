// What /proc/PID/net says of a network namespace to those outside of it. Pure: texts in, values
// out.
#pragma once

#include <string_view>
#include <vector>

#include "model/ip_address.h"

namespace vicinity {

// Addresses of the namespace itself, of fib_trie and if_inet6; loopback and link-local ones are
// left out. Sorted, each once.
[[nodiscard]] std::vector<model::IpAddress> own_addresses(std::string_view fib_trie,
                                                          std::string_view if_inet6);

// Does something listen on one of the ports of ztunnel (15008) or a sidecar (15001)? `tcp` = the
// text of tcp or tcp6, or its beginning: sockets that listen come first.
[[nodiscard]] bool has_capturing_listener(std::string_view tcp);

}  // namespace vicinity
