// A generated mesh as a control plane has it: services of random sizes with four kinds of
// preference, workloads over 3 regions, 9 zones and 1,000 nodes. Every resource has its bytes
// ready, so that what is measured is the client. Values; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/workload.pb.h"

namespace vicinity::bench {

struct LoadSpec {
  uint32_t services = 10'000;
  uint32_t workloads = 100'000;
  uint32_t nodes = 1'000;
  uint64_t seed = 1;
};

inline constexpr uint32_t kLoadZones = 9;

class Load {
 public:
  explicit Load(const LoadSpec& spec);

  [[nodiscard]] uint32_t services() const { return spec_.services; }
  [[nodiscard]] uint32_t workloads() const { return spec_.workloads; }
  [[nodiscard]] uint32_t resources() const { return spec_.services + spec_.workloads; }

  // Resources are numbered: services first, then workloads.
  [[nodiscard]] std::string name(uint32_t resource) const;
  [[nodiscard]] std::string version(uint32_t resource) const;
  // An encoded envoy Resource, as field 2 of a delta response carries it.
  [[nodiscard]] std::string resource(uint32_t resource) const;

  [[nodiscard]] uint32_t workload(uint32_t number) const { return spec_.services + number; }
  [[nodiscard]] uint32_t service(uint32_t workload) const { return service_of_[workload]; }
  [[nodiscard]] bool healthy(uint32_t workload) const { return healthy_[workload]; }
  [[nodiscard]] uint32_t zone(uint32_t workload) const;
  [[nodiscard]] bool on_this_node(uint32_t workload) const;
  // The workloads of the service that has the number of endpoints nearest to `size`.
  [[nodiscard]] std::vector<uint32_t> members_of_size(uint32_t size) const;

  // Changes; each makes a new version of the resource.
  void flip_health(uint32_t workload);
  void move_this_node(uint32_t zone);
  // Another pod takes the workload's place: a new uid and address. Returns the old uid.
  std::string replace(uint32_t workload);

 private:
  [[nodiscard]] istio::workload::Service make_service(uint32_t number) const;
  [[nodiscard]] istio::workload::Workload make_workload(uint32_t number) const;

  LoadSpec spec_;
  std::vector<uint32_t> service_of_;   // by workload
  std::vector<uint32_t> versions_;     // by resource
  std::vector<uint32_t> incarnation_;  // by workload
  std::vector<bool> healthy_;          // by workload
  uint32_t this_zone_ = 0;
};

inline constexpr char kLoadThisNode[] = "node-0";
// Where a service is; IPv4, in host order.
[[nodiscard]] uint32_t load_service_address(uint32_t service);

}  // namespace vicinity::bench
