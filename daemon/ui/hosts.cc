#include "ui/hosts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <optional>

namespace vicinity::ui {
namespace {

constexpr std::string_view kLocalName = "localhost";

// "[::1]:80", "[::1]", "host:80" and "host" without port and brackets; nullopt: none of these.
std::optional<std::string> host_of(std::string_view header) {
  std::string_view host = header;
  std::string_view rest;
  if (header.starts_with('[')) {
    const size_t end = header.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = header.substr(1, end - 1);
    rest = header.substr(end + 1);
  } else if (const size_t colon = header.find(':'); colon != std::string_view::npos) {
    host = header.substr(0, colon);
    rest = header.substr(colon);
  }
  const bool port =
      rest.empty() ||
      (rest.starts_with(':') && rest.find_first_not_of("0123456789", 1) == std::string_view::npos);
  if (!port || host.empty()) return std::nullopt;
  return std::string(host);
}

bool is_literal(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

}  // namespace

bool is_loopback(std::string_view host) {
  const std::string text(host);
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  return host == "::1" || host == kLocalName;
}

bool is_our_host(std::string_view header, std::string_view listen) {
  const auto host = host_of(header);
  if (!host) return false;
  if (is_loopback(*host)) return true;
  if (is_loopback(listen)) return false;
  return is_literal(*host) || *host == listen;
}

}  // namespace vicinity::ui
