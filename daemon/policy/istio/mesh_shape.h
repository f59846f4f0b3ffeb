// The shapes in which mesh-wide settings are written down, and where in each they stand. Pure.
#pragma once

#include <string>
#include <string_view>

#include "policy/tree.h"

namespace vicinity::policy::istio {

enum class MeshShape : uint8_t {
  kNone,       // not one of them
  kObject,     // kind: MeshConfig, the settings under spec or beside it
  kOperator,   // kind: IstioOperator, spec.meshConfig
  kConfigMap,  // the ConfigMap `istio`, data.mesh
  kHelm,       // no kind: meshConfig or global of a chart's values, or the settings themselves
};
[[nodiscard]] MeshShape mesh_shape(const Node& root);

}  // namespace vicinity::policy::istio
