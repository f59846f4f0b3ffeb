// Vicinity's own policy document, ConnectionPolicy: what neither Istio's nor Kuma's can say about a
// connection. It goes beside theirs and says nothing about localities. Any thread.
//
//   apiVersion: vicinity.io/v1alpha1
//   kind: ConnectionPolicy
//   metadata: {name: NAME, namespace: NAMESPACE}
//   spec:
//     service: NAME        of this namespace; "*": all of it; in the root namespace: of the mesh
//     ports: [PORT...]     only these; left out: all
//     sessionAffinity:
//       timeout: 3h        whole seconds, 1s to 24h; left out: 3h, as in Kubernetes
//     spillByLoad:         at least one of the first two
//       maxActivePerCapacity: 100   this node's open connections per unit of capacity
//       connectTimeMultiple: 3      1.5 to 1000, of what the tier's connects take usually
//       interval: 10s               1s to 1h
//       step: 10                    percent, 1 to 50
//       maxSharePercent: 50         1 to 100
#pragma once

#include "policy/source.h"

namespace vicinity::policy::native {

[[nodiscard]] const Source& source();

}  // namespace vicinity::policy::native
