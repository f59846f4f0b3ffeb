#include "support/world.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "base/status.h"
#include "support/bpffs.h"
#include "support/leftovers.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

// The decoy's own addresses on the link: gateways for the VIPs.
constexpr char kDecoyGateway4[] = "169.254.254.254";
constexpr char kDecoyGateway6[] = "fe80::dec0";

absl::StatusOr<std::vector<IpPrefix>> parse_prefixes(const std::vector<std::string>& texts) {
  std::vector<IpPrefix> result;
  for (const std::string& text : texts) {
    VIC_ASSIGN_OR_RETURN(const IpPrefix prefix, parse_prefix(text));
    result.push_back(prefix);
  }
  return result;
}

[[noreturn]] void abort_with(std::string_view message) {
  std::fflush(stdout);
  fmt::print(stderr, "world: {}\n", message);
  std::abort();
}

std::string describe_process(pid_t pid) {
  std::string name;
  std::ifstream comm(fmt::format("/proc/{}/comm", pid));
  std::getline(comm, name);
  return fmt::format("process {} ({})", pid, name);
}

}  // namespace

World::World(std::string name, Cgroup root, Netns netns, Netlink link)
    : name_(std::move(name)),
      pin_root_(fmt::format("{}/{}", kBpffs, name_)),
      root_(std::move(root)),
      netns_(std::move(netns)),
      link_(std::move(link)) {}

absl::StatusOr<std::unique_ptr<World>> World::create(const WorldSpec& spec) {
  VIC_RETURN_IF_ERROR(ensure_bpffs());
  VIC_RETURN_IF_ERROR(remove_leftovers().status());
  VIC_ASSIGN_OR_RETURN(const std::string mount, cgroup2_mount());
  const std::string name = next_world_name();
  VIC_ASSIGN_OR_RETURN(Cgroup root, Cgroup::create(fmt::format("{}/{}", mount, name)));
  VIC_ASSIGN_OR_RETURN(Netns netns, Netns::create());
  VIC_ASSIGN_OR_RETURN(Netlink link, Netlink::open(netns));
  std::unique_ptr<World> world(new World(name, std::move(root), std::move(netns), std::move(link)));
  VIC_RETURN_IF_ERROR(world->build(spec));
  return world;
}

absl::Status World::build(const WorldSpec& spec) {
  VIC_RETURN_IF_ERROR(make_pin_dir(pin_root_));
  VIC_ASSIGN_OR_RETURN(bridge_, link_.add_bridge("br0"));
  VIC_ASSIGN_OR_RETURN(pod_prefixes_, parse_prefixes(spec.pod_prefixes));
  for (const std::string& node : spec.nodes) VIC_RETURN_IF_ERROR(add_node(node));
  if (spec.decoy) VIC_RETURN_IF_ERROR(add_decoy(*spec.decoy));
  for (const PodSpec& pod : spec.pods) VIC_RETURN_IF_ERROR(place(pod).status());
  for (const Wired& wired : pods_) VIC_RETURN_IF_ERROR(wait_for_port(wired.port));
  return absl::OkStatus();
}

absl::Status World::add_node(const std::string& name) {
  VIC_ASSIGN_OR_RETURN(Cgroup cgroup, root_.create_child(name));
  std::string pin_dir = fmt::format("{}/{}", pin_root_, name);
  VIC_RETURN_IF_ERROR(make_pin_dir(pin_dir));
  nodes_.push_back(std::make_unique<Node>(name, std::move(cgroup), std::move(pin_dir)));
  return absl::OkStatus();
}

absl::Status World::add_decoy(const DecoySpec& spec) {
  VIC_ASSIGN_OR_RETURN(decoy_prefixes_, parse_prefixes(spec.prefixes));
  const PodSpec host{.name = "decoy", .node = "", .addresses = {kDecoyGateway4, kDecoyGateway6}};
  VIC_ASSIGN_OR_RETURN(decoy_host_, wire(host, root_));
  Pod& pod = *decoy_host_.pod;
  VIC_ASSIGN_OR_RETURN(const int loopback, pod.link().index_of("lo"));
  for (const IpPrefix& prefix : decoy_prefixes_) {
    VIC_RETURN_IF_ERROR(
        pod.link().add_route({.to = prefix, .device = loopback, .type = RTN_LOCAL}));
  }
  VIC_ASSIGN_OR_RETURN(decoy_, Decoy::start(pod.netns()));
  return wait_for_port(decoy_host_.port);
}

absl::Status World::route_to_decoy(Pod& pod) {
  for (const IpPrefix& prefix : decoy_prefixes_) {
    const bool v4 = prefix.address.family == AF_INET;
    VIC_ASSIGN_OR_RETURN(const Ip gateway, parse_ip(v4 ? kDecoyGateway4 : kDecoyGateway6));
    VIC_RETURN_IF_ERROR(
        pod.link().add_route({.to = prefix, .device = pod.device(), .via = gateway}));
  }
  return absl::OkStatus();
}

