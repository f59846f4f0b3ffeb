// From hosts in priorities to the tiers of a plan, by the arithmetic of spill.h. A policy source
// says who is in which priority and locality; everything behind that is here. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "policy/eligibility.h"
#include "policy/plan.h"
#include "policy/spill.h"

namespace vicinity::policy {

struct SpillHost {
  uint32_t endpoint = 0;  // index into Plan::endpoints
  uint32_t weight = 1;    // > 0, inside its locality
  HostHealth health = HostHealth::kHealthy;
};

// Why a host of this health takes nothing; `otherwise` when its health is not the reason.
[[nodiscard]] Exclusion exclusion_of(HostHealth health, Exclusion otherwise);

struct SpillLocality {
  uint64_t weight = 0;  // without a weight: nothing while another locality of the priority has one
  std::vector<SpillHost> hosts;
};

struct SpillPriority {
  uint32_t number = 0;  // Tier::priority
  std::vector<SpillLocality> localities;
};

// Everybody that gradual spill counts, with what the feed says of them.
struct Candidates {
  std::vector<Endpoint> endpoints;  // sorted by address, port, uid
  std::vector<HostHealth> health;   // beside them; all healthy when the service takes anybody
  std::vector<Excluded> excluded;   // sorted by uid; neither the unhealthy nor the ejected
};

// Unhealthy workloads are hosts as well: they make their tier spill, and panic uses them. Those
// without capacity are not: they leave with kZeroCapacity.
[[nodiscard]] Candidates spill_candidates(Eligible eligible);

// Fills the plan's tiers and adds who takes nothing to its excluded workloads (sorted again). One
// tier for each priority that has somebody to pick, with its load and the exact shares inside it:
// hosts that are healthy (and degraded ones, for the load that is theirs), or all hosts in panic.
// Excluded are unhealthy hosts, and as kZeroCapacity those of localities without weight beside ones
// that have it. If only priorities without anybody to pick had load (threshold 0, fewer than one
// host in `factor` healthy everywhere) the first tier takes it: Envoy would fail though it need
// not. REQUIRES: numbers ascend, every endpoint is in at most one priority.
void spill(const SpillRule& rule, std::span<const SpillPriority> priorities, Plan& plan);

}  // namespace vicinity::policy
