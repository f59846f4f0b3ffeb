#include "support/netlink.h"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>
#include <vector>

#include "base/status.h"

namespace vicinity::testing {
namespace {

using Bytes = std::span<const std::uint8_t>;

template <class T>
T read_as(Bytes bytes) {
  T value{};
  if (bytes.size() >= sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// The payload of the first attribute of this type; empty when there is none.
Bytes find_attribute(Bytes attributes, std::uint16_t type) {
  while (attributes.size() >= sizeof(rtattr)) {
    const auto head = read_as<rtattr>(attributes);
    if (head.rta_len < sizeof(rtattr) || head.rta_len > attributes.size()) return {};
    if ((head.rta_type & NLA_TYPE_MASK) == type) {
      return attributes.subspan(sizeof(rtattr), head.rta_len - sizeof(rtattr));
    }
    attributes =
        attributes.subspan(std::min<std::size_t>(RTA_ALIGN(head.rta_len), attributes.size()));
  }
  return {};
}

ifinfomsg link_header(int index) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = index;
  return header;
}

ifinfomsg link_up_header(int index) {
  ifinfomsg header = link_header(index);
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  return header;
}

// Without it each interface makes itself a link-local address and runs detection for it.
void put_no_link_local(NetlinkMessage& message) {
  const std::size_t families = message.open_nest(IFLA_AF_SPEC);
  const std::size_t inet6 = message.open_nest(AF_INET6);
  message.put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  message.close_nest(inet6);
  message.close_nest(families);
}

}  // namespace

absl::StatusOr<Netlink> Netlink::open(const Netns& netns) {
  base::UniqueFd fd = run_in(netns, [] {
    return base::UniqueFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  });
  if (!fd.valid()) return base::errno_status("netlink: socket");
  return Netlink(std::move(fd));
}

absl::StatusOr<std::vector<std::uint8_t>> Netlink::exchange(NetlinkMessage message,
                                                            std::string_view what) {
  const Bytes request = message.finish(++sequence_);
  if (::send(fd_.get(), request.data(), request.size(), 0) < 0) {
    return base::errno_status(fmt::format("netlink: {}: send", what));
  }
  std::vector<std::uint8_t> answer(32768);
  for (;;) {
    const ssize_t size = recv(fd_.get(), answer.data(), answer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return base::errno_status(fmt::format("netlink: {}: receive", what));
    const Bytes received(answer.data(), static_cast<std::size_t>(size));
    const auto header = read_as<nlmsghdr>(received);
    if (header.nlmsg_seq != sequence_) continue;
    if (header.nlmsg_type == NLMSG_ERROR) {
      const auto error = read_as<nlmsgerr>(received.subspan(NLMSG_HDRLEN));
      if (error.error != 0)
        return base::errno_status(fmt::format("netlink: {}", what), -error.error);
    }
    answer.resize(static_cast<std::size_t>(size));
    return answer;
  }
}

absl::Status Netlink::send(NetlinkMessage message, std::string_view what) {
  return exchange(std::move(message), what).status();
}

absl::StatusOr<int> Netlink::index_of(std::string_view name) {
  NetlinkMessage message(RTM_GETLINK, 0, link_header(0));
  message.put_text(IFLA_IFNAME, name);
  VIC_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> answer,
                       exchange(std::move(message), fmt::format("get link {}", name)));
  return read_as<ifinfomsg>(Bytes(answer).subspan(NLMSG_HDRLEN)).ifi_index;
}

absl::StatusOr<int> Netlink::add_bridge(std::string_view name) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, link_header(0));
  message.put_text(IFLA_IFNAME, name);
  const std::size_t info = message.open_nest(IFLA_LINKINFO);
  message.put_text(IFLA_INFO_KIND, "bridge");
  message.close_nest(info);
  VIC_RETURN_IF_ERROR(send(std::move(message), fmt::format("add bridge {}", name)));
  VIC_ASSIGN_OR_RETURN(const int index, index_of(name));
  VIC_RETURN_IF_ERROR(set_up(index));
  return index;
}

