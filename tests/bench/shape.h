// What all variants of the connect benchmark agree on: how many services and endpoints there are
// and which addresses they have. Values, any thread.
#pragma once

#include <array>
#include <cstdint>

#include "model/ip_address.h"

namespace vicinity::bench {

inline constexpr uint16_t kServicePort = 80;
inline constexpr uint16_t kEndpointPort = 8080;

struct Shape {
  uint32_t services = 1000;
  uint32_t endpoints = 50;  // of each service; all of them together at most 65,000
  [[nodiscard]] uint32_t all_endpoints() const { return services * endpoints; }
};

// 10.96.0.0/16 and fd00:10:96::/112.
[[nodiscard]] inline model::IpAddress service_address(model::Family family, uint32_t service) {
  const auto high = static_cast<uint8_t>((service + 1) >> 8);
  const auto low = static_cast<uint8_t>(service + 1);
  if (family == model::Family::kIpv4) return {family, {10, 96, high, low}};
  return {family, {0xfd, 0, 0, 0x10, 0, 0x96, 0, 0, 0, 0, 0, 0, 0, 0, high, low}};
}

// 10.244.0.0/16 and fd00:10:244::/112; `endpoint` counts over all services.
[[nodiscard]] inline model::IpAddress endpoint_address(model::Family family, uint32_t endpoint) {
  const auto high = static_cast<uint8_t>((endpoint + 1) >> 8);
  const auto low = static_cast<uint8_t>(endpoint + 1);
  if (family == model::Family::kIpv4) return {family, {10, 244, high, low}};
  return {family, {0xfd, 0, 0, 0x10, 0x02, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, high, low}};
}

}  // namespace vicinity::bench
