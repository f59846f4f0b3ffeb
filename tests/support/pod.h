// One pod of a world: a network namespace with addresses of its own, a cgroup below its node's, and
// what a test runs in it. Owned by its World. One thread at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "support/cgroup.h"
#include "support/hello_server.h"
#include "support/ip.h"
#include "support/netlink.h"
#include "support/netns.h"
#include "support/pod_agent.h"
#include "support/process.h"

namespace vicinity::testing {

struct PodSpec {
  std::string name;
  std::string node;
  std::vector<std::string>
      addresses;  // IPv4 and IPv6, as many as wanted; the first is its own name
};

struct ServeSpec {
  std::string version = "v1";
  std::string instance;  // empty: the address that was reached, "10.244.1.5:5000"
  std::vector<std::uint16_t> ports = {5000};
  ServeProtocol protocol = ServeProtocol::kHttp;
  std::vector<std::string> addresses = {};  // empty: all of the pod's
};

class Pod {
 public:
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Pod>> create(const PodSpec& spec,
                                                                   const Cgroup& node);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& node_name() const { return node_name_; }
  [[nodiscard]] const Netns& netns() const { return netns_; }
  [[nodiscard]] const Cgroup& cgroup() const { return cgroup_; }
  [[nodiscard]] const std::vector<Ip>& addresses() const { return addresses_; }
  // The first one of the family; empty when it has none.
  [[nodiscard]] std::string address(int family = AF_INET) const;

  // Returns when the server answers.
  [[nodiscard]] absl::Status serve(const ServeSpec& spec);
  void stop_serving() { servers_.clear(); }

  // The pod's agent, started on first use.
  [[nodiscard]] absl::StatusOr<PodAgent*> agent();
  // Another one, the caller's: for several loads at once.
  [[nodiscard]] absl::StatusOr<std::unique_ptr<PodAgent>> new_agent() const;
  // One connection by agent().
  [[nodiscard]] absl::StatusOr<ConnectResult> connect(const ConnectSpec& spec);

  // `spec` in this pod; its netns and cgroup are filled in.
  [[nodiscard]] absl::StatusOr<Process> spawn(ProcessSpec spec) const;
  [[nodiscard]] absl::StatusOr<Completed> run(std::vector<std::string> argv,
                                              Duration timeout) const;

  // For the world's wiring.
  [[nodiscard]] absl::Status configure(const std::vector<IpPrefix>& on_link);
  [[nodiscard]] Netlink& link() { return link_; }
  [[nodiscard]] int device() const { return device_; }
  // Ends what this object started.
  void stop();

 private:
  Pod(const PodSpec& spec, Netns netns, Cgroup cgroup, Netlink link)
      : name_(spec.name),
        node_name_(spec.node),
        netns_(std::move(netns)),
        cgroup_(std::move(cgroup)),
        link_(std::move(link)) {}

  std::string name_;
  std::string node_name_;
  Netns netns_;
  Cgroup cgroup_;
  Netlink link_;
  int device_ = 0;
  std::vector<Ip> addresses_;
  std::vector<Process> servers_;
  std::unique_ptr<PodAgent> agent_;
};

}  // namespace vicinity::testing
