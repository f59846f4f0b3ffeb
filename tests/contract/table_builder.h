// Tables made by hand and at random, for tests of data planes. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compile/alias.h"
#include "compile/tables.h"

namespace vicinity::testing {

struct EndpointSpec {
  std::string address;
  uint16_t port = 0;
  uint32_t weight = 1;
  uint8_t tier = 0;
};

inline model::IpAddress ip(std::string_view text) { return model::IpAddress::parse(text).value(); }

// All load goes to tier 0, in proportion to the weights. `endpoints` in order of tier.
inline compile::PortTable port_table(uint16_t port, model::Family family,
                                     const std::vector<EndpointSpec>& endpoints) {
  compile::PortTable table = {.port = port, .family = family, .mode = policy::Mode::kFailover};
  std::vector<uint64_t> weights;
  std::set<uint32_t> different;
  for (const EndpointSpec& endpoint : endpoints) {
    while (table.tiers.size() <= endpoint.tier) {
      const auto priority = static_cast<uint8_t>(table.tiers.size());
      table.tiers.push_back(
          {.priority = priority, .load_percent = priority == 0 ? uint8_t{100} : uint8_t{0}});
    }
    ++table.tiers[endpoint.tier].count;
    table.slots.push_back({.address = ip(endpoint.address),
                           .port = endpoint.port,
                           .tier = endpoint.tier,
                           .weight = endpoint.weight});
    if (endpoint.tier != 0) continue;
    weights.push_back(endpoint.weight);
    different.insert(endpoint.weight);
  }
  table.loaded = static_cast<uint16_t>(weights.size());
  table.weighted = different.size() > 1;
  if (!table.weighted) return table;
  const compile::ShareGroup group = {.percent = 100, .weights = weights};
  const auto columns = compile::alias_table(compile::share_units(std::span(&group, 1)));
  for (size_t i = 0; i < columns.size(); ++i) {
    table.slots[i].threshold = columns[i].threshold;
    table.slots[i].other = columns[i].other;
  }
  return table;
}

inline compile::ServiceTable service_table(std::string name,
                                           const std::vector<std::string>& addresses,
                                           std::vector<compile::PortTable> ports) {
  compile::ServiceTable table = {
      .name = std::move(name), .addresses = {}, .ports = std::move(ports)};
  for (const std::string& address : addresses) table.addresses.push_back(ip(address));
  std::ranges::sort(table.addresses);
  std::ranges::sort(table.ports);
  return table;
}

// Random tables that differ in everything that can: number of addresses, families, ports, tiers,
// weights, modes, names too long for one record. Addresses come from a small pool and belong to one
// service at a time.
class RandomTables {
 public:
  explicit RandomTables(uint32_t seed) : random_(seed) {}

  compile::Tables next() {
    compile::Tables tables;
    std::vector<int> pool(kAddresses);
    for (int i = 0; i < kAddresses; ++i) pool[static_cast<size_t>(i)] = i;
    std::ranges::shuffle(pool, random_);
    const int services = below(kServices + 1);
    for (int i = 0; i < services; ++i) {
      compile::ServiceTable service = next_service(i, pool);
      tables.services.emplace(service.name, std::move(service));
    }
    return tables;
  }

 private:
  static constexpr int kAddresses = 40;
  static constexpr int kServices = 12;

  int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