absl::Status Netlink::add_veth(const VethSpec& spec) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, link_header(0));
  message.put_text(IFLA_IFNAME, spec.name);
  message.put_u32(IFLA_MASTER, static_cast<std::uint32_t>(spec.bridge));
  const std::size_t info = message.open_nest(IFLA_LINKINFO);
  message.put_text(IFLA_INFO_KIND, "veth");
  const std::size_t data = message.open_nest(IFLA_INFO_DATA);
  const std::size_t peer = message.open_nest(VETH_INFO_PEER);
  message.append(link_header(0));
  message.put_text(IFLA_IFNAME, spec.peer_name);
  message.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(spec.peer_netns->fd()));
  message.close_nest(peer);
  message.close_nest(data);
  message.close_nest(info);
  return send(std::move(message), fmt::format("add veth {}", spec.name));
}

absl::Status Netlink::remove(int index) {
  return send(NetlinkMessage(RTM_DELLINK, 0, link_header(index)),
              fmt::format("remove link {}", index));
}

absl::Status Netlink::set_up(int index) {
  NetlinkMessage message(RTM_NEWLINK, 0, link_up_header(index));
  put_no_link_local(message);
  return send(std::move(message), fmt::format("set link {} up", index));
}

absl::Status Netlink::add_address(int index, const IpPrefix& prefix) {
  ifaddrmsg header{};
  header.ifa_family = static_cast<unsigned char>(prefix.address.family);
  header.ifa_prefixlen = static_cast<unsigned char>(prefix.length);
  header.ifa_flags = prefix.address.family == AF_INET6 ? IFA_F_NODAD : 0;
  header.ifa_index = static_cast<unsigned>(index);
  NetlinkMessage message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, header);
  message.put(IFA_LOCAL, prefix.address.data());
  message.put(IFA_ADDRESS, prefix.address.data());
  return send(std::move(message), fmt::format("add address {}", prefix.address.text()));
}

absl::Status Netlink::add_route(const RouteSpec& spec) {
  rtmsg header{};
  header.rtm_family = static_cast<unsigned char>(spec.to.address.family);
  header.rtm_dst_len = static_cast<unsigned char>(spec.to.length);
  header.rtm_table = spec.type == RTN_LOCAL ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_type = spec.type;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  if (spec.type == RTN_LOCAL) header.rtm_scope = RT_SCOPE_HOST;
  if (spec.type == RTN_UNICAST && !spec.via) header.rtm_scope = RT_SCOPE_LINK;
  if (spec.via) header.rtm_flags = RTNH_F_ONLINK;
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, header);
  message.put(RTA_DST, spec.to.address.data());
  message.put_u32(RTA_OIF, static_cast<std::uint32_t>(spec.device));
  if (spec.via) message.put(RTA_GATEWAY, spec.via->data());
  return send(std::move(message),
              fmt::format("add route to {}/{}", spec.to.address.text(), spec.to.length));
}

absl::Status Netlink::forget_neighbour(int index, const Ip& ip) {
  ndmsg header{};
  header.ndm_family = static_cast<unsigned char>(ip.family);
  header.ndm_ifindex = index;
  NetlinkMessage message(RTM_DELNEIGH, 0, header);
  message.put(NDA_DST, ip.data());
  const absl::Status status =
      send(std::move(message), fmt::format("forget neighbour {}", ip.text()));
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::StatusOr<bool> Netlink::forwards(int port) {
  NetlinkMessage message(RTM_GETLINK, 0, link_header(port));
  VIC_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> answer,
                       exchange(std::move(message), fmt::format("get link {}", port)));
  const Bytes body(answer);
  if (body.size() < NLMSG_HDRLEN + sizeof(ifinfomsg)) return false;
  const Bytes attributes = body.subspan(NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(ifinfomsg)));
  const Bytes info = find_attribute(attributes, IFLA_LINKINFO);
  const Bytes slave = find_attribute(info, IFLA_INFO_SLAVE_DATA);
  const Bytes state = find_attribute(slave, IFLA_BRPORT_STATE);
  const Bytes operational = find_attribute(attributes, IFLA_OPERSTATE);
  return !state.empty() && state[0] == BR_STATE_FORWARDING && !operational.empty() &&
         operational[0] == IF_OPER_UP;
}

}  // namespace vicinity::testing
