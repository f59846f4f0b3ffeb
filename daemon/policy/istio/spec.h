// What Istio's documents say, read and checked: DestinationRule, and of MeshConfig what is about
// localities. Field names and meanings: the public API of networking.istio.io and mesh.istio.io
// (semantics section 4). Plain data.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/algorithm.h"
#include "policy/outlier.h"
#include "policy/plan.h"
#include "policy/source.h"

namespace vicinity::policy::istio {

// "region/zone/subzone" of a distribute rule. A level that is missing or "*" matches anything, an
// empty region only the empty region.
struct LocalityPattern {
  std::array<std::string, 3> levels;
  bool operator==(const LocalityPattern&) const = default;
};
[[nodiscard]] LocalityPattern split_locality(std::string_view text);
[[nodiscard]] bool matches(const LocalityPattern& pattern,
                           const std::array<std::string_view, 3>& locality);
// Some locality matches both.
[[nodiscard]] bool overlap(const LocalityPattern& left, const LocalityPattern& right);
// Whatever matches `narrow` matches `wide`.
[[nodiscard]] bool covers(const LocalityPattern& wide, const LocalityPattern& narrow);

struct Distribute {
  LocalityPattern from;
  std::vector<std::pair<LocalityPattern, uint32_t>> to;  // percent; they sum to 100
  bool operator==(const Distribute&) const = default;
};

struct Failover {
  std::string from;  // region; empty: the empty region
  std::string to;
  bool operator==(const Failover&) const = default;
};

// One entry of failoverPriority. An override counts for its label's name, wherever that stands.
struct FailoverLabel {
  std::string name;
  std::optional<std::string> value;  // instead of the client's own
  bool operator==(const FailoverLabel&) const = default;
};

struct LocalitySetting {
  bool enabled = true;
  std::vector<Distribute> distribute;
  std::vector<Failover> failover;
  std::vector<FailoverLabel> failover_priority;
  bool operator==(const LocalitySetting&) const = default;
};

// zoneAwareLbSetting: its tiers of regions are implemented, its balancing of zones is not.
struct ZoneAwareSetting {
  bool enabled = false;
  std::vector<Failover> failover;
  std::vector<FailoverLabel> failover_priority;
  bool operator==(const ZoneAwareSetting&) const = default;
};

// Its presence is the gate of failover.
struct OutlierDetection {
  uint32_t min_health_percent = 0;
  OutlierSpec spec;  // as istiod fills Envoy's: never by success rate
  bool operator==(const OutlierDetection&) const = default;
};

struct LoadBalancer {
  std::optional<AlgorithmSpec> algorithm;  // unset: Istio's least request, here random
  bool passthrough = false;                // simple: PASSTHROUGH
  std::optional<LocalitySetting> locality;
  std::optional<ZoneAwareSetting> zone_aware;
  bool operator==(const LoadBalancer&) const = default;
};

struct PortPolicy {
  std::optional<LoadBalancer> load_balancer;
  std::optional<OutlierDetection> outlier_detection;
  bool operator==(const PortPolicy&) const = default;
};

struct TrafficPolicy {
  PortPolicy all;
  std::map<uint16_t, PortPolicy> ports;  // replace `all` whole: nothing is inherited
  bool operator==(const TrafficPolicy&) const = default;
  [[nodiscard]] const PortPolicy& of(uint16_t port) const;
};

class DestinationRule final : public Spec {
 public:
  std::string host;                             // complete, or "*..." with a leading wildcard
  std::vector<std::string> export_to;           // "." is already the own namespace; empty: all
  std::map<std::string, std::string> selector;  // labels of the clients it is for; empty: all
  std::optional<TrafficPolicy> traffic_policy;

  [[nodiscard]] bool is_pattern() const { return host.starts_with('*'); }
  // Whether `hostname` is one of the hosts the rule names.
  [[nodiscard]] bool names(std::string_view hostname) const;
  [[nodiscard]] bool concerns(const model::Service& service,
                              const model::Symbols& symbols) const override;
};

// Mesh-wide defaults. Where there is none, Istio's: locality load balancing is enabled.
class MeshConfig final : public Spec {
 public:
  std::optional<LocalitySetting> locality;
  std::optional<ZoneAwareSetting> zone_aware;
  std::string root_namespace;  // empty: as the settings say

  [[nodiscard]] bool concerns(const model::Service& /*service*/,
                              const model::Symbols& /*symbols*/) const override {
    return true;
  }
};

}  // namespace vicinity::policy::istio
