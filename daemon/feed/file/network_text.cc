#include "feed/file/network_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "model/ip_address.h"

namespace vicinity::feed {
namespace {

std::string wire_bytes(const model::IpAddress& ip) {
  const size_t size = model::family_bits(ip.family) / 8;
  return {reinterpret_cast<const char*>(ip.bytes.data()), size};
}

// `mapped`: the text was an IPv6 one for an IPv4 address, whose length counts 96 bits more.
absl::StatusOr<uint32_t> parse_length(std::string_view text, uint32_t bits, uint32_t mapped) {
  uint32_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool number = error == std::errc() && end == text.data() + text.size();
  if (!number || length < mapped || length > mapped + bits) {
    return base::invalid("\"{}\" is not a prefix length from {} to {}", text, mapped,
                         mapped + bits);
  }
  return length - mapped;
}

}  // namespace

absl::StatusOr<istio::workload::NetworkAddress> parse_network_address(std::string_view text) {
  istio::workload::NetworkAddress address;
  std::string_view rest = text;
  const std::string_view head = rest.substr(0, rest.find('/'));
  if (head.size() < rest.size() && !model::IpAddress::parse(head).ok()) {
    if (head.empty()) return base::invalid("\"{}\" has an empty network name", text);
    address.set_network(std::string(head));
    rest.remove_prefix(head.size() + 1);
  }
  const std::string_view literal = rest.substr(0, rest.find('/'));
  VIC_ASSIGN_OR_RETURN(const model::IpAddress ip, model::IpAddress::parse(literal));
  address.set_address(wire_bytes(ip));
  if (literal.size() == rest.size()) return address;
  const uint32_t bits = model::family_bits(ip.family);
  const bool mapped = bits == 32 && literal.find(':') != std::string_view::npos;
  VIC_ASSIGN_OR_RETURN(const uint32_t length,
                       parse_length(rest.substr(literal.size() + 1), bits, mapped ? 96 : 0));
  address.set_length(length);
  return address;
}

absl::StatusOr<std::string> parse_ip_bytes(std::string_view text) {
  VIC_ASSIGN_OR_RETURN(const model::IpAddress ip, model::IpAddress::parse(text));
  return wire_bytes(ip);
}

std::string network_address_text(const istio::workload::NetworkAddress& address) {
  std::string text = address.network();
  if (!text.empty()) text += '/';
  text += ip_bytes_text(address.address());
  if (!address.has_length()) return text;
  const auto* bytes = reinterpret_cast<const uint8_t*>(address.address().data());
  const auto ip = model::IpAddress::from_bytes(std::span(bytes, address.address().size()));
  const bool mapped =
      ip.ok() && ip->family == model::Family::kIpv4 && address.address().size() == 16;
  const uint32_t hidden = mapped ? 96 : 0;
  return text + fmt::format("/{}", static_cast<int64_t>(address.length()) - hidden);
}

std::string ip_bytes_text(std::string_view bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto ip = model::IpAddress::from_bytes(std::span(data, bytes.size()));
  if (ip.ok()) return ip->to_string();
  std::string hex = "?";
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return hex;
}

}  // namespace vicinity::feed
