#include "support/ip.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/status.h"

namespace vicinity::testing {

std::string Ip::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(family, bytes.data(), buffer, sizeof(buffer));
  return buffer;
}

std::string SocketAddress::text() const {
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof(in));
    Ip ip;
    std::memcpy(ip.bytes.data(), &in.sin_addr, 4);
    return fmt::format("{}:{}", ip.text(), ntohs(in.sin_port));
  }
  if (storage.ss_family != AF_INET6) return "";
  sockaddr_in6 in{};
  std::memcpy(&in, &storage, sizeof(in));
  Ip ip{.family = AF_INET6};
  std::memcpy(ip.bytes.data(), &in.sin6_addr, 16);
  return fmt::format("[{}]:{}", ip.text(), ntohs(in.sin6_port));
}

absl::StatusOr<Ip> parse_ip(std::string_view text) {
  const std::string copy(text);
  Ip ip;
  ip.family = text.find(':') == std::string_view::npos ? AF_INET : AF_INET6;
  if (inet_pton(ip.family, copy.c_str(), ip.bytes.data()) != 1) {
    return base::invalid("address '{}': not an IP address", text);
  }
  return ip;
}

absl::StatusOr<IpPrefix> parse_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  VIC_ASSIGN_OR_RETURN(const Ip ip, parse_ip(text.substr(0, slash)));
  IpPrefix prefix{.address = ip, .length = static_cast<int>(ip.size() * 8)};
  if (slash == std::string_view::npos) return prefix;
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), prefix.length);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  if (!whole || prefix.length < 0 || prefix.length > static_cast<int>(ip.size() * 8)) {
    return base::invalid("prefix '{}': bad length", text);
  }
  return prefix;
}

SocketAddress socket_address(const Ip& ip, std::uint16_t port) {
  SocketAddress result;
  if (ip.family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.bytes.data(), 4);
    std::memcpy(&result.storage, &in, sizeof(in));
    result.length = sizeof(in);
    return result;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  std::memcpy(&in.sin6_addr, ip.bytes.data(), 16);
  std::memcpy(&result.storage, &in, sizeof(in));
  result.length = sizeof(in);
  return result;
}

}  // namespace vicinity::testing
