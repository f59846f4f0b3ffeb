// The plan that an effective setting asks for (semantics section 4):
//
//   distribute        one tier; localities get their percentages, those not listed are left out
//   failover          a tier per priority; load moves on as health drops below 1/1.4
//   failoverPriority  likewise, ranked by labels, then perhaps by failover
//   no gate, or off   one tier of everybody
//
// Unhealthy endpoints count: they are what a tier's health is measured against. Pure.
#pragma once

#include <optional>

#include "policy/istio/effective.h"
#include "policy/istio/spec.h"
#include "policy/source.h"

namespace vicinity::policy::istio {

struct PlanSpec {
  Effective effective;
  bool gate = false;                // outlierDetection is there, or the service's own distribution
  uint32_t min_health_percent = 0;  // of outlierDetection: above 0 the unhealthy do not count
  AlgorithmSpec algorithm = {};
  std::optional<OutlierSpec> outlier = {};
};

// REQUIRES: the level is not kService, whose plan is the service's own.
[[nodiscard]] Plan plan(const PlanSpec& spec, PlanInput input);

}  // namespace vicinity::policy::istio
