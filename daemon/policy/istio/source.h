// Istio as a policy source: DestinationRule and MeshConfig; its other kinds are diagnosed.
#pragma once

#include "policy/source.h"

namespace vicinity::policy::istio {

[[nodiscard]] const Source& source();

}  // namespace vicinity::policy::istio
