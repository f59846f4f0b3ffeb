// What all variants of the connect benchmark agree on: how many services and endpoints there are
// and which addresses they have. Values, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/ip_address.h"

namespace vicinity::bench {

inline constexpr uint16_t kServicePort = 80;
inline constexpr uint16_t kEndpointPort = 8080;

struct Shape {
  uint32_t services = 1000;
  uint32_t endpoints = 50;  // of each service, unless the first one is an exception
  uint32_t first = 0;       // of the first service, if not 0; the others share what is left
  [[nodiscard]] uint32_t all_endpoints() const { return services * endpoints; }
  // Which service an endpoint belongs to.
  [[nodiscard]] uint32_t service_of(uint32_t endpoint) const {
    if (first == 0) return endpoint / endpoints;
    return endpoint < first ? 0 : 1 + (endpoint - first) % (services - 1);
  }
};

struct Networks {
  std::string_view services;
  std::string_view endpoints;
};
[[nodiscard]] constexpr Networks networks_of(model::Family family) {
  if (family == model::Family::kIpv4) return {"10.96.0.0/16", "10.128.0.0/9"};
  return {"fd00:10:96::/112", "fd00:10:128::/104"};
}

// In the first of networks_of().
[[nodiscard]] inline model::IpAddress service_address(model::Family family, uint32_t service) {
  const auto high = static_cast<uint8_t>((service + 1) >> 8);
  const auto low = static_cast<uint8_t>(service + 1);
  if (family == model::Family::kIpv4) return {family, {10, 96, high, low}};
  return {family, {0xfd, 0, 0, 0x10, 0, 0x96, 0, 0, 0, 0, 0, 0, 0, 0, high, low}};
}

// In the second of networks_of(); `endpoint` counts over all services.
[[nodiscard]] inline model::IpAddress endpoint_address(model::Family family, uint32_t endpoint) {
  const auto top = static_cast<uint8_t>((endpoint + 1) >> 16);
  const auto high = static_cast<uint8_t>((endpoint + 1) >> 8);
  const auto low = static_cast<uint8_t>(endpoint + 1);
  if (family == model::Family::kIpv4) {
    return {family, {10, static_cast<uint8_t>(0x80 | top), high, low}};
  }
  return {family, {0xfd, 0, 0, 0x10, 0x01, 0x28, 0, 0, 0, 0, 0, 0, 0, top, high, low}};
}

}  // namespace vicinity::bench
