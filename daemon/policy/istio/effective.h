// Whose word on localities counts for one port of a service: Istio's GetEffectiveLbSetting
// (semantics section 4). Pure.
#pragma once

#include <cstdint>

#include "policy/istio/spec.h"

namespace vicinity::policy::istio {

// In order of precedence; one that is there and disabled ends the search.
enum class Level : uint8_t {
  kNone,       // switched off, or nobody says anything
  kRuleZones,  // the DestinationRule's zoneAwareLbSetting
  kRule,       // the DestinationRule's localityLbSetting
  kService,    // the service's own traffic distribution, as WDS carries it
  kMeshZones,  // the mesh's zoneAwareLbSetting
  kMesh,       // the mesh's localityLbSetting
};

struct Effective {
  Level level = Level::kNone;
  const LocalitySetting* locality = nullptr;  // of kRule and kMesh
  const ZoneAwareSetting* zones = nullptr;    // of kRuleZones and kMeshZones
};

// `rule`, `mesh`: nullptr when there is none. A mesh that says nothing has locality load balancing
// enabled. `has_distribution` = the service has a traffic distribution.
[[nodiscard]] Effective effective_setting(const LoadBalancer* rule, bool has_distribution,
                                          const MeshConfig* mesh);

}  // namespace vicinity::policy::istio
