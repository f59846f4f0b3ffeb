#include "unit/model_rows.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "base/status.h"

namespace vicinity::testing {
namespace {

using model::Symbols;

[[noreturn]] void fail(const absl::Status& status) {
  std::cerr << "bad row: " << status << "\n";
  std::abort();
}

model::Ports to_ports(const std::vector<PortRow>& rows) {
  model::Ports ports;
  for (const auto& [service_port, target_port] : rows) {
    ports.push_back({static_cast<uint16_t>(service_port), static_cast<uint16_t>(target_port)});
  }
  std::ranges::sort(ports);
  return ports;
}

bool is_ip(std::string_view text) { return model::IpAddress::parse(text).ok(); }

// [network/]ip[/length]
model::ServiceAddress to_address(std::string_view text, Symbols& symbols) {
  model::ServiceAddress address;
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos && !is_ip(text.substr(0, slash))) {
    address.network = symbols.intern(text.substr(0, slash));
    text.remove_prefix(slash + 1);
  }
  const size_t length_at = text.find('/');
  address.ip = ip(text.substr(0, length_at));
  address.length = model::family_bits(address.ip.family);
  if (length_at != std::string_view::npos) {
    address.length =
        static_cast<uint8_t>(std::atoi(std::string(text.substr(length_at + 1)).c_str()));
  }
  return address;
}

}  // namespace

model::IpAddress ip(std::string_view text) {
  const auto parsed = model::IpAddress::parse(text);
  if (!parsed.ok()) fail(parsed.status());
  return *parsed;
}

model::Service to_service(const ServiceRow& row, Symbols& symbols) {
  model::Service service;
  service.key = symbols.intern(row.key);
  const size_t slash = row.key.find('/');
  service.name_space = symbols.intern(row.key.substr(0, slash));
  service.hostname = symbols.intern(row.key.substr(slash + 1));
  service.name = symbols.intern(row.key.substr(slash + 1, row.key.find('.') - slash - 1));
  for (const std::string& address : row.addresses) {
    service.addresses.push_back(to_address(address, symbols));
  }
  std::ranges::sort(service.addresses);
  service.ports = to_ports(row.ports);
  service.load_balancing.mode = row.mode;
  service.load_balancing.health_policy = row.health_policy;
  service.load_balancing.preference.assign(row.preference.begin(), row.preference.end());
  service.visibility = row.visibility;
  service.canonical = row.canonical;
  service.has_waypoint = row.waypoint;
  return service;
}

model::Workload to_workload(const WorkloadRow& row, Symbols& symbols) {
  model::Workload workload;
  workload.uid = row.uid;
  workload.name_space = symbols.intern(row.name_space);
  workload.canonical_name = symbols.intern(row.canonical_name);
  workload.place = {.network = symbols.intern(row.network),
                    .cluster = symbols.intern(row.cluster),
                    .region = symbols.intern(row.region),
                    .zone = symbols.intern(row.zone),
                    .subzone = symbols.intern(row.subzone),
                    .node = symbols.intern(row.node)};
  for (const std::string& address : row.addresses) workload.addresses.push_back(ip(address));
  for (const auto& [service, ports] : row.services) {
    workload.bindings.push_back({.service = symbols.intern(service), .ports = to_ports(ports)});
  }
  std::ranges::sort(workload.bindings, {}, &model::Binding::service);
  for (const auto& [key, value] : row.labels) {
    workload.labels.push_back({symbols.intern(key), symbols.intern(value)});
  }
  std::ranges::sort(workload.labels);
  workload.capacity = row.capacity;
  workload.health = row.health;
  workload.has_network_gateway = row.gateway;
  return workload;
}

model::Delta to_delta(const DeltaRow& row, Symbols& symbols) {
  model::Delta delta;
  delta.removed = row.removed;
  for (const ServiceRow& service : row.services) {
    delta.services.push_back(to_service(service, symbols));
  }
  for (const WorkloadRow& workload : row.workloads) {
    delta.workloads.push_back(to_workload(workload, symbols));
  }
  return delta;
}

World& World::apply(const DeltaRow& row) {
  snapshot.apply(to_delta(row, snapshot.symbols()));
  return *this;
}

std::vector<std::string> World::changes() {
  std::vector<std::string> names;
  for (const model::SymbolId service : snapshot.take_changes().services) {
    names.emplace_back(snapshot.symbols().name(service));
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> World::owners() {
  std::vector<std::string> lines;
  for (const model::SymbolId key : snapshot.service_keys()) {
    const auto addresses = snapshot.owned(key);
    if (addresses.empty()) continue;
    std::string line = std::string(snapshot.symbols().name(key)) + ":";
    for (const model::OwnedAddress& address : addresses) {
      line += " " + model::prefix_text(address.ip, address.length);
      if (address.audience == model::Audience::kOwnNamespace) line += "(own)";
    }
    lines.push_back(line);
  }
  return lines;
}

std::string World::self() const {
  return model::place_text(snapshot.self().place, snapshot.symbols());
}

compile::Explanation World::explanation(std::string_view service, int port, model::Family family) {
  const compile::PlanRequest request{
      .query = {.service = symbol(service), .port = static_cast<uint16_t>(port), .family = family},
      .client = snapshot.self()};
  auto result = compile::explain(snapshot, request, options);
  if (!result.ok()) fail(result.status());
  return *std::move(result);
}

World::TierText World::tiers(std::string_view service, int port, model::Family family) {
  TierText text;
  const compile::Explanation explained = explanation(service, port, family);
  for (const auto& tier : explained.tiers) {
    auto& addresses = text.emplace_back();
    for (const auto& endpoint : tier.endpoints) addresses.push_back(endpoint.address);
  }
  return text;
}

std::map<std::string, double> World::shares(std::string_view service, int port) {
  std::map<std::string, double> shares;
  const compile::Explanation explained = explanation(service, port);
  for (const auto& tier : explained.tiers) {
    for (const auto& endpoint : tier.endpoints) {
      if (endpoint.share_percent > 0) shares[endpoint.workload] += endpoint.share_percent;
    }
  }
  return shares;
}

std::map<std::string, std::string> World::excluded(std::string_view service, int port,
                                                   model::Family family) {
  std::map<std::string, std::string> reasons;
  const compile::Explanation explained = explanation(service, port, family);
  for (const auto& one : explained.excluded) {
    reasons[one.workload] = one.reason;
  }
  return reasons;
}

compile::Tables World::tables() const {
  auto tables = compile::compile_all(snapshot, options);
  if (!tables.ok()) fail(tables.status());
  return *std::move(tables);
}

}  // namespace vicinity::testing
