#include "policy/istio/effective.h"

namespace vicinity::policy::istio {
namespace {

// Of one level that says something; disabled, it ends the search.
Effective zones_at(Level level, const ZoneAwareSetting& setting) {
  if (!setting.enabled) return {};
  return {.level = level, .locality = nullptr, .zones = &setting};
}

Effective locality_at(Level level, const LocalitySetting& setting) {
  if (!setting.enabled) return {};
  return {.level = level, .locality = &setting, .zones = nullptr};
}

Effective of_mesh(const MeshConfig* mesh) {
  static const LocalitySetting by_default;
  if (mesh != nullptr && mesh->zone_aware) return zones_at(Level::kMeshZones, *mesh->zone_aware);
  const bool said = mesh != nullptr && mesh->locality.has_value();
  return locality_at(Level::kMesh, said ? *mesh->locality : by_default);
}

}  // namespace

Effective effective_setting(const LoadBalancer* rule, bool has_distribution,
                            const MeshConfig* mesh) {
  if (rule != nullptr && rule->zone_aware) return zones_at(Level::kRuleZones, *rule->zone_aware);
  if (rule != nullptr && rule->locality) return locality_at(Level::kRule, *rule->locality);
  if (has_distribution) return {.level = Level::kService, .locality = nullptr, .zones = nullptr};
  return of_mesh(mesh);
}

}  // namespace vicinity::policy::istio
