#include "compile/compile.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
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
  auto plan = resolution.planner == nullptr
                  ? own(std::move(eligible))
                  : resolution.planner->plan({.target = target_of(snapshot, request),
                                              .eligible = std::move(eligible),
                                              .on_empty = spec.on_empty,
                                              .own = own});
  // A feed that was never in sync may still bring what seems to be missing.
  if (plan.tiers.empty() && !options.feed_was_in_sync) plan.on_empty = OnEmpty::kPass;
  return plan;
}

absl::StatusOr<std::optional<ServiceTable>> compile_service(const model::Snapshot& snapshot,
                                                            model::SymbolId key,
                                                            const CompileOptions& options) {
  const Service* service = snapshot.find_service(key);
  ServiceTable result;
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
      VIC_ASSIGN_OR_RETURN(
          auto compiled,
          compile_port(std::move(plan), {.service = result.name,
                                         .port = port.service_port,
                                         .family = family,
                                         .had_workload = snapshot.had_workload(key)}));
      result.ports.push_back(std::move(compiled.table));
    }
  }
  return result;
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
