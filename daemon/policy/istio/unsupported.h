// What a DestinationRule can say that has no effect at connect time, field by field, and what to
// use instead. Pure.
#pragma once

#include "policy/fields.h"

namespace vicinity::policy::istio {

// Of trafficPolicy and of portLevelSettings.
void diagnose_port_policy(Fields& policy);
// Of trafficPolicy alone.
void diagnose_traffic_policy(Fields& policy);
// Of loadBalancer.
void diagnose_warmup(Fields& balancer);

}  // namespace vicinity::policy::istio
