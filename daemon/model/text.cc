// The text forms of Delta and Snapshot, and the names of the enums in them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "model/delta.h"
#include "model/snapshot.h"

namespace vicinity::model {
namespace {

std::string port_list(const Ports& ports) {
  std::vector<std::string> items;
  items.reserve(ports.size());
  for (const Port& port : ports) {
    items.push_back(port.target_port == 0
                        ? fmt::format("{}:named", port.service_port)
                        : fmt::format("{}:{}", port.service_port, port.target_port));
  }
  return fmt::format("{}", fmt::join(items, ","));
}

std::string address_text(const ServiceAddress& address, const Symbols& symbols) {
  std::string text = address.network.empty() ? address.ip.to_string()
                                             : fmt::format("{}/{}", symbols.name(address.network),
                                                           address.ip.to_string());
  if (!address.is_host()) text += fmt::format("/{}", address.length);
  return text;
}

// " key=value"; nothing when the value is empty.
void append(std::string& text, std::string_view key, std::string_view value) {
  if (!value.empty()) text += fmt::format(" {}={}", key, value);
}

void append_addresses(std::string& text, const Service& service, const Symbols& symbols) {
  std::vector<std::string> items;
  for (const ServiceAddress& address : service.addresses) {
    items.push_back(address_text(address, symbols));
  }
  std::ranges::sort(items);
  append(text, "addresses", fmt::format("{}", fmt::join(items, ",")));
}

void append_load_balancing(std::string& text, const LoadBalancing& load_balancing) {
  std::vector<std::string_view> scopes;
  for (const Scope scope : load_balancing.preference) scopes.push_back(scope_name(scope));
  append(text, "mode", routing_mode_name(load_balancing.mode));
  append(text, "preference", fmt::format("{}", fmt::join(scopes, ",")));
  if (load_balancing.health_policy == HealthPolicy::kAllowAll) append(text, "health", "ALLOW_ALL");
}

std::string_view ip_families_text(IpFamilies families) {
  switch (families) {
    case IpFamilies::kAutomatic:
      return "";
    case IpFamilies::kIpv4Only:
      return "IPV4_ONLY";
    case IpFamilies::kIpv6Only:
      return "IPV6_ONLY";
    case IpFamilies::kDual:
      return "DUAL";
  }
  return "";
}

void append_identity(std::string& text, const Workload& workload, const Symbols& symbols) {
  append(text, "namespace", symbols.name(workload.name_space));
  append(text, "canonical", symbols.name(workload.canonical_name));
  append(text, "revision", symbols.name(workload.canonical_revision));
  append(text, "hostname", symbols.name(workload.hostname));
}

void append_bindings(std::string& text, const Workload& workload, const Symbols& symbols) {
  std::vector<std::string> items;
  for (const Binding& binding : workload.bindings) {
    items.push_back(fmt::format("{}({})", symbols.name(binding.service), port_list(binding.ports)));
  }
  std::ranges::sort(items);
  append(text, "services", fmt::format("{}", fmt::join(items, ",")));
}

void append_labels(std::string& text, const Workload& workload, const Symbols& symbols) {
  std::vector<std::string> items;
  for (const Label& label : workload.labels) {
    items.push_back(fmt::format("{}={}", symbols.name(label.key), symbols.name(label.value)));
  }
  std::ranges::sort(items);
  append(text, "labels", fmt::format("{}", fmt::join(items, ",")));
}

std::string sorted_lines(std::vector<std::string> lines) {
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

std::string_view scope_name(Scope scope) {
  switch (scope) {
    case Scope::kRegion:
      return "REGION";
    case Scope::kZone:
      return "ZONE";
    case Scope::kSubzone:
      return "SUBZONE";
    case Scope::kNode:
      return "NODE";
    case Scope::kCluster:
      return "CLUSTER";
    case Scope::kNetwork:
      return "NETWORK";
  }
  return "?";
}

std::string_view routing_mode_name(RoutingMode mode) {
  switch (mode) {
    case RoutingMode::kUnspecified:
      return "UNSPECIFIED";
    case RoutingMode::kStrict:
      return "STRICT";
    case RoutingMode::kFailover:
      return "FAILOVER";
    case RoutingMode::kPassthrough:
      return "PASSTHROUGH";
  }
  return "?";
}

std::string to_text(const Service& service, const Symbols& symbols) {
  std::string text = fmt::format("service {}", symbols.name(service.key));
  append(text, "name", symbols.name(service.name));
  append_addresses(text, service, symbols);
  append(text, "ports", port_list(service.ports));
  append_load_balancing(text, service.load_balancing);
  append(text, "families", ip_families_text(service.ip_families));
  if (service.visibility == Visibility::kNamespace) text += " namespace-only";
  if (service.canonical) text += " canonical";
  if (service.has_waypoint) text += " waypoint";
  return text;
}

std::string to_text(const Workload& workload, const Symbols& symbols) {
  std::string text = fmt::format("workload {}", workload.uid);
  append_identity(text, workload, symbols);
  append(text, "network", symbols.name(workload.place.network));
  append(text, "cluster", symbols.name(workload.place.cluster));
  append(text, "locality", locality_text(workload.place, symbols));
  append(text, "node", symbols.name(workload.place.node));
  std::vector<std::string> addresses;
  for (const IpAddress& ip : workload.addresses) addresses.push_back(ip.to_string());
  append(text, "addresses", fmt::format("{}", fmt::join(addresses, ",")));
  append_bindings(text, workload, symbols);
  append_labels(text, workload, symbols);
  if (workload.capacity != 1) append(text, "capacity", fmt::format("{}", workload.capacity));
  if (workload.health == Health::kUnhealthy) text += " unhealthy";
  if (workload.has_network_gateway) text += " gateway";
  if (workload.host_network) text += " host-network";
  if (workload.strict_mtls) text += " strict-mtls";
  return text;
}

std::string to_text(const Delta& delta, const Symbols& symbols) {
  std::vector<std::string> lines;
  for (const std::string& name : delta.removed) lines.push_back("removed " + name);
  for (const Service& service : delta.services) lines.push_back(to_text(service, symbols));
  for (const Workload& workload : delta.workloads) lines.push_back(to_text(workload, symbols));
  return sorted_lines(std::move(lines));
}

std::string to_text(const Snapshot& snapshot) {
  const Symbols& symbols = snapshot.symbols();
  std::vector<std::string> lines;
  for (const SymbolId key : snapshot.service_keys()) {
    lines.push_back(to_text(*snapshot.find_service(key), symbols));
  }
  for (const std::string& uid : snapshot.workload_uids()) {
    lines.push_back(to_text(*snapshot.find_workload(uid), symbols));
  }
  return fmt::format("self {}\n", place_text(snapshot.self().place, symbols)) +
         sorted_lines(std::move(lines));
}

}  // namespace vicinity::model
