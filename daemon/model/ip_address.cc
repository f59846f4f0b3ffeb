#include "model/ip_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/status.h"

namespace vicinity::model {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

IpAddress from_ipv6(std::span<const uint8_t, 16> bytes) {
  IpAddress ip;
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
    std::copy(bytes.begin() + 12, bytes.end(), ip.bytes.begin());
    return ip;
  }
  ip.family = Family::kIpv6;
  std::copy(bytes.begin(), bytes.end(), ip.bytes.begin());
  return ip;
}

}  // namespace

std::string_view family_name(Family family) { return family == Family::kIpv4 ? "ipv4" : "ipv6"; }

absl::StatusOr<IpAddress> IpAddress::from_bytes(std::span<const uint8_t> bytes) {
  if (bytes.size() == 16) return from_ipv6(bytes.first<16>());
  if (bytes.size() != 4) {
    return base::invalid("IP address of {} bytes: must be 4 or 16", bytes.size());
  }
  IpAddress ip;
  std::copy(bytes.begin(), bytes.end(), ip.bytes.begin());
  return ip;
}

absl::StatusOr<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  std::array<uint8_t, 16> bytes{};
  // An embedded zero would end the C string early.
  const bool whole = text.find('\0') == std::string_view::npos;
  if (whole && inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) {
    return from_bytes(std::span(bytes).first<4>());
  }
  if (whole && inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) {
    return from_ipv6(bytes);
  }
  return base::invalid("\"{}\" is not an IP address", text);
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family_number = family == Family::kIpv4 ? AF_INET : AF_INET6;
  inet_ntop(family_number, bytes.data(), text.data(), text.size());
  return text.data();
}

std::string endpoint_text(const IpAddress& ip, uint16_t port) {
  if (ip.family == Family::kIpv4) return fmt::format("{}:{}", ip.to_string(), port);
  return fmt::format("[{}]:{}", ip.to_string(), port);
}

IpAddress masked(IpAddress ip, uint8_t length) {
  for (unsigned bit = length; bit < family_bits(ip.family); ++bit) {
    ip.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80u >> bit % 8));
  }
  return ip;
}

std::string prefix_text(const IpAddress& ip, uint8_t length) {
  if (length == family_bits(ip.family)) return ip.to_string();
  return fmt::format("{}/{}", ip.to_string(), length);
}

bool same_prefix(const IpAddress& left, const IpAddress& right, uint8_t length) {
  const size_t whole = length / 8;
  if (!std::equal(left.bytes.begin(), left.bytes.begin() + whole, right.bytes.begin())) {
    return false;
  }
  const int rest = length % 8;
  if (rest == 0) return true;
  const int mask = 0xff << (8 - rest);
  return ((left.bytes[whole] ^ right.bytes[whole]) & mask) == 0;
}

}  // namespace vicinity::model
