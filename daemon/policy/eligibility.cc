#include "policy/eligibility.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace vicinity::policy {
namespace {

using model::Binding;
using model::Port;
using model::Ports;
using model::Service;
using model::SymbolId;
using model::Workload;

uint16_t target_port(const Ports& ports, uint16_t service_port) {
  const auto found = std::ranges::find(ports, service_port, &Port::service_port);
  return found == ports.end() ? uint16_t{0} : found->target_port;
}

// What is the same for all workloads of one query.
class Filter {
 public:
  Filter(const Service& service, const PortQuery& query, SymbolId network,
         std::vector<SymbolId> flat_networks)
      : service_(service),
        query_(query),
        network_(network),
        flat_networks_(std::move(flat_networks)),
        service_target_(target_port(service.ports, query.port)) {}

  // Everything but health and network.
  [[nodiscard]] std::variant<Endpoint, Exclusion> locate(const Workload& workload) const {
    if (workload.addresses.empty()) return Exclusion::kNoAddress;
    const auto address =
        std::ranges::find(workload.addresses, query_.family, &model::IpAddress::family);
    if (address == workload.addresses.end()) return Exclusion::kWrongFamily;
    const uint16_t port = port_of(workload);
    if (port == 0) return Exclusion::kNoPort;
    return Endpoint{.workload = &workload, .address = *address, .port = port};
  }

  // Everything but health.
  [[nodiscard]] std::variant<Endpoint, Exclusion> check(const Workload& workload) const {
    const auto located = locate(workload);
    if (std::holds_alternative<Exclusion>(located) || reachable(workload)) return located;
    return Exclusion::kUnreachableNetwork;
  }

  [[nodiscard]] bool healthy_enough(const Workload& workload) const {
    return workload.health == model::Health::kHealthy ||
           service_.load_balancing.health_policy == model::HealthPolicy::kAllowAll;
  }

 private:
  // The workload's own list comes first: a named target port differs from pod to pod.
  [[nodiscard]] uint16_t port_of(const Workload& workload) const {
    const auto binding =
        std::ranges::lower_bound(workload.bindings, service_.key, {}, &Binding::service);
    const uint16_t own = target_port(binding->ports, query_.port);
    return own != 0 ? own : service_target_;
  }

  [[nodiscard]] bool reachable(const Workload& workload) const {
    if (workload.place.network == network_ || !workload.has_network_gateway) return true;
    return std::ranges::find(flat_networks_, workload.place.network) != flat_networks_.end();
  }

  const Service& service_;
  const PortQuery& query_;
  SymbolId network_;
  std::vector<SymbolId> flat_networks_;
  uint16_t service_target_;
};

std::vector<SymbolId> known_networks(const EligibilityOptions& options,
                                     const model::Symbols& symbols) {
  std::vector<SymbolId> networks;
  for (const std::string& name : options.flat_networks) {
    if (const auto network = symbols.find(name)) networks.push_back(*network);
  }
  return networks;
}

// Not by a pointer to the function, which is then called.
void sort_endpoints(std::vector<Endpoint>& endpoints) {
  std::ranges::sort(endpoints, [](const Endpoint& left, const Endpoint& right) {
    return endpoint_before(left, right);
  });
}

bool is_ejected(std::span<const model::EjectedEndpoint> ejected, uint16_t service_port,
                const Endpoint& endpoint) {
  return std::ranges::binary_search(ejected, model::EjectedEndpoint{.service_port = service_port,
                                                                    .address = endpoint.address,
                                                                    .port = endpoint.port});
}

}  // namespace

bool endpoint_before(const Endpoint& left, const Endpoint& right) {
  if (const auto order = left.address <=> right.address; order != 0) return order < 0;
  if (left.port != right.port) return left.port < right.port;
  return left.workload->uid < right.workload->uid;
}

Eligible eligible_endpoints(const model::Snapshot& snapshot, const PortQuery& query,
                            const model::ClientContext& client, const EligibilityOptions& options) {
  const Filter filter(*snapshot.find_service(query.service), query, client.place.network,
                      known_networks(options, snapshot.symbols()));
  const auto all = snapshot.endpoints(query.service);
  const auto ejected = snapshot.ejected(query.service);
  Eligible result;
  result.endpoints.reserve(all.size());
  for (const model::WorkloadIndex index : all) {
    const Workload& workload = snapshot.workload(index);
    const auto verdict = filter.check(workload);
    const auto* endpoint = std::get_if<Endpoint>(&verdict);
    if (endpoint == nullptr) {
      result.excluded.push_back({.workload = &workload, .reason = std::get<Exclusion>(verdict)});
    } else if (!filter.healthy_enough(workload)) {
      result.unhealthy.push_back(*endpoint);
      result.excluded.push_back({.workload = &workload, .reason = Exclusion::kUnhealthy});
    } else if (is_ejected(ejected, query.port, *endpoint)) {
      result.ejected.push_back(*endpoint);
      result.excluded.push_back({.workload = &workload, .reason = Exclusion::kEjected});
    } else {
      result.endpoints.push_back(*endpoint);
    }
  }
  sort_endpoints(result.endpoints);
  sort_endpoints(result.ejected);
  sort_endpoints(result.unhealthy);
  sort_by_uid(result.excluded);
  return result;
}

Eligible with_ejected(Eligible eligible) {
  std::erase_if(eligible.excluded,
                [](const Excluded& one) { return one.reason == Exclusion::kEjected; });
  eligible.endpoints.insert(eligible.endpoints.end(), eligible.ejected.begin(),
                            eligible.ejected.end());
  eligible.ejected.clear();
  sort_endpoints(eligible.endpoints);
  return eligible;
}

std::vector<Endpoint> bound_endpoints(const model::Snapshot& snapshot, const PortQuery& query) {
  const Filter filter(*snapshot.find_service(query.service), query, snapshot.self().place.network,
                      {});
  std::vector<Endpoint> bound;
  for (const model::WorkloadIndex index : snapshot.endpoints(query.service)) {
    const auto located = filter.locate(snapshot.workload(index));
    if (const auto* endpoint = std::get_if<Endpoint>(&located)) bound.push_back(*endpoint);
  }
  return bound;
}

}  // namespace vicinity::policy
