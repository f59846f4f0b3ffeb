#include "bench/cluster.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "compile/compile.h"

namespace vicinity::bench {
namespace {

using model::SymbolId;

constexpr std::string_view kNode = "node-0";
constexpr uint32_t kZones = 3;
constexpr uint32_t kNodesPerZone = 5;
constexpr std::array<std::pair<std::string_view, std::string_view>, kZones> kRegionAndZone = {
    {{"region-a", "zone-1"}, {"region-a", "zone-2"}, {"region-b", "zone-3"}}};
constexpr uint32_t kUnequalCapacities = 7;
constexpr compile::Watch kWatch = {
    .refused_in_row = 1, .timeouts_in_row = 3, .suspicion_ms = 30'000, .most_suspects = 10};

std::string key_of(uint32_t service) {
  return fmt::format("bench/service-{}.bench.svc.cluster.local", service);
}

model::Service make_service(const ClusterSpec& spec, uint32_t number, model::Symbols& symbols) {
  const std::string key = key_of(number);
  model::Service service;
  service.key = symbols.intern(key);
  service.name_space = symbols.intern("bench");
  service.hostname = symbols.intern(std::string_view(key).substr(sizeof("bench/") - 1));
  service.name = symbols.intern(fmt::format("service-{}", number));
  service.addresses = {{.network = {},
                        .ip = service_address(spec.family, number),
                        .length = model::family_bits(spec.family)}};
  service.ports = {{.service_port = kServicePort, .target_port = kEndpointPort}};
  service.load_balancing = {.mode = spec.where == Endpoints::kNear ? model::RoutingMode::kFailover
                                                                   : model::RoutingMode::kStrict,
                            .health_policy = model::HealthPolicy::kOnlyHealthy,
                            .preference = {model::Scope::kRegion, model::Scope::kZone}};
  return service;
}

// Zones take turns, so each of the three tiers has a third; the first node of the first zone is
// ours and has endpoints of its own.
model::Place place_of(const ClusterSpec& spec, uint32_t endpoint, model::Symbols& symbols) {
  const uint32_t zone =
      spec.where == Endpoints::kNear ? endpoint % kZones : 1 + endpoint % (kZones - 1);
  const uint32_t node = zone + kZones * (endpoint / kZones % kNodesPerZone);
  return {.network = {},
          .cluster = symbols.intern("Kubernetes"),
          .region = symbols.intern(kRegionAndZone[zone].first),
          .zone = symbols.intern(kRegionAndZone[zone].second),
          .subzone = {},
          .node = symbols.intern(fmt::format("node-{}", node))};
}

model::Workload make_workload(const ClusterSpec& spec, uint32_t endpoint, model::Symbols& symbols) {
  model::Workload workload;
  workload.uid = fmt::format("Kubernetes//Pod/bench/pod-{}", endpoint);
  workload.name_space = symbols.intern("bench");
  workload.place = place_of(spec, endpoint, symbols);
  workload.addresses = {endpoint_address(spec.family, endpoint)};
  workload.bindings = {{.service = symbols.intern(key_of(spec.shape.service_of(endpoint))),
                        .ports = {{.service_port = kServicePort, .target_port = kEndpointPort}}}};
  if (spec.weights == Weights::kUnequal) workload.capacity = 1 + endpoint % kUnequalCapacities;
  return workload;
}

// Tells the model where this node is when none of the endpoints is on it.
model::Workload make_neighbour(const ClusterSpec& spec, model::Symbols& symbols) {
  model::Workload workload;
  workload.uid = "Kubernetes//Pod/bench/neighbour";
  workload.name_space = symbols.intern("bench");
  workload.place = place_of({.shape = {}, .family = spec.family}, 0, symbols);
  workload.addresses = {endpoint_address(spec.family, spec.shape.all_endpoints())};
  return workload;
}

struct ServiceRef {
  const model::Snapshot& snapshot;
  SymbolId key;
};

// The endpoints in so many tiers of the same size, the first with all load.
void divide(policy::Plan& plan, uint32_t tiers) {
  std::vector<policy::Member> members;
  for (const policy::Tier& tier : plan.tiers) {
    for (policy::Member member : tier.members) {
      member.share = 1;
      members.push_back(member);
    }
  }
  plan.tiers.clear();
  for (uint32_t i = 0; i < tiers; ++i) {
    const auto at = [&](uint32_t tier) {
      return members.begin() + static_cast<ptrdiff_t>(members.size() * tier / tiers);
    };
    plan.tiers.push_back(
        {.priority = i, .load_percent = i == 0 ? 100U : 0, .members = {at(i), at(i + 1)}});
  }
}

// The same plans with another algorithm, or other tiers.
absl::Status plan_anew(const ClusterSpec& spec, const ServiceRef& service,
                       compile::ServiceTable& table) {
  if (spec.algorithm == policy::AlgorithmSpec{} && spec.tiers == 0) return absl::OkStatus();
  for (compile::PortTable& port : table.ports) {
    const compile::PlanRequest request = {.query = {service.key, port.port, port.family},
                                          .client = service.snapshot.self()};
    VIC_ASSIGN_OR_RETURN(policy::Plan plan, compile::plan_port(service.snapshot, request, {}));
    plan.algorithm = spec.algorithm;
    if (spec.tiers > 0) divide(plan, spec.tiers);
    VIC_ASSIGN_OR_RETURN(
        compile::CompiledPort compiled,
        compile::compile_port(std::move(plan), {.service = table.name,
                                                .port = port.port,
                                                .family = port.family,
                                                .had_workload = port.had_workload}));
    port = std::move(compiled.table);
  }
  return absl::OkStatus();
}

}  // namespace

model::Snapshot make_cluster(const ClusterSpec& spec) {
  model::Snapshot snapshot(kNode);
  model::Delta delta;
  for (uint32_t i = 0; i < spec.shape.services; ++i) {
    delta.services.push_back(make_service(spec, i, snapshot.symbols()));
  }
  for (uint32_t i = 0; i < spec.shape.all_endpoints(); ++i) {
    delta.workloads.push_back(make_workload(spec, i, snapshot.symbols()));
  }
  if (spec.where != Endpoints::kNear) {
    delta.workloads.push_back(make_neighbour(spec, snapshot.symbols()));
  }
  snapshot.apply(std::move(delta));
  return snapshot;
}

absl::StatusOr<compile::Diff> compile_cluster(const model::Snapshot& snapshot,
                                              const ClusterSpec& spec) {
  const compile::CompileOptions options = {.on_empty = spec.where == Endpoints::kFarAndPassed
                                                           ? policy::OnEmpty::kPass
                                                           : policy::OnEmpty::kRefuse};
  compile::Diff diff;
  for (const SymbolId service : snapshot.service_keys()) {
    VIC_ASSIGN_OR_RETURN(std::optional<compile::ServiceTable> table,
                         compile::compile_service(snapshot, service, options));
    if (!table) continue;
    VIC_RETURN_IF_ERROR(plan_anew(spec, {snapshot, service}, *table));
    diff.upserts.push_back(*std::move(table));
  }
  return spec.detection == Detection::kOn ? watched(std::move(diff)) : diff;
}

compile::Diff watched(compile::Diff diff) {
  for (compile::ServiceTable& service : diff.upserts) {
    for (compile::PortTable& port : service.ports) {
      port.watch = kWatch;
      for (size_t i = 0; i < port.loaded; ++i) port.slots[i].share = 1;
    }
  }
  return diff;
}

}  // namespace vicinity::bench
