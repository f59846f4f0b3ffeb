#include "support/pod.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "support/program.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

constexpr char kDevice[] = "eth0";

std::string flag_of(ServeProtocol protocol) {
  switch (protocol) {
    case ServeProtocol::kHttp:
      return "--http";
    case ServeProtocol::kBanner:
      return "--banner";
    case ServeProtocol::kUdp:
      return "--udp";
  }
  return "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Pod>> Pod::create(const PodSpec& spec, const Cgroup& node) {
  VIC_ASSIGN_OR_RETURN(Netns netns, Netns::create());
  VIC_ASSIGN_OR_RETURN(Netlink link, Netlink::open(netns));
  VIC_ASSIGN_OR_RETURN(Cgroup cgroup, node.create_child(spec.name));
  std::unique_ptr<Pod> pod(new Pod(spec, std::move(netns), std::move(cgroup), std::move(link)));
  for (const std::string& text : spec.addresses) {
    VIC_ASSIGN_OR_RETURN(const Ip ip, parse_ip(text));
    pod->addresses_.push_back(ip);
  }
  return pod;
}

absl::Status Pod::configure(const std::vector<IpPrefix>& on_link) {
  VIC_ASSIGN_OR_RETURN(device_, link_.index_of(kDevice));
  VIC_RETURN_IF_ERROR(link_.set_up(device_));
  for (const Ip& ip : addresses_) {
    const int whole = static_cast<int>(ip.size() * 8);
    VIC_RETURN_IF_ERROR(link_.add_address(device_, {.address = ip, .length = whole}));
  }
  for (const IpPrefix& prefix : on_link) {
    VIC_RETURN_IF_ERROR(link_.add_route({.to = prefix, .device = device_}));
  }
  return absl::OkStatus();
}

std::string Pod::address(int family) const {
  const auto found = std::find_if(addresses_.begin(), addresses_.end(),
                                  [family](const Ip& ip) { return ip.family == family; });
  return found == addresses_.end() ? "" : found->text();
}

absl::Status Pod::serve(const ServeSpec& spec) {
  std::vector<std::string> argv{program_path("vic_helloworld"), "--version", spec.version,
                                "--instance", spec.instance};
  std::vector<std::string> addresses = spec.addresses;
  if (addresses.empty()) {
    for (const Ip& ip : addresses_) addresses.push_back(ip.text());
  }
  for (const std::string& address : addresses) {
    VIC_ASSIGN_OR_RETURN(const Ip ip, parse_ip(address));
    for (const std::uint16_t port : spec.ports) {
      argv.push_back(flag_of(spec.protocol));
      argv.push_back(socket_address(ip, port).text());
    }
  }
  VIC_ASSIGN_OR_RETURN(Process server, spawn({.argv = std::move(argv)}));
  VIC_RETURN_IF_ERROR(server.wait_for_line("ready", 20s).status());
  servers_.push_back(std::move(server));
  return absl::OkStatus();
}

absl::StatusOr<PodAgent*> Pod::agent() {
  if (!agent_) {
    VIC_ASSIGN_OR_RETURN(agent_, new_agent());
  }
  return agent_.get();
}

absl::StatusOr<std::unique_ptr<PodAgent>> Pod::new_agent() const {
  return PodAgent::start(netns_, cgroup_);
}

absl::StatusOr<ConnectResult> Pod::connect(const ConnectSpec& spec) {
  VIC_ASSIGN_OR_RETURN(PodAgent* const connecting, agent());
  return connecting->connect(spec);
}

absl::StatusOr<Process> Pod::spawn(ProcessSpec spec) const {
  spec.netns = &netns_;
  spec.cgroup = &cgroup_;
  return Process::spawn(spec);
}

absl::StatusOr<Completed> Pod::run(std::vector<std::string> argv, Duration timeout) const {
  return testing::run(ProcessSpec{.argv = std::move(argv), .netns = &netns_, .cgroup = &cgroup_},
                      timeout);
}

void Pod::stop() {
  agent_.reset();
  servers_.clear();
}

}  // namespace vicinity::testing
