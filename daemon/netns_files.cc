#include "netns_files.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace vicinity {
namespace {

constexpr std::array<uint16_t, 2> kCapturingPorts = {15001, 15008};
constexpr std::string_view kListening = "0A";  // TCP_LISTEN

// The next line without its end; `text` goes on behind it.
std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// The next field of a line; empty at its end.
std::string_view take_field(std::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(begin);
  const size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(end);
  return field;
}

template <class Number>
std::optional<Number> hexadecimal(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_local_only(const model::IpAddress& ip) {
  if (ip.family == model::Family::kIpv4) {
    return ip.bytes[0] == 127 || (ip.bytes[0] == 169 && ip.bytes[1] == 254);
  }
  model::IpAddress loopback = {.family = model::Family::kIpv6, .bytes = {}};
  loopback.bytes[15] = 1;
  return ip == loopback || (ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80);
}

// A leaf is named on one line ("|-- 10.244.1.9") and described on the next ("/32 host LOCAL").
void add_ipv4(std::string_view fib_trie, std::vector<model::IpAddress>& addresses) {
  std::string_view leaf;
  while (!fib_trie.empty()) {
    std::string_view line = take_line(fib_trie);
    const std::string_view mark = take_field(line);
    if (mark == "|--") leaf = take_field(line);
    if (mark != "/32" || take_field(line) != "host" || take_field(line) != "LOCAL") continue;
    if (const auto ip = model::IpAddress::parse(leaf); ip.ok()) addresses.push_back(*ip);
  }
}

void add_ipv6(std::string_view if_inet6, std::vector<model::IpAddress>& addresses) {
  while (!if_inet6.empty()) {
    std::string_view line = take_line(if_inet6);
    const std::string_view digits = take_field(line);
    if (digits.size() != 32) continue;
    model::IpAddress ip = {.family = model::Family::kIpv6, .bytes = {}};
    for (size_t i = 0; i < ip.bytes.size(); ++i) {
      ip.bytes[i] = hexadecimal<uint8_t>(digits.substr(2 * i, 2)).value_or(0);
    }
    addresses.push_back(ip);
  }
}

bool is_capturing(std::string_view local) {
  const size_t colon = local.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = hexadecimal<uint16_t>(local.substr(colon + 1));
  return port && std::ranges::find(kCapturingPorts, *port) != kCapturingPorts.end();
}

}  // namespace

std::vector<model::IpAddress> own_addresses(std::string_view fib_trie, std::string_view if_inet6) {
  std::vector<model::IpAddress> addresses;
  add_ipv4(fib_trie, addresses);
  add_ipv6(if_inet6, addresses);
  std::erase_if(addresses, is_local_only);
  std::ranges::sort(addresses);
  const auto repeated = std::ranges::unique(addresses);
  addresses.erase(repeated.begin(), repeated.end());
  return addresses;
}

bool has_capturing_listener(std::string_view tcp) {
  (void)take_line(tcp);  // the heading
  while (!tcp.empty()) {
    std::string_view line = take_line(tcp);
    (void)take_field(line);  // number
    const std::string_view local = take_field(line);
    (void)take_field(line);  // remote
    if (take_field(line) == kListening && is_capturing(local)) return true;
  }
  return false;
}

}  // namespace vicinity