  compile::ServiceTable next_service(int index, std::vector<int>& pool) {
    std::string name = "ns/service-" + std::to_string(index);
    if (index % 4 == 3) name += std::string(300, 'x');
    std::vector<std::string> addresses;
    std::set<model::Family> families;
    for (int i = below(3); i >= 0 && !pool.empty(); --i) {
      const int number = pool.back();
      pool.pop_back();
      const bool ipv6 = number % 3 == 0;
      addresses.push_back((ipv6 ? "fd00:10:96::" : "10.96.0.") + std::to_string(number + 1));
      families.insert(ipv6 ? model::Family::kIpv6 : model::Family::kIpv4);
    }
    std::vector<compile::PortTable> ports;
    const int count = below(4);
    for (int i = 0; i < count; ++i) {
      for (const model::Family family : families) ports.push_back(next_port(80 + i, family));
    }
    compile::ServiceTable table = service_table(std::move(name), addresses, std::move(ports));
    // Made from what it owns anyway, so they are nobody else's.
    for (const model::IpAddress& address : table.addresses) {
      if (below(4) == 0) table.scoped.push_back(next_range(address));
      if (below(4) == 0) {
        table.scoped.push_back(
            {address, model::family_bits(address.family), model::Audience::kOwnNamespace});
      }
    }
    std::ranges::sort(table.scoped);
    return table;
  }

  // The last byte stays, which is what tells the addresses apart.
  model::OwnedAddress next_range(model::IpAddress address) {
    const uint8_t bytes = model::family_bits(address.family) / 8;
    std::swap(address.bytes[2], address.bytes[bytes - 1u]);
    const auto length = static_cast<uint8_t>(24 + below(model::family_bits(address.family) - 24));
    return {model::masked(address, length), length,
            below(2) == 0 ? model::Audience::kEveryone : model::Audience::kOwnNamespace};
  }

  compile::PortTable next_port(int port, model::Family family) {
    std::vector<EndpointSpec> endpoints;
    uint8_t tier = 0;
    for (int i = below(9); i > 0; --i) {
      const bool ipv6 = family == model::Family::kIpv6;
      endpoints.push_back(
          {.address = (ipv6 ? "fd00:10:244::" : "10.244.1.") + std::to_string(1 + below(200)),
           .port = static_cast<uint16_t>(1 + below(60000)),
           .weight = below(2) == 0 ? 1u : static_cast<uint32_t>(1 + below(4)),
           .tier = tier});
      if (below(4) == 0) ++tier;
    }
    compile::PortTable table = port_table(static_cast<uint16_t>(port), family, endpoints);
    table.mode = static_cast<policy::Mode>(below(6));
    table.on_empty = below(2) == 0 ? policy::OnEmpty::kRefuse : policy::OnEmpty::kPass;
    table.had_workload = below(2) == 0;
    if (table.mode == policy::Mode::kPassthrough && below(2) == 0) {
      table.pass = policy::Pass::kWaypoint;
    }
    if (below(3) == 0) {
      table.watch = {.refused_in_row = static_cast<uint32_t>(below(3)),
                     .timeouts_in_row = static_cast<uint32_t>(below(5)),
                     .suspicion_ms = static_cast<uint32_t>(below(100000)),
                     .most_suspects = static_cast<uint32_t>(below(4))};
    }
    if (below(2) == 0) add_algorithm(table);
    add_shares(table);
    return table;
  }

  // Small hash tables; shares as the weights are.
  void add_algorithm(compile::PortTable& table) {
    table.algorithm = policy::relevant(
        {.kind = static_cast<policy::Algorithm>(below(5)),
         .choice_count = static_cast<uint32_t>(2 + below(3)),
         .bias_permille = static_cast<uint32_t>(below(3)) * 500,
         .maglev_size = below(2) == 0 ? 17u : 251u,
         .ring_min = static_cast<uint32_t>(1 + below(100)),
         .ring_max = 100,
         .hash_input = below(2) == 0 ? policy::HashInput::kSourceIp : policy::HashInput::kRandom,
         .affinity_timeout_s = static_cast<uint32_t>(below(2)) * 60});
  }

  static void add_shares(compile::PortTable& table) {
    const bool plain = table.algorithm == policy::AlgorithmSpec{} && !table.watch;
    if (plain || table.mode == policy::Mode::kPassthrough) return;
    for (size_t i = 0; i < table.loaded; ++i) table.slots[i].share = table.slots[i].weight;
  }

  std::mt19937 random_;
};

}  // namespace vicinity::testing