absl::StatusOr<World::Wired> World::wire(const PodSpec& spec, const Cgroup& node) {
  Wired wired;
  VIC_ASSIGN_OR_RETURN(wired.pod, Pod::create(spec, node));
  const std::string port = fmt::format("pod{}", ++ports_made_);
  VIC_RETURN_IF_ERROR(link_.add_veth(
      {.name = port, .bridge = bridge_, .peer_name = "eth0", .peer_netns = &wired.pod->netns()}));
  VIC_ASSIGN_OR_RETURN(wired.port, link_.index_of(port));
  VIC_RETURN_IF_ERROR(link_.set_up(wired.port));
  VIC_RETURN_IF_ERROR(wired.pod->configure(pod_prefixes_));
  return wired;
}

absl::StatusOr<Pod*> World::place(const PodSpec& spec) {
  VIC_ASSIGN_OR_RETURN(Wired wired, wire(spec, node(spec.node).cgroup()));
  Pod* const added = wired.pod.get();
  VIC_RETURN_IF_ERROR(route_to_decoy(*added));
  VIC_RETURN_IF_ERROR(forget_addresses(*added));
  pods_.push_back(std::move(wired));
  return added;
}

// Whoever talked to an earlier owner of the address still has that one's hardware address.
absl::Status World::forget_addresses(const Pod& pod) {
  for (const Ip& ip : pod.addresses()) {
    if (addresses_used_.insert(ip.text()).second) continue;
    for (const Wired& other : pods_) {
      VIC_RETURN_IF_ERROR(other.pod->link().forget_neighbour(other.pod->device(), ip));
    }
    if (!decoy_host_.pod) continue;
    VIC_RETURN_IF_ERROR(decoy_host_.pod->link().forget_neighbour(decoy_host_.pod->device(), ip));
  }
  return absl::OkStatus();
}

// The carrier is noticed by a kernel worker, some milliseconds late; what is sent before is lost
// and a SYN is repeated only after a second.
absl::Status World::wait_for_port(int port) {
  absl::StatusOr<bool> forwards = false;
  const auto ready = [&] {
    forwards = link_.forwards(port);
    return !forwards.ok() || *forwards;
  };
  if (!wait_until(ready, 10s)) return base::internal("world {}: link {} stays down", name_, port);
  return forwards.status();
}

absl::StatusOr<Pod*> World::add_pod(const PodSpec& spec) {
  VIC_ASSIGN_OR_RETURN(Pod* const added, place(spec));
  VIC_RETURN_IF_ERROR(wait_for_port(pods_.back().port));
  return added;
}

absl::Status World::remove_pod(std::string_view name) {
  const auto found = std::find_if(pods_.begin(), pods_.end(),
                                  [name](const Wired& wired) { return wired.pod->name() == name; });
  if (found == pods_.end()) return base::invalid("world {}: no pod '{}'", name_, name);
  const Wired wired = std::move(*found);
  pods_.erase(found);
  wired.pod->stop();
  // The namespace itself goes some time later; until its link is gone it would answer ARP.
  VIC_RETURN_IF_ERROR(link_.remove(wired.port));
  return remove_cgroup_tree(wired.pod->cgroup().path());
}

Pod& World::pod(std::string_view name) {
  for (const Wired& wired : pods_) {
    if (wired.pod->name() == name) return *wired.pod;
  }
  abort_with(fmt::format("no pod '{}'", name));
}

Node& World::node(std::string_view name) {
  for (const auto& node : nodes_) {
    if (node->name() == name) return *node;
  }
  abort_with(fmt::format("no node '{}'", name));
}

std::vector<std::string> World::remaining_processes() const {
  std::vector<ino_t> inodes{netns_.inode()};
  for (const Wired& wired : pods_) inodes.push_back(wired.pod->netns().inode());
  std::vector<pid_t> pids = inhabitants(inodes);
  const std::vector<pid_t> members = processes_below(root_.path());
  pids.insert(pids.end(), members.begin(), members.end());
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  std::erase_if(pids, [](pid_t pid) { return !is_alive(pid); });
  std::vector<std::string> result;
  std::transform(pids.begin(), pids.end(), std::back_inserter(result), describe_process);
  return result;
}

absl::Status World::shut_down() {
  if (!std::exchange(open_, false)) return absl::OkStatus();
  for (const Wired& wired : pods_) wired.pod->stop();
  // A thread or a child that has ended is listed for a moment more.
  std::vector<std::string> problems;
  const auto all_are_gone = [&] {
    problems = remaining_processes();
    return problems.empty();
  };
  (void)wait_until(all_are_gone, std::chrono::seconds(2));
  decoy_.reset();
  decoy_host_ = {};
  pods_.clear();
  // Pins first: a pinned link keeps a program on a cgroup that is about to go.
  for (const absl::Status& status :
       {remove_pin_tree(pin_root_), remove_cgroup_tree(root_.path())}) {
    if (!status.ok()) problems.emplace_back(base::message(status));
  }
  for (const std::string& path : {pin_root_, root_.path()}) {
    if (access(path.c_str(), F_OK) == 0) problems.push_back(path);
  }
  nodes_.clear();
  if (problems.empty()) return absl::OkStatus();
  return base::internal("world {}: left behind: {}", name_, fmt::join(problems, ", "));
}

World::~World() {
  const absl::Status status = shut_down();
  if (!status.ok()) abort_with(base::message(status));
}

}  // namespace vicinity::testing
