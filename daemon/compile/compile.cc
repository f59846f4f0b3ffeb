#include "compile/compile.h"

#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "compile/load.h"
#include "policy/wds/plan.h"

namespace vicinity::compile {
namespace {

using model::Family;
using model::Service;
using policy::OnEmpty;

bool has_port(const Service& service, uint16_t port) {
  return std::ranges::find(service.ports, port, &model::Port::service_port) != service.ports.end();
}

// A service that never had an endpoint is somebody else's to serve.
OnEmpty on_empty(const model::Snapshot& snapshot, model::SymbolId service,
                 const CompileOptions& options) {
  return snapshot.had_workload(service) ? options.on_empty : OnEmpty::kPass;
}

policy::Target target_of(const model::Snapshot& snapshot, const PlanRequest& request) {
  return {.service = *snapshot.find_service(request.query.service),
          .port = request.query.port,
          .client = request.client,
          .symbols = snapshot.symbols(),
          .node = request.client == snapshot.self() ? &snapshot : nullptr};
}

policy::Plan left_to_waypoint() {
  policy::Plan plan;
  plan.mode = policy::Mode::kPassthrough;
  plan.on_empty = OnEmpty::kPass;
  plan.pass = policy::Pass::kWaypoint;
  return plan;
}

void add_addresses(const std::vector<model::OwnedAddress>& owned, ServiceTable& table) {
  for (const model::OwnedAddress& address : owned) {
    if (address.is_host() && address.audience == model::Audience::kEveryone) {
      table.addresses.push_back(address.ip);
    } else {
      table.scoped.push_back(address);
    }
  }
}

// Failures take endpoints out, never the service: when nobody else is left the ejected are used.
policy::Plan plan_without_ejected(policy::Eligible eligible,
                                  absl::FunctionRef<policy::Plan(policy::Eligible)> make) {
  if (eligible.ejected.empty()) return make(std::move(eligible));
  policy::Plan plan = make(eligible);
  if (!plan.tiers.empty()) return plan;
  plan = make(policy::with_ejected(std::move(eligible)));
  plan.ejected_are_used = true;
  return plan;
}

void settle_outlier(const CompileOptions& options, policy::Plan& plan) {
  if (!plan.outlier) plan.outlier = options.outlier_default;
  const bool through = plan.mode == policy::Mode::kPassthrough;
  if (through || (plan.outlier && !policy::ejects(*plan.outlier))) plan.outlier.reset();
  if (plan.outlier && !options.outlier_hook) {
    plan.outlier->hook = {.refused_in_row = 0, .timeouts_in_row = 0};
  }
}

// Endpoints that are in no tier are in none for good, unless their health is the reason.
std::vector<policy::HostAddress> judged_hosts(const model::Snapshot& snapshot,
                                              const policy::PortQuery& query,
                                              const policy::Plan& plan) {
  std::vector<policy::HostAddress> hosts;
  for (const policy::Tier& tier : plan.tiers) {
    for (const policy::Member& member : tier.members) {
      const policy::Endpoint& endpoint = plan.endpoints[member.endpoint];
      hosts.push_back({.address = endpoint.address, .port = endpoint.port});
    }
  }
  absl::flat_hash_set<const model::Workload*> sick;
  for (const policy::Excluded& one : plan.excluded) {
    if (one.reason == policy::Exclusion::kUnhealthy || one.reason == policy::Exclusion::kEjected) {
      sick.insert(one.workload);
    }
  }
  if (!sick.empty()) {
    for (const policy::Endpoint& endpoint : policy::bound_endpoints(snapshot, query)) {
      if (sick.contains(endpoint.workload))
        hosts.push_back({.address = endpoint.address, .port = endpoint.port});
    }
  }
  std::ranges::sort(hosts);
  hosts.erase(std::ranges::unique(hosts).begin(), hosts.end());
  return hosts;
}

void note_judged(const model::Snapshot& snapshot, const policy::PortQuery& query,
                 const policy::Plan& plan, CompiledService& result) {
  if (!plan.outlier) return;
  result.judged.push_back({.port = query.port,
                           .family = query.family,
                           .spec = *plan.outlier,
                           .hosts = judged_hosts(snapshot, query, plan)});
}

}  // namespace

policy::Resolution resolve_port(const model::Snapshot& snapshot, const PlanRequest& request,
                                const CompileOptions& options) {
  if (options.policies == nullptr || options.policies->empty()) return {};
  return options.policies->resolve(target_of(snapshot, request));
}

absl::StatusOr<policy::Plan> plan_port(const model::Snapshot& snapshot, const PlanRequest& request,
                                       const CompileOptions& options) {
  const policy::PortQuery& query = request.query;
  const Service* service = snapshot.find_service(query.service);
  const std::string_view name = snapshot.symbols().name(query.service);
  if (service == nullptr) return base::not_found("service {}: not in the mesh", name);
  if (!has_port(*service, query.port)) {
    return base::not_found("service {}: has no port {}", name, query.port);
  }
  if (service->has_waypoint && options.waypoint_services == WaypointServices::kLeave) {
    return left_to_waypoint();
  }
  const policy::wds::WdsSpec spec{.load_balancing = service->load_balancing,
                                  .leading_network = options.leading_network,
                                  .on_empty = on_empty(snapshot, query.service, options)};
  const auto own = [&](policy::Eligible eligible) {
    return policy::wds::plan(spec, std::move(eligible), request.client);
  };
  auto eligible = policy::eligible_endpoints(snapshot, query, request.client, options.eligibility);
  const auto resolution = resolve_port(snapshot, request, options);
  const auto make = [&](policy::Eligible some) {
    if (resolution.planner == nullptr) return own(std::move(some));
    return resolution.planner->plan({.target = target_of(snapshot, request),
                                     .eligible = std::move(some),
                                     .on_empty = spec.on_empty,
                                     .own = own});
  };
  policy::Plan plan = plan_without_ejected(std::move(eligible), make);
  settle_outlier(options, plan);
  give_for_load(snapshot, request, plan);
  // A feed that was never in sync may still bring what seems to be missing.
  if (plan.tiers.empty() && !options.feed_was_in_sync) plan.on_empty = OnEmpty::kPass;
  return plan;
}

absl::StatusOr<std::optional<CompiledService>> compile_judged(const model::Snapshot& snapshot,
                                                              model::SymbolId key,
                                                              const CompileOptions& options) {
  const Service* service = snapshot.find_service(key);
  CompiledService whole;
  ServiceTable& result = whole.table;
  add_addresses(snapshot.owned(key), result);
  if (!options.exclusions.reason(snapshot, key).empty()) return std::nullopt;
  if (service == nullptr || (result.addresses.empty() && result.scoped.empty())) {
    return std::nullopt;
  }
  result.name = snapshot.symbols().name(key);
  PlanRequest request{.query = {.service = key}, .client = snapshot.self()};
  for (const model::Port& port : service->ports) {
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      if (!result.has_family(family)) continue;
      request.query.port = port.service_port;
      request.query.family = family;
      VIC_ASSIGN_OR_RETURN(auto plan, plan_port(snapshot, request, options));
      note_judged(snapshot, request.query, plan, whole);
      if (plan.load_spill) whole.weighed.push_back(weighed_port(request, plan));
      VIC_ASSIGN_OR_RETURN(
          auto compiled,
          compile_port(std::move(plan), {.service = result.name,
                                         .port = port.service_port,
                                         .family = family,
                                         .had_workload = snapshot.had_workload(key)}));
      result.ports.push_back(std::move(compiled.table));
    }
  }
  return whole;
}

absl::StatusOr<std::optional<ServiceTable>> compile_service(const model::Snapshot& snapshot,
                                                            model::SymbolId key,
                                                            const CompileOptions& options) {
  VIC_ASSIGN_OR_RETURN(auto whole, compile_judged(snapshot, key, options));
  if (!whole) return std::nullopt;
  return std::move(whole->table);
}

absl::StatusOr<Tables> compile_all(const model::Snapshot& snapshot, const CompileOptions& options) {
  Tables tables;
  for (const model::SymbolId key : snapshot.service_keys()) {
    VIC_ASSIGN_OR_RETURN(auto table, compile_service(snapshot, key, options));
    if (!table) continue;
    const std::string name = table->name;
    tables.services.emplace(name, *std::move(table));
  }
  return tables;
}

}  // namespace vicinity::compile
