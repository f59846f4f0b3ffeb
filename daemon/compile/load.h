// Spill by load between a plan and its table: what overloaded tiers give up, and what whoever
// watches them has to know. Pure.
#pragma once

#include "compile/compile.h"
#include "model/snapshot.h"
#include "policy/judged.h"
#include "policy/plan.h"

namespace vicinity::compile {

// Moves what the snapshot says that tiers give up (Snapshot::given) to the tiers behind them. Only
// this node's own plan: its connections are what they are overloaded with.
void give_for_load(const model::Snapshot& snapshot, const PlanRequest& request, policy::Plan& plan);

// REQUIRES: plan.load_spill.
[[nodiscard]] policy::WeighedPort weighed_port(const PlanRequest& request,
                                               const policy::Plan& plan);

}  // namespace vicinity::compile
