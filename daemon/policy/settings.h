// What an operator sets about all policies, beside the documents themselves. Plain data.
#pragma once

#include <cstdint>
#include <string>

namespace vicinity::policy {

struct KumaSettings {
  std::string zone_label = "topology.istio.io/cluster";  // whose value Kuma calls a zone
  std::string mesh;               // policies of other meshes are not used; empty: all are
  bool compat_threshold = false;  // as Kuma truncates failoverThreshold, not as it is meant
  uint32_t panic_percent = 0;     // fewer healthy endpoints than this: all are used
  bool operator==(const KumaSettings&) const = default;
};

struct Settings {
  std::string root_namespace = "istio-system";  // whose DestinationRules are for everybody
  std::string cluster_domain = "cluster.local";
  KumaSettings kuma;
  bool operator==(const Settings&) const = default;
};

}  // namespace vicinity::policy
