// The same services as rules for the packet filters and for IPVS, in the shape kube-proxy writes
// them. Pure.
#pragma once

#include <string>

#include "bench/shape.h"

namespace vicinity::bench {

// For iptables-restore: KUBE-SERVICES, a KUBE-SVC chain per service (statistic, random), a KUBE-SEP
// chain per endpoint (DNAT).
[[nodiscard]] std::string iptables_rules(const Shape& shape);
// For nft -f: one verdict map of all services, numgen random per service, a chain per endpoint.
[[nodiscard]] std::string nftables_rules(const Shape& shape);

// For ipvsadm --restore: a virtual server per service, masquerading, by round robin.
[[nodiscard]] std::string ipvs_rules(const Shape& shape);

}  // namespace vicinity::bench
