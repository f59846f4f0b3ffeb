// A generated cluster as the model holds it: every service prefers its own region and zone, and its
// endpoints are spread evenly over this node's zone, the rest of its region, and another region,
// unless the row wants them otherwise. Pure.
#pragma once

#include <absl/status/statusor.h>

#include "bench/shape.h"
#include "compile/diff.h"
#include "model/snapshot.h"
#include "policy/algorithm.h"

namespace vicinity::bench {

enum class Weights { kEqual, kUnequal };
enum class Detection { kOff, kOn };
enum class Endpoints {
  kNear,
  kFarAndRefused,  // all in other zones, of strict services
  kFarAndPassed,   // likewise, and such connects pass
};

struct ClusterSpec {
  Shape shape;
  model::Family family = model::Family::kIpv4;
  Weights weights = Weights::kEqual;
  policy::AlgorithmSpec algorithm = {};  // what a policy would have said of every service
  uint32_t tiers = 0;                    // so many of equal size, the first with all load; 0: three
  Detection detection = Detection::kOff;
  Endpoints where = Endpoints::kNear;
};

[[nodiscard]] model::Snapshot make_cluster(const ClusterSpec& spec);

// What the engine does for a first publish: plan and compile every service.
[[nodiscard]] absl::StatusOr<compile::Diff> compile_cluster(const model::Snapshot& snapshot,
                                                            const ClusterSpec& spec);
// The same tables with failure detection.
[[nodiscard]] compile::Diff watched(compile::Diff diff);

}  // namespace vicinity::bench
