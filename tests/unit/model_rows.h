// Rows that read like the feed, and what tests ask about the result: a Snapshot in terms of text.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compile/compile.h"
#include "compile/explain.h"
#include "model/snapshot.h"

namespace vicinity::testing {

using PortRow = std::pair<int, int>;  // service port, target port

struct WorkloadRow {
  std::string uid;
  std::vector<std::string> addresses;
  std::string network;
  std::string cluster = "Kubernetes";
  std::string region;
  std::string zone;
  std::string subzone;
  std::string node;
  std::map<std::string, std::vector<PortRow>> services;  // "namespace/hostname" -> own ports
  uint32_t capacity = 1;
  model::Health health = model::Health::kHealthy;
  bool gateway = false;
  std::map<std::string, std::string> labels;
  std::string name_space;
  std::string canonical_name;
};

struct ServiceRow {
  std::string key;                     // "namespace/hostname"
  std::vector<std::string> addresses;  // "[network/]ip[/length]"
  std::vector<PortRow> ports = {{80, 8080}};
  model::RoutingMode mode = model::RoutingMode::kUnspecified;
  std::vector<model::Scope> preference;
  model::HealthPolicy health_policy = model::HealthPolicy::kOnlyHealthy;
  model::Visibility visibility = model::Visibility::kPublic;
  bool canonical = false;
  bool waypoint = false;
};

struct DeltaRow {
  std::vector<std::string> removed;
  std::vector<ServiceRow> services;
  std::vector<WorkloadRow> workloads;
};

// Aborts on an address that does not parse: rows are ours.
[[nodiscard]] model::IpAddress ip(std::string_view text);
[[nodiscard]] model::Service to_service(const ServiceRow& row, model::Symbols& symbols);
[[nodiscard]] model::Workload to_workload(const WorkloadRow& row, model::Symbols& symbols);
[[nodiscard]] model::Delta to_delta(const DeltaRow& row, model::Symbols& symbols);

// A snapshot of node "here", and questions to it by name.
class World {
 public:
  explicit World(const model::ContextOverride& overrides = {}, std::string_view node = "here")
      : snapshot(node, overrides) {}

  World& apply(const DeltaRow& row);
  // Names of the services touched since the last call, sorted.
  [[nodiscard]] std::vector<std::string> changes();
  [[nodiscard]] model::SymbolId symbol(std::string_view name) {
    return snapshot.symbols().intern(name);
  }
  // "owner: address range address(own)", for the services that own any, sorted.
  [[nodiscard]] std::vector<std::string> owners();
  [[nodiscard]] std::string self() const;

  // Tiers as endpoint texts, e.g. {{"10.0.0.1:80", "10.0.0.2:80"}, {"10.0.0.3:80"}}.
  using TierText = std::vector<std::vector<std::string>>;
  [[nodiscard]] TierText tiers(std::string_view service, int port = 80,
                               model::Family family = model::Family::kIpv4);
  // uid -> share in percent, of endpoints with a share above 0.
  [[nodiscard]] std::map<std::string, double> shares(std::string_view service, int port = 80);
  // uid -> reason
  [[nodiscard]] std::map<std::string, std::string> excluded(
      std::string_view service, int port = 80, model::Family family = model::Family::kIpv4);
  [[nodiscard]] compile::Explanation explanation(std::string_view service, int port = 80,
                                                 model::Family family = model::Family::kIpv4);
  [[nodiscard]] compile::Tables tables() const;

  model::Snapshot snapshot;
  compile::CompileOptions options;
};

}  // namespace vicinity::testing
