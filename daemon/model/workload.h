// One workload of the feed, as little of it as the daemon needs. Plain data.
// Source of the fields: istio.workload.Workload (semantics section 1).
#pragma once

#include <absl/container/inlined_vector.h>

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "model/ip_address.h"
#include "model/place.h"
#include "model/symbols.h"

namespace vicinity::model {

enum class Health : uint8_t { kHealthy = 0, kUnhealthy = 1 };

struct Port {
  uint16_t service_port = 0;
  uint16_t target_port = 0;  // 0: named, the workload's own list has the number
  auto operator<=>(const Port&) const = default;
};

using Ports = absl::InlinedVector<Port, 2>;

// A workload's membership of one service; `ports` sorted by service port, one entry each.
struct Binding {
  SymbolId service;  // "namespace/hostname"
  Ports ports;
  bool operator==(const Binding&) const = default;
};

struct Workload {
  std::string uid;
  SymbolId name_space;
  SymbolId canonical_name;
  SymbolId canonical_revision;
  SymbolId hostname;  // set for DNS endpoints, which may have no address
  Place place;        // an empty cluster of the feed reads as "Kubernetes"
  absl::InlinedVector<IpAddress, 1> addresses;  // in the feed's order
  absl::InlinedVector<Binding, 1> bindings;     // sorted by service, each service once
  std::vector<Label> labels;                    // sorted by key
  uint32_t capacity = 1;
  Health health = Health::kHealthy;
  bool has_network_gateway = false;
  bool host_network = false;
  bool strict_mtls = false;  // takes mTLS only, as a PeerAuthentication says

  bool operator==(const Workload&) const = default;
};

// Dense handle of a workload inside one Snapshot; reused after the workload is gone.
struct WorkloadIndex {
  uint32_t value = 0;
  auto operator<=>(const WorkloadIndex&) const = default;
};

}  // namespace vicinity::model
