// A generated cluster as the model holds it: every service prefers its own region and zone, and its
// endpoints are spread evenly over this node's zone, the rest of its region, and another region.
// Pure.
#pragma once

#include <absl/status/statusor.h>

#include "bench/shape.h"
#include "compile/diff.h"
#include "model/snapshot.h"
#include "policy/algorithm.h"

namespace vicinity::bench {

enum class Weights { kEqual, kUnequal };

struct ClusterSpec {
  Shape shape;
  model::Family family = model::Family::kIpv4;
  Weights weights = Weights::kEqual;
  policy::AlgorithmSpec algorithm = {};
};

[[nodiscard]] model::Snapshot make_cluster(const ClusterSpec& spec);

// What the engine does for a first publish: plan and compile every service.
// `algorithm` is what a policy would have said of every service.
[[nodiscard]] absl::StatusOr<compile::Diff> compile_cluster(const model::Snapshot& snapshot,
                                                            const policy::AlgorithmSpec& algorithm);

}  // namespace vicinity::bench
