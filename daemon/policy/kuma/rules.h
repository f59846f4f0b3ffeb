// Which policies decide for a destination and what they come to together: Kuma's order of
// precedence, then merge.h. From the least to the most specific:
//   1. spec.targetRef      Mesh, Dataplane, MeshSubset, MeshService, MeshServiceSubset
//   2. kuma.io/origin      global, zone
//   3. kuma.io/policy-role system, producer, consumer, workload-owner
//   4. spec.to[].targetRef Mesh, MeshService, one port of a MeshService
//   5. the name            of equals the alphabetically first one wins
// Pure.
#pragma once

#include <memory>
#include <span>

#include "policy/source.h"

namespace vicinity::policy::kuma {

// The documents, all of this source, outlive the rules.
[[nodiscard]] std::unique_ptr<const Rules> make_rules(std::span<const Document* const> documents,
                                                      const Settings& settings);

}  // namespace vicinity::policy::kuma
