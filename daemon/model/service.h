// One service of the feed. Plain data. Source: istio.workload.Service (semantics section 1).
#pragma once

#include <absl/container/inlined_vector.h>

#include <compare>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ip_address.h"
#include "model/symbols.h"
#include "model/workload.h"

namespace vicinity::model {

enum class Scope : uint8_t { kRegion = 1, kZone, kSubzone, kNode, kCluster, kNetwork };
enum class RoutingMode : uint8_t { kUnspecified = 0, kStrict, kFailover, kPassthrough };
enum class HealthPolicy : uint8_t { kOnlyHealthy = 0, kAllowAll = 1 };
enum class Visibility : uint8_t { kPublic = 0, kNamespace = 1 };
enum class IpFamilies : uint8_t { kAutomatic = 0, kIpv4Only, kIpv6Only, kDual };

struct LoadBalancing {
  RoutingMode mode = RoutingMode::kUnspecified;
  HealthPolicy health_policy = HealthPolicy::kOnlyHealthy;
  absl::InlinedVector<Scope, 6> preference;  // most significant first
  bool operator==(const LoadBalancing&) const = default;
};

// Who is answered at an address: all clients, or those of the service's namespace.
enum class Audience : uint8_t { kEveryone = 0, kOwnNamespace };

struct ServiceAddress {
  SymbolId network;
  IpAddress ip;
  uint8_t length = 32;  // prefix length; family_bits(ip.family) = one host
  [[nodiscard]] bool is_host() const { return length == family_bits(ip.family); }
  auto operator<=>(const ServiceAddress&) const = default;
  template <class H>
  friend H AbslHashValue(H state, const ServiceAddress& address) {
    return H::combine(std::move(state), address.network, address.ip, address.length);
  }
};

// An address or a range of this node's network, and whom its service serves there.
struct OwnedAddress {
  IpAddress ip;  // of a range: the bits behind the prefix are 0
  uint8_t length = 32;
  Audience audience = Audience::kEveryone;
  auto operator<=>(const OwnedAddress&) const = default;
  [[nodiscard]] bool is_host() const { return length == family_bits(ip.family); }
};

struct Service {
  SymbolId key;  // "namespace/hostname", the resource name
  SymbolId name;
  SymbolId name_space;
  SymbolId hostname;
  std::vector<ServiceAddress> addresses;  // sorted; empty = headless
  Ports ports;                            // sorted by service port, the last of equal ones wins
  LoadBalancing load_balancing;
  IpFamilies ip_families = IpFamilies::kAutomatic;
  Visibility visibility = Visibility::kPublic;
  bool canonical = false;
  bool has_waypoint = false;

  bool operator==(const Service&) const = default;
};

[[nodiscard]] std::string_view scope_name(Scope scope);              // "REGION", ...
[[nodiscard]] std::string_view routing_mode_name(RoutingMode mode);  // "FAILOVER", ...

}  // namespace vicinity::model
