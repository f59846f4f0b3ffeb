// IP addresses and prefixes as values. Pure.
#pragma once

#include <absl/status/statusor.h>
#include <endian.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace vicinity::model {

enum class Family : uint8_t { kIpv4 = 0, kIpv6 = 1 };  // = enum vic_family

[[nodiscard]] std::string_view family_name(Family family);  // "ipv4", "ipv6"
[[nodiscard]] constexpr uint8_t family_bits(Family family) {
  return family == Family::kIpv4 ? 32 : 128;
}

// Bytes in network order; IPv4 uses the first four, the others are zero.
struct IpAddress {
  Family family = Family::kIpv4;
  std::array<uint8_t, 16> bytes{};

  bool operator==(const IpAddress&) const = default;
  // By family, then byte by byte; a word at a time, as every list of endpoints is sorted by it.
  friend std::strong_ordering operator<=>(const IpAddress& left, const IpAddress& right) {
    if (const auto order = left.family <=> right.family; order != 0) return order;
    if (const auto order = left.word(0) <=> right.word(0); order != 0) return order;
    return left.word(1) <=> right.word(1);
  }
  template <class H>
  friend H AbslHashValue(H state, const IpAddress& ip) {
    return H::combine(std::move(state), ip.family, ip.bytes);
  }

  // 4 or 16 bytes; any other length is an error. A v4-mapped IPv6 address becomes IPv4.
  static absl::StatusOr<IpAddress> from_bytes(std::span<const uint8_t> bytes);
  // Dotted quad or RFC 4291 text. A v4-mapped IPv6 address becomes IPv4.
  static absl::StatusOr<IpAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

 private:
  // Eight of the bytes as a number in host order.
  [[nodiscard]] uint64_t word(size_t index) const {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + index * sizeof(word), sizeof(word));
    return be64toh(word);
  }
};

// "10.0.0.1:80", "[fd00::1]:80".
[[nodiscard]] std::string endpoint_text(const IpAddress& ip, uint16_t port);
// The first `length` bits, the others 0. REQUIRES: length <= family_bits.
[[nodiscard]] IpAddress masked(IpAddress ip, uint8_t length);
// "10.0.0.0/8"; without the length for a host.
[[nodiscard]] std::string prefix_text(const IpAddress& ip, uint8_t length);
// True when the first `length` bits are equal. REQUIRES: same family, length <= family_bits.
[[nodiscard]] bool same_prefix(const IpAddress& left, const IpAddress& right, uint8_t length);

}  // namespace vicinity::model
