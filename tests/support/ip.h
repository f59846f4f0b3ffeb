// IP addresses and prefixes as the test hosts use them: parsed from text, handed to the kernel as
// bytes. Values; any thread.
#pragma once

#include <absl/status/statusor.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vicinity::testing {

struct Ip {
  int family = AF_INET;  // AF_INET or AF_INET6; a v4-mapped address is AF_INET6
  std::array<std::uint8_t, 16> bytes{};

  friend bool operator==(const Ip&, const Ip&) = default;
  [[nodiscard]] std::size_t size() const { return family == AF_INET ? 4 : 16; }
  [[nodiscard]] std::span<const std::uint8_t> data() const { return {bytes.data(), size()}; }
  [[nodiscard]] std::string text() const;
};

struct IpPrefix {
  Ip address;
  int length = 32;
};

// A socket address of either family, with its length.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  [[nodiscard]] const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);  // NOLINT: sockets' own type punning
  }
  [[nodiscard]] sockaddr* get() {
    return reinterpret_cast<sockaddr*>(&storage);  // NOLINT
  }
  // "10.0.0.1:80", "[fd00::1]:80"; empty when nothing was filled in.
  [[nodiscard]] std::string text() const;
};

[[nodiscard]] absl::StatusOr<Ip> parse_ip(std::string_view text);
// "10.96.0.0/16"; without a length: the address alone (/32, /128).
[[nodiscard]] absl::StatusOr<IpPrefix> parse_prefix(std::string_view text);
[[nodiscard]] SocketAddress socket_address(const Ip& ip, std::uint16_t port);

}  // namespace vicinity::testing
