#include "node_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace vicinity {
namespace {

constexpr std::string_view kIpvsInterface = "kube-ipvs0";

std::span<const uint8_t> bytes_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
    return {reinterpret_cast<const uint8_t*>(&ipv4.sin_addr), sizeof(ipv4.sin_addr)};
  }
  if (address.sa_family == AF_INET6) {
    return {reinterpret_cast<const sockaddr_in6&>(address).sin6_addr.s6_addr, sizeof(in6_addr)};
  }
  return {};
}

}  // namespace

absl::flat_hash_set<model::IpAddress> node_addresses() {
  absl::flat_hash_set<model::IpAddress> addresses;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return addresses;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, ::freeifaddrs);
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_name == kIpvsInterface) continue;
    const auto ip = model::IpAddress::from_bytes(bytes_of(*one->ifa_addr));
    if (ip.ok()) addresses.insert(*ip);
  }
  return addresses;
}

}  // namespace vicinity
