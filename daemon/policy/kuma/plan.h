// The plan that a MeshLoadBalancingStrategy asks for, by Kuma's rules (semantics section 6):
//   neither localZone nor crossZone   endpoints of the own zone at priority 0, those of others at
//   1,
//                                     or everybody at 0 when `disabled`; factor 140
//   else                              the own zone at 0, in affinity groups by weight where there
//                                     are any; a zone of the first failover rule that applies at
//                                     that rule's number, counted from 1; no rule: not reached.
//                                     The factor is failoverThreshold's, 200 without one
// Consistent hashing takes the groups' weights as they are, whoever is sick in them.
// Numbers stay: a rule that does not apply leaves a gap. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "model/place.h"
#include "model/symbols.h"
#include "policy/algorithm.h"
#include "policy/eligibility.h"
#include "policy/kuma/spec.h"
#include "policy/plan.h"
#include "policy/spill.h"

namespace vicinity::policy::kuma {

struct Options {
  std::string zone_label = "topology.istio.io/cluster";  // whose value Kuma calls a zone
  Threshold threshold = Threshold::kExact;
  // Kuma leaves Envoy's 50. At 0 an endpoint that the feed calls unhealthy is never used, as the
  // policy's documentation has it: if there are no healthy instances, the request will fail.
  uint32_t panic_percent = 0;
  bool operator==(const Options&) const = default;
};

struct KumaSpec {
  LocalityAwareness locality;
  AlgorithmSpec algorithm;
  Options options;
  OnEmpty on_empty = OnEmpty::kRefuse;
};

// Weights of n affinity tags without explicit ones: 9 * 10^(n-1), ..., 90, 9; who matches none has
// 1. More would not fit into Kuma's 32 bits.
inline constexpr size_t kMaxAffinityTags = 9;

// Endpoints that no rule reaches are excluded as kNotMatched, whoever is sick as kUnhealthy.
[[nodiscard]] Plan plan(const KumaSpec& spec, Eligible eligible, const model::ClientContext& client,
                        const model::Symbols& symbols);

}  // namespace vicinity::policy::kuma
