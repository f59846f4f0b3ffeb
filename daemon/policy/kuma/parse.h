// Kuma's documents -> specs, with every field implemented or diagnosed by its path. Both shapes are
// read: Kubernetes' (apiVersion kuma.io/v1alpha1) and Universal's (type, mesh, name). Pure.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "policy/kuma/spec.h"
#include "policy/source.h"

namespace vicinity::policy::kuma {

inline constexpr std::string_view kStrategyKind = "MeshLoadBalancingStrategy";
inline constexpr std::string_view kCircuitBreakerKind = "MeshCircuitBreaker";
inline constexpr int64_t kMaxRingSize = 8'000'000;  // the schema's, below Envoy's

// Of either kind. nullptr: there are errors. `id` as claimed.
[[nodiscard]] std::shared_ptr<const Strategy> parse_strategy(const DocumentId& id, const Node& root,
                                                             Diagnostics& out);

// --- parts, of which the above is made ---

// `own` = the policy's own namespace, which a name without one belongs to; empty: any.
[[nodiscard]] ClientRef parse_client_ref(Fields ref, std::string_view own);
[[nodiscard]] ServiceRef parse_service_ref(Fields ref, std::string_view own);
[[nodiscard]] LocalityAwareness parse_locality(Fields locality);
[[nodiscard]] LoadBalancer parse_balancer(Fields balancer);
[[nodiscard]] OutlierDetection parse_outlier(Fields outlier);
// Nothing but the connection's source address can be hashed: true when it is to be, unset when
// `at` has no such list.
[[nodiscard]] std::optional<bool> parse_hash_policies(Fields& at);

}  // namespace vicinity::policy::kuma
