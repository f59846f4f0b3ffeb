// Kuma's MeshLoadBalancingStrategy and MeshCircuitBreaker as data: what parse.h makes of a document
// and what merge.h makes of several. A field that is not set says nothing and leaves what a less
// specific policy said. Plain values. Source of the fields: the policy's schema (semantics section
// 6).
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/algorithm.h"
#include "policy/kuma/threshold.h"
#include "policy/outlier.h"
#include "policy/source.h"

namespace vicinity::policy::kuma {

struct AffinityTag {
  std::string key;
  std::optional<uint32_t> weight;  // of all tags of a list, or of none
  auto operator<=>(const AffinityTag&) const = default;
};

struct LocalZone {
  std::optional<std::vector<AffinityTag>> affinity_tags;
  bool operator==(const LocalZone&) const = default;
};

enum class ToZones : uint8_t { kNone, kOnly, kAny, kAnyExcept };

struct FailoverRule {
  std::optional<std::vector<std::string>> from;  // unset: clients of every zone; empty: of none
  ToZones to = ToZones::kNone;
  std::vector<std::string> zones;  // kOnly: these; kAnyExcept: all others
  bool operator==(const FailoverRule&) const = default;
};

struct CrossZone {
  std::optional<std::vector<FailoverRule>> failover;
  std::optional<Percentage> threshold;
  bool operator==(const CrossZone&) const = default;
};

struct LocalityAwareness {
  std::optional<bool> disabled;
  std::optional<LocalZone> local_zone;
  std::optional<CrossZone> cross_zone;
  bool operator==(const LocalityAwareness&) const = default;
};

struct LoadBalancer {
  std::optional<Algorithm> type;
  std::optional<bool> by_source;                  // hashPolicies: the connection's source address
  std::optional<uint32_t> choice_count;           // LeastRequest
  std::optional<Percentage> active_request_bias;  // LeastRequest; a plain number
  std::optional<uint32_t> min_ring_size;          // RingHash
  std::optional<uint32_t> max_ring_size;          // RingHash
  std::optional<uint32_t> table_size;             // Maglev
  bool operator==(const LoadBalancer&) const = default;
};

// Round robin is Kuma's default; here what is unset is random. Without a hash policy there is
// nothing to hash, as in Envoy.
[[nodiscard]] AlgorithmSpec algorithm_of(const LoadBalancer& balancer);

// MeshCircuitBreaker's outlierDetection. Of the detectors a field that is not set leaves Envoy's
// default, a detector that is not there does not eject.
struct OutlierDetection {
  struct Consecutive {
    std::optional<uint32_t> failures;
    bool operator==(const Consecutive&) const = default;
  };
  struct Rate {
    std::optional<uint32_t> minimum_hosts;
    std::optional<uint32_t> request_volume;
    std::optional<uint32_t> limit;  // thousandths of deviations, or the threshold in percent
    bool operator==(const Rate&) const = default;
  };
  struct Detectors {
    std::optional<Consecutive> total;
    std::optional<Consecutive> gateway;
    std::optional<Consecutive> local_origin;
    std::optional<Rate> success_rate;
    std::optional<Rate> failure_percentage;
    bool operator==(const Detectors&) const = default;
  };
  std::optional<bool> disabled;
  std::optional<uint32_t> interval_ms;
  std::optional<uint32_t> base_ejection_ms;
  std::optional<uint32_t> max_ejection_percent;
  std::optional<bool> split;
  std::optional<Detectors> detectors;
  std::optional<uint32_t> panic_percent;  // healthyPanicThreshold, rounded up
  bool operator==(const OutlierDetection&) const = default;
};
// As Kuma fills Envoy's (meshcircuitbreaker/plugin/xds/configurer.go).
[[nodiscard]] OutlierSpec outlier_of(const OutlierDetection& detection);

// spec.to[].default
struct Conf {
  std::optional<LocalityAwareness> locality;
  std::optional<LoadBalancer> balancer;
  std::optional<OutlierDetection> outlier;
  bool operator==(const Conf&) const = default;
};

// In order of precedence, the last one wins.
enum class ClientKind : uint8_t { kMesh, kDataplane, kSubset, kService, kServiceSubset };

// A service by its name: "backend" of namespace "kuma-demo", port 8080 of it.
struct ServiceName {
  std::string name;
  std::string name_space;        // empty: of every namespace
  std::optional<uint16_t> port;  // unset: every port
  bool operator==(const ServiceName&) const = default;
};

// spec.targetRef: whose connections the policy is for.
struct ClientRef {
  ClientKind kind = ClientKind::kMesh;
  std::optional<ServiceName> service;       // that the client itself is an endpoint of
  std::map<std::string, std::string> tags;  // which the client has to have, all of them
  bool operator==(const ClientRef&) const = default;
};

// spec.to[].targetRef: which destinations it is about; without a name: all.
struct ServiceRef {
  std::optional<ServiceName> service;
  bool section = false;  // one port of the service was meant, by number or by name
  bool operator==(const ServiceRef&) const = default;
};

struct To {
  ServiceRef target;
  Conf conf;
  bool operator==(const To&) const = default;
};

// Where a policy was made and by whom (kuma.io/origin, kuma.io/policy-role), the last one wins.
enum class Origin : uint8_t { kGlobal, kZone };
enum class Role : uint8_t { kSystem, kProducer, kConsumer, kWorkloadOwner };

// Both kinds are aimed alike, and merge into one Conf.
enum class Kind : uint8_t { kLoadBalancingStrategy, kCircuitBreaker };

class Strategy final : public Spec {
 public:
  Kind kind = Kind::kLoadBalancingStrategy;
  std::string name;
  std::string mesh = "default";
  Origin origin = Origin::kGlobal;
  Role role = Role::kSystem;
  ClientRef client;
  std::vector<To> to;

  [[nodiscard]] bool concerns(const model::Service& service,
                              const model::Symbols& symbols) const override;
  [[nodiscard]] bool selects_pods() const override {
    return client.service.has_value() || !client.tags.empty();
  }
};

// "NAME_NAMESPACE_svc_PORT" or "NAME_NAMESPACE_svc"; nullopt: some other name.
[[nodiscard]] std::optional<ServiceName> parse_service_tag(std::string_view text);
// Leaves the port aside.
[[nodiscard]] bool names(const ServiceName& wanted, const model::Service& service,
                         const model::Symbols& symbols);
// Of a service key, "namespace/hostname".
[[nodiscard]] bool names(const ServiceName& wanted, std::string_view service_key);

}  // namespace vicinity::policy::kuma
