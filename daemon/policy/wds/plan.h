// The plan that a service's own WDS load balancing asks for, by ztunnel's rules (semantics 2.1):
//
//   UNSPECIFIED  one tier of all endpoints
//   STRICT       one tier of those that match every scope
//   FAILOVER     a tier per rank; the first has all the load
//   PASSTHROUGH  nothing; connections keep their destination
//
// Shares follow capacity. An endpoint of capacity 0 is ranked like the others and never chosen: if
// the nearest tier holds no others, the service is empty. Pure.
#pragma once

#include "model/place.h"
#include "model/service.h"
#include "policy/eligibility.h"
#include "policy/plan.h"
#include "policy/wds/rank.h"

namespace vicinity::policy::wds {

struct WdsSpec {
  const model::LoadBalancing& load_balancing;
  LeadingNetwork leading_network = LeadingNetwork::kPreferred;
  OnEmpty on_empty = OnEmpty::kRefuse;
};

[[nodiscard]] Plan plan(const WdsSpec& spec, Eligible eligible, const model::ClientContext& client);

}  // namespace vicinity::policy::wds
