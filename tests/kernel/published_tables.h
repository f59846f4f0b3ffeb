// The services that kernel tests publish, and what their backends answer: the address that was
// reached, so an answer says which slot was chosen. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "contract/table_builder.h"

namespace vicinity::testing {

inline constexpr char kVip4[] = "10.96.0.10";
inline constexpr char kVip6[] = "fd00:10:96::10";
inline constexpr char kMappedVip[] = "::ffff:10.96.0.10";
inline constexpr char kBackend4[] = "10.244.1.11";
inline constexpr char kBackend6[] = "fd00:10:244:1::11";
inline constexpr uint16_t kFirstPort = 5001;
inline constexpr uint16_t kBackends = 16;

inline std::string answer_of(uint16_t backend, model::Family family) {
  const auto port = static_cast<uint16_t>(kFirstPort + backend);
  return model::endpoint_text(ip(family == model::Family::kIpv4 ? kBackend4 : kBackend6), port);
}

inline compile::PortTable backends_table(uint16_t port, model::Family family,
                                         const std::vector<uint16_t>& backends) {
  std::vector<EndpointSpec> endpoints;
  for (const uint16_t backend : backends) {
    endpoints.push_back({.address = family == model::Family::kIpv4 ? kBackend4 : kBackend6,
                         .port = static_cast<uint16_t>(kFirstPort + backend)});
  }
  return port_table(port, family, endpoints);
}

// A service on port 80 of its addresses, with the same backends for each family.
inline compile::ServiceTable backends_service(std::string name,
                                              const std::vector<std::string>& addresses,
                                              const std::vector<uint16_t>& backends) {
  std::vector<compile::PortTable> ports;
  for (const model::Family family : {model::Family::kIpv4, model::Family::kIpv6}) {
    const bool has_family = std::ranges::any_of(
        addresses, [&](const std::string& address) { return ip(address).family == family; });
    if (has_family) ports.push_back(backends_table(80, family, backends));
  }
  return service_table(std::move(name), addresses, std::move(ports));
}

// One half of the backends and the other in turn.
inline std::vector<uint16_t> churned_backends(uint32_t round) {
  std::vector<uint16_t> backends;
  for (uint16_t i = 0; i < kBackends / 2; ++i) {
    backends.push_back(static_cast<uint16_t>(i + (round % 2) * (kBackends / 2)));
  }
  return backends;
}

}  // namespace vicinity::testing
