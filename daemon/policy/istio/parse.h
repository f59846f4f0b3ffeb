// Istio's documents -> specs, with every field implemented or diagnosed by its path. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "policy/istio/spec.h"
#include "policy/source.h"

namespace vicinity::policy::istio {

// nullptr: there are errors. `name_space` = the document's own, for short hosts and for ".".
[[nodiscard]] std::shared_ptr<const DestinationRule> parse_destination_rule(
    const Node& root, std::string_view name_space, Diagnostics& out);

// Any of the shapes in which people have it: a MeshConfig, an IstioOperator's or a Helm chart's
// `meshConfig` or `global`, the ConfigMap `istio`.
[[nodiscard]] std::shared_ptr<const MeshConfig> parse_mesh_config(const Node& root,
                                                                  Diagnostics& out);

// The namespace in "svc.NAMESPACE.svc.cluster.local"; empty: none.
[[nodiscard]] std::string namespace_of_host(std::string_view host);

// --- parts, of which the above are made ---

// Kubernetes' short host names are completed by the document's namespace.
[[nodiscard]] std::string complete_host(std::string_view host, std::string_view name_space);
[[nodiscard]] TrafficPolicy parse_traffic_policy(Fields policy);
[[nodiscard]] LocalitySetting parse_locality_setting(Fields setting);
[[nodiscard]] ZoneAwareSetting parse_zone_aware(Fields setting);
[[nodiscard]] LoadBalancer parse_load_balancer(Fields balancer);
[[nodiscard]] OutlierDetection parse_outlier(Fields outlier);

}  // namespace vicinity::policy::istio
