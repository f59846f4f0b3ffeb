#include "config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "base/status.h"
#include "base/strings.h"

namespace vicinity::config {
namespace {

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

uint64_t unit_factor(std::string_view unit) {
  if (unit.empty()) return 1;
  if (unit == "Ki") return uint64_t{1} << 10;
  if (unit == "Mi") return uint64_t{1} << 20;
  if (unit == "Gi") return uint64_t{1} << 30;
  return 0;
}

}  // namespace

std::string to_string(const HostPort& address) {
  if (address.host.find(':') != std::string::npos) {
    return fmt::format("[{}]:{}", address.host, address.port);
  }
  return fmt::format("{}:{}", address.host, address.port);
}

absl::StatusOr<absl::Duration> parse_duration(std::string_view text) {
  absl::Duration value;
  if (!absl::ParseDuration(base::absl_view(text), &value)) {
    return base::invalid("'{}' is not a duration (examples: 500ms, 5s, 10m, 1h30m, 0)", text);
  }
  if (value < absl::ZeroDuration()) return base::invalid("'{}' is negative", text);
  if (value == absl::InfiniteDuration()) return base::invalid("'{}' is not finite", text);
  return value;
}

absl::StatusOr<absl::Duration> parse_positive_duration(std::string_view text) {
  auto value = parse_duration(text);
  if (value.ok() && *value == absl::ZeroDuration()) return base::invalid("must be above zero");
  return value;
}

absl::StatusOr<HostPort> parse_host_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return base::invalid("'{}' is not HOST:PORT", text);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) {
    return base::invalid("'{}': write an IPv6 address in brackets, [ADDRESS]:PORT", text);
  }
  if (host.empty() || host.find_first_of("[]/ ") != std::string_view::npos) {
    return base::invalid("'{}' is not HOST:PORT", text);
  }
  const auto port = whole_number<uint16_t>(text.substr(colon + 1));
  if (!port || *port == 0) return base::invalid("'{}': the port must be 1 to 65535", text);
  return HostPort{.host = std::string(host), .port = *port};
}

absl::StatusOr<LocalityOverride> parse_locality(std::string_view text) {
  std::vector<std::string> parts = split(text, '/');
  const bool holes =
      std::any_of(parts.begin(), parts.end(), [](const auto& p) { return p.empty(); });
  if (parts.size() > 3 || holes) {
    return base::invalid("'{}' is not REGION[/ZONE[/SUBZONE]]", text);
  }
  parts.resize(3);
  return LocalityOverride{.region = parts[0], .zone = parts[1], .subzone = parts[2]};
}

absl::StatusOr<FeedChoice> parse_feed(std::string_view text) {
  if (text == "xds") return FeedChoice{.kind = FeedKind::kXds, .path = {}};
  constexpr std::string_view kPrefix = "file:";
  if (text.starts_with(kPrefix) && text.size() > kPrefix.size()) {
    return FeedChoice{.kind = FeedKind::kFile, .path = std::string(text.substr(kPrefix.size()))};
  }
  return base::invalid("'{}' is neither 'xds' nor 'file:PATH'", text);
}

absl::StatusOr<uint32_t> parse_count(std::string_view text) {
  const auto value = whole_number<uint32_t>(text);
  if (!value || *value == 0) return base::invalid("'{}' is not a whole number above zero", text);
  return *value;
}

absl::StatusOr<uint64_t> parse_bytes(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto value = whole_number<uint64_t>(text.substr(0, digits));
  const uint64_t factor = unit_factor(text.substr(digits));
  if (!value || *value == 0 || factor == 0) {
    return base::invalid("'{}' is not a size in bytes (examples: 4194304, 512Mi, 1Gi)", text);
  }
  // gRPC takes the limit as an int.
  if (*value > uint64_t{INT32_MAX} / factor) {
    return base::invalid("'{}' is too large (at most {})", text, INT32_MAX);
  }
  return *value * factor;
}

absl::StatusOr<uint32_t> parse_percent(std::string_view text) {
  const auto value = whole_number<uint32_t>(text);
  if (!value || *value > 100)
    return base::invalid("'{}' is not a whole number from 0 to 100", text);
  return *value;
}

absl::StatusOr<std::string> parse_kuma_zone(std::string_view text) {
  constexpr std::string_view kLabel = "label:";
  if (text == "cluster") return "topology.istio.io/cluster";
  if (text == "region") return "topology.kubernetes.io/region";
  if (text == "zone") return "topology.kubernetes.io/zone";
  if (text.starts_with(kLabel) && text.size() > kLabel.size()) {
    return std::string(text.substr(kLabel.size()));
  }
  return base::invalid("'{}' is not cluster, region, zone or label:KEY", text);
}

absl::StatusOr<bool> parse_kuma_threshold(std::string_view text) {
  if (text == "exact") return false;
  if (text == "compat") return true;
  return base::invalid("'{}' is neither exact nor compat", text);
}

absl::StatusOr<bool> parse_switch(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return base::invalid("'{}' is neither 'true' nor 'false'", text);
}

absl::StatusOr<bool> parse_on_off(std::string_view text) {
  if (text == "on" || text == "true") return true;  // YAML 1.1 writers turn on into true
  if (text == "off" || text == "false") return false;
  return base::invalid("'{}' is neither 'on' nor 'off'", text);
}

absl::StatusOr<std::string> parse_text(std::string_view text) { return std::string(text); }

absl::StatusOr<std::string> parse_nonempty(std::string_view text) {
  if (text.empty()) return base::invalid("must not be empty");
  return std::string(text);
}

absl::StatusOr<std::string> parse_absolute_path(std::string_view text) {
  if (!text.starts_with('/')) return base::invalid("'{}' is not an absolute path", text);
  return std::string(text);
}

absl::StatusOr<std::string> parse_ip_text(std::string_view text) {
  const bool shape = text.find_first_of(".:") != std::string_view::npos &&
                     text.find_first_not_of("0123456789abcdefABCDEF.:") == std::string_view::npos;
  if (!shape) return base::invalid("'{}' is not an IP address", text);
  return std::string(text);
}

}  // namespace vicinity::config
