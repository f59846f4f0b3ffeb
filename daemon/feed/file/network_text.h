// Addresses as a mesh file writes them: `[network/]ip[/length]`. A leading IP literal is never a
// network name. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "proto/workload.pb.h"

namespace vicinity::feed {

[[nodiscard]] absl::StatusOr<istio::workload::NetworkAddress> parse_network_address(
    std::string_view text);
// The address alone, as the wire's 4 or 16 bytes.
[[nodiscard]] absl::StatusOr<std::string> parse_ip_bytes(std::string_view text);

[[nodiscard]] std::string network_address_text(const istio::workload::NetworkAddress& address);
// Bytes that are no address become "?HEX", which does not parse.
[[nodiscard]] std::string ip_bytes_text(std::string_view bytes);

}  // namespace vicinity::feed
