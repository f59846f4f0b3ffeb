// The few rtnetlink requests that make a world: links, addresses, routes. A Netlink belongs to one
// network namespace whatever thread uses it. Not thread-safe. No `ip` program needed.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "support/ip.h"
#include "support/netlink_message.h"
#include "support/netns.h"

namespace vicinity::testing {

struct VethSpec {
  std::string name;       // the end in this namespace, port of `bridge`, set up
  int bridge = 0;         // interface index
  std::string peer_name;  // the end in `peer_netns`
  const Netns* peer_netns = nullptr;
};

struct RouteSpec {
  IpPrefix to;
  int device = 0;                    // interface index
  std::optional<Ip> via = {};        // a gateway, taken to be on the link
  unsigned char type = RTN_UNICAST;  // RTN_LOCAL: every address of `to` is ours (AnyIP)
};

class Netlink {
 public:
  [[nodiscard]] static absl::StatusOr<Netlink> open(const Netns& netns);

  [[nodiscard]] absl::StatusOr<int> index_of(std::string_view name);
  [[nodiscard]] absl::StatusOr<int> add_bridge(std::string_view name);
  [[nodiscard]] absl::Status add_veth(const VethSpec& spec);
  // Both ends of a veth go.
  [[nodiscard]] absl::Status remove(int index);
  // Up, and without link-local addresses: those would go through duplicate detection.
  [[nodiscard]] absl::Status set_up(int index);
  // Usable at once: no duplicate address detection.
  [[nodiscard]] absl::Status add_address(int index, const IpPrefix& prefix);
  [[nodiscard]] absl::Status add_route(const RouteSpec& spec);
  // Drops what was learned about a neighbour; ok when there was nothing.
  [[nodiscard]] absl::Status forget_neighbour(int index, const Ip& ip);
  // Does the bridge pass on what comes through this port? False for some milliseconds after set-up.
  [[nodiscard]] absl::StatusOr<bool> forwards(int port);

 private:
  explicit Netlink(base::UniqueFd fd) : fd_(std::move(fd)) {}
  // Sends and waits for the answer: the acknowledgement, or the first message for a "get".
  [[nodiscard]] absl::StatusOr<std::vector<std::uint8_t>> exchange(NetlinkMessage message,
                                                                   std::string_view what);
  [[nodiscard]] absl::Status send(NetlinkMessage message, std::string_view what);

  base::UniqueFd fd_;
  std::uint32_t sequence_ = 0;
};

}  // namespace vicinity::testing
