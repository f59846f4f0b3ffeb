#include "model/symbol_uses.h"

namespace vicinity::model {

// Each of these names every member: with a new one it does not compile before it is looked at here.

void SymbolUses::add(const Place& place) {
  const auto& [network, cluster, region, zone, subzone, node] = place;
  for (const SymbolId id : {network, cluster, region, zone, subzone, node}) add(id);
}

void SymbolUses::add(const Label& label) {
  const auto& [key, value] = label;
  add(key);
  add(value);
}

void SymbolUses::add(const ClientContext& client) {
  const auto& [place, labels, name_space] = client;
  add(place);
  for (const Label& label : labels) add(label);
  add(name_space);
}

void SymbolUses::add(const Workload& workload) {
  const auto& [uid, name_space, canonical_name, canonical_revision, hostname, place, addresses,
               bindings, labels, capacity, health, has_network_gateway, host_network, strict_mtls] =
      workload;
  for (const SymbolId id : {name_space, canonical_name, canonical_revision, hostname}) add(id);
  add(place);
  for (const Binding& binding : bindings) add(binding.service);
  for (const Label& label : labels) add(label);
}

void SymbolUses::add(const Service& service) {
  const auto& [key, name, name_space, hostname, addresses, ports, load_balancing, ip_families,
               visibility, canonical, has_waypoint] = service;
  for (const SymbolId id : {key, name, name_space, hostname}) add(id);
  for (const ServiceAddress& address : addresses) add(address.network);
}

}  // namespace vicinity::model
