#include "bench/far_host.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "base/status.h"
#include "bench/shape.h"
#include "support/netlink.h"

namespace vicinity::bench {
namespace {

constexpr const char* kDevice = "far";

struct Segment {
  iphdr ip;
  tcphdr tcp;
};

uint32_t sum_of(std::span<const std::byte> bytes, uint32_t sum) {
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    uint16_t word = 0;
    std::memcpy(&word, &bytes[i], sizeof(word));
    sum += word;
  }
  return sum;
}

uint16_t checksum(uint32_t sum) {
  while (sum > UINT16_MAX) sum = (sum & UINT16_MAX) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// The answer to a SYN, from whomever it was sent to.
Segment syn_ack(const Segment& syn) {
  Segment answer = {};
  answer.ip.version = 4;
  answer.ip.ihl = sizeof(iphdr) / 4;
  answer.ip.tot_len = htons(sizeof(Segment));
  answer.ip.ttl = 64;
  answer.ip.protocol = IPPROTO_TCP;
  answer.ip.saddr = syn.ip.daddr;
  answer.ip.daddr = syn.ip.saddr;
  answer.ip.check = checksum(sum_of(std::as_bytes(std::span(&answer.ip, 1)), 0));
  answer.tcp.source = syn.tcp.dest;
  answer.tcp.dest = syn.tcp.source;
  answer.tcp.seq = htonl(1);
  answer.tcp.ack_seq = htonl(ntohl(syn.tcp.seq) + 1);
  answer.tcp.doff = sizeof(tcphdr) / 4;
  answer.tcp.syn = 1;
  answer.tcp.ack = 1;
  answer.tcp.window = htons(UINT16_MAX);
  const std::array<uint32_t, 2> addresses = {answer.ip.saddr, answer.ip.daddr};
  uint32_t sum = htons(IPPROTO_TCP) + htons(sizeof(tcphdr));
  sum = sum_of(std::as_bytes(std::span(addresses)), sum);
  answer.tcp.check = checksum(sum_of(std::as_bytes(std::span(&answer.tcp, 1)), sum));
  return answer;
}

bool is_syn(const Segment& segment) {
  return segment.ip.version == 4 && segment.ip.protocol == IPPROTO_TCP && segment.tcp.syn != 0 &&
         segment.tcp.ack == 0;
}

absl::StatusOr<base::UniqueFd> open_device(const testing::Netns& netns) {
  return testing::run_in(netns, []() -> absl::StatusOr<base::UniqueFd> {
    base::UniqueFd device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    ifreq request = {};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::strncpy(request.ifr_name, kDevice, sizeof(request.ifr_name) - 1);
    if (!device.valid() || ::ioctl(device.get(), TUNSETIFF, &request) != 0) {
      return base::errno_status("make a tun device");
    }
    return device;
  });
}

absl::Status route_to(const testing::Netns& netns) {
  VIC_ASSIGN_OR_RETURN(testing::Netlink link, testing::Netlink::open(netns));
  VIC_ASSIGN_OR_RETURN(const int device, link.index_of(kDevice));
  VIC_RETURN_IF_ERROR(link.set_up(device));
  VIC_ASSIGN_OR_RETURN(const testing::IpPrefix own, testing::parse_prefix("10.97.0.1"));
  VIC_RETURN_IF_ERROR(link.add_address(device, own));
  VIC_ASSIGN_OR_RETURN(const testing::IpPrefix all,
                       testing::parse_prefix(networks_of(model::Family::kIpv4).endpoints));
  return link.add_route({.to = all, .device = device});
}

}  // namespace

absl::StatusOr<std::unique_ptr<FarHost>> FarHost::start() {
  VIC_ASSIGN_OR_RETURN(testing::Netns netns, testing::Netns::create());
  VIC_ASSIGN_OR_RETURN(base::UniqueFd device, open_device(netns));
  VIC_RETURN_IF_ERROR(route_to(netns));
  base::UniqueFd end(::eventfd(0, EFD_CLOEXEC));
  if (!end.valid()) return base::errno_status("eventfd");
  return std::unique_ptr<FarHost>(new FarHost(std::move(netns), std::move(device), std::move(end)));
}

FarHost::FarHost(testing::Netns netns, base::UniqueFd device, base::UniqueFd end)
    : netns_(std::move(netns)),
      device_(std::move(device)),
      end_(std::move(end)),
      thread_([this] { answer(); }) {}

FarHost::~FarHost() {
  (void)::eventfd_write(end_.get(), 1);
  thread_.join();
}

void FarHost::answer() {
  std::array<pollfd, 2> waiting = {{{.fd = device_.get(), .events = POLLIN, .revents = 0},
                                    {.fd = end_.get(), .events = POLLIN, .revents = 0}}};
  while (::poll(waiting.data(), waiting.size(), -1) >= 0 && waiting[1].revents == 0) {
    std::array<std::byte, 2048> packet{};
    const ssize_t size = ::read(device_.get(), packet.data(), packet.size());
    if (size < static_cast<ssize_t>(sizeof(Segment))) continue;
    Segment segment;
    std::memcpy(&segment, packet.data(), sizeof(segment));
    if (!is_syn(segment)) continue;
    const Segment reply = syn_ack(segment);
    (void)::write(device_.get(), &reply, sizeof(reply));
  }
}

}  // namespace vicinity::bench
