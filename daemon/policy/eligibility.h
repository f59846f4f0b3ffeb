// The first decision for a (service, port, family): which of the service's workloads could take a
// connection at all. Comes before any ranking: a tier none of whose members can serve is no tier.
// Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "model/place.h"
#include "model/snapshot.h"
#include "policy/plan.h"

namespace vicinity::policy {

struct PortQuery {
  model::SymbolId service;
  uint16_t port = 0;
  model::Family family = model::Family::kIpv4;
  auto operator<=>(const PortQuery&) const = default;
};

struct EligibilityOptions {
  // --flat-network: other networks whose workloads are reached directly, gateway or not.
  std::vector<std::string> flat_networks;
};

struct Eligible {
  std::vector<Endpoint> endpoints;  // in order of endpoint_before
  std::vector<Endpoint> unhealthy;  // likewise: excluded, and for nothing but their health
  std::vector<Excluded> excluded;   // sorted by uid
  std::vector<Endpoint> ejected;    // in order of endpoint_before: excluded, and only for failures
  bool operator==(const Eligible&) const = default;
};

// By address, port, uid.
[[nodiscard]] bool endpoint_before(const Endpoint& left, const Endpoint& right);

// Each workload that is left out has the first reason that applies, in this order:
//   no_address, wrong_family   no address at all; none of this family (of several, the first is
//                              used)
//   no_port                    neither the workload's own port list nor the service names a target
//   unreachable_network        of another network than the client, behind a gateway
//   unhealthy                  and the service wants healthy ones only
//   ejected                    for its failures, of this port (Snapshot::ejected)
// Capacity is the business of the plan: WDS ranks before it weighs (semantics 2.1).
// REQUIRES: the service is known to the snapshot.
[[nodiscard]] Eligible eligible_endpoints(const model::Snapshot& snapshot, const PortQuery& query,
                                          const model::ClientContext& client,
                                          const EligibilityOptions& options);

// The same as if nobody were ejected.
[[nodiscard]] Eligible with_ejected(Eligible eligible);

// All workloads of the service that have an address of this family and serve the port, whatever
// their health and network: what a connection may have been made to and still be good for.
// REQUIRES: the service is known to the snapshot.
[[nodiscard]] std::vector<Endpoint> bound_endpoints(const model::Snapshot& snapshot,
                                                    const PortQuery& query);

}  // namespace vicinity::policy
