// Which DestinationRule decides for a service (Istio's lookup by namespace, then by host), and
// what it comes to together with the mesh's defaults and the service's own preference. Pure.
#pragma once

#include <memory>
#include <span>

#include "policy/source.h"

namespace vicinity::policy::istio {

// The documents, all of this source, outlive the rules.
[[nodiscard]] std::unique_ptr<const Rules> make_rules(std::span<const Document* const> documents,
                                                      const Settings& settings);

}  // namespace vicinity::policy::istio
