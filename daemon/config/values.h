// Parsers for the values of flags: text to a typed value, or what is wrong with it. Pure.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.h"

namespace vicinity::config {

// "5s", "10m", "1h30m", "0"; not negative, not infinite.
[[nodiscard]] absl::StatusOr<absl::Duration> parse_duration(std::string_view text);
// As parse_duration, but not zero.
[[nodiscard]] absl::StatusOr<absl::Duration> parse_positive_duration(std::string_view text);
// "HOST:PORT", "[IPV6]:PORT"; the port is 1 to 65535.
[[nodiscard]] absl::StatusOr<HostPort> parse_host_port(std::string_view text);
// "region", "region/zone" or "region/zone/subzone".
[[nodiscard]] absl::StatusOr<LocalityOverride> parse_locality(std::string_view text);
// "xds" or "file:PATH".
[[nodiscard]] absl::StatusOr<FeedChoice> parse_feed(std::string_view text);
// A whole number of at least one.
[[nodiscard]] absl::StatusOr<uint32_t> parse_count(std::string_view text);
// 1 to 2147483647, with an optional Ki, Mi or Gi.
[[nodiscard]] absl::StatusOr<uint64_t> parse_bytes(std::string_view text);
// 0 to 100.
[[nodiscard]] absl::StatusOr<uint32_t> parse_percent(std::string_view text);
// "cluster", "region", "zone" or "label:KEY"; the label that says it.
[[nodiscard]] absl::StatusOr<std::string> parse_kuma_zone(std::string_view text);
// "exact" or "compat"; true = compat.
[[nodiscard]] absl::StatusOr<bool> parse_kuma_threshold(std::string_view text);
// "true" or "false", and "on" or "off".
[[nodiscard]] absl::StatusOr<bool> parse_switch(std::string_view text);
[[nodiscard]] absl::StatusOr<bool> parse_on_off(std::string_view text);
[[nodiscard]] absl::StatusOr<std::string> parse_text(std::string_view text);
[[nodiscard]] absl::StatusOr<std::string> parse_nonempty(std::string_view text);
[[nodiscard]] absl::StatusOr<std::string> parse_absolute_path(std::string_view text);
// Looks like an address; the xDS client, which sends it, parses it.
[[nodiscard]] absl::StatusOr<std::string> parse_ip_text(std::string_view text);

}  // namespace vicinity::config
