// From network namespaces to pods: whom they belong to, as the feed knows it, and how their sockets
// are treated. Pure.
#pragma once

#include <string>
#include <vector>

#include "dataplane/pods.h"
#include "model/snapshot.h"
#include "pod_watch.h"
#include "telemetry/published.h"

namespace vicinity {

struct PodRules {
  // --opt-out: "NAMESPACE/POD" globs, or "KEY=VALUE" labels.
  std::vector<std::string> opt_out;
  bool leave_captured = true;  // --captured-pods leave
};

// A namespace is the pod's that has one of its addresses. One whose pod the feed does not know has
// what can be seen from outside. The host's is not among them.
[[nodiscard]] dataplane::Pods pods_of(const NetnsViews& views, const model::Snapshot& snapshot,
                                      const PodRules& rules);

// "namespace/name" of the pod that the feed knows in this namespace, "host" for the host's; empty:
// neither.
[[nodiscard]] std::string pod_name(const NetnsView& view, const model::Snapshot& snapshot);

// Their numbers, with what `fixed` says beside.
[[nodiscard]] telemetry::PodsInfo pods_info(const dataplane::Pods& pods, telemetry::PodsInfo fixed);

}  // namespace vicinity
