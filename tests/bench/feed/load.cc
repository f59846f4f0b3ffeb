#include "bench/feed/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "proto/discovery.pb.h"

namespace vicinity::bench {
namespace {

using istio::workload::LoadBalancing;
using istio::workload::Workload;

constexpr uint32_t kZonesPerRegion = 3;
constexpr uint32_t kServiceNet = 0x0a600000;   // 10.96.0.0/11
constexpr uint32_t kWorkloadNet = 0x0a800000;  // 10.128.0.0/9: the second incarnations behind 2^22
constexpr uint32_t kNamespaces = 50;

std::string bytes_of(uint32_t address) {
  return {static_cast<char>(address >> 24), static_cast<char>(address >> 16),
          static_cast<char>(address >> 8), static_cast<char>(address)};
}

std::string name_space(uint32_t service) { return fmt::format("team-{}", service % kNamespaces); }

std::string hostname(uint32_t service) {
  return fmt::format("service-{}.{}.svc.cluster.local", service, name_space(service));
}

// None, FAILOVER by two lists, STRICT by network: what istiod makes of a cluster's services.
void prefer(uint32_t service, LoadBalancing& lb) {
  if (service % 4 == 1) {
    lb.set_mode(LoadBalancing::FAILOVER);
    for (const auto scope : {LoadBalancing::NETWORK, LoadBalancing::REGION, LoadBalancing::ZONE,
                             LoadBalancing::SUBZONE})
      lb.add_routing_preference(scope);
  } else if (service % 4 == 2) {
    lb.set_mode(LoadBalancing::FAILOVER);
    for (const auto scope : {LoadBalancing::REGION, LoadBalancing::ZONE, LoadBalancing::NODE})
      lb.add_routing_preference(scope);
  } else if (service % 4 == 3) {
    lb.set_mode(LoadBalancing::STRICT);
    lb.add_routing_preference(LoadBalancing::NETWORK);
  }
}

// A few large services and many small ones: sizes fall off as one over the square root of the rank.
std::vector<uint32_t> spread(const LoadSpec& spec) {
  std::mt19937_64 random(spec.seed);
  std::uniform_real_distribution<double> unit(0.0, 1.0);
  std::vector<uint32_t> service_of(spec.workloads);
  for (auto& service : service_of) {
    const double at = unit(random);
    service = std::min(spec.services - 1, static_cast<uint32_t>(at * at * spec.services));
  }
  std::ranges::sort(service_of);
  return service_of;
}

}  // namespace

uint32_t load_service_address(uint32_t service) { return kServiceNet + 1 + service; }

Load::Load(const LoadSpec& spec)
    : spec_(spec),
      service_of_(spread(spec)),
      versions_(spec.services + spec.workloads, 1),
      incarnation_(spec.workloads, 0),
      healthy_(spec.workloads, true) {}

uint32_t Load::zone(uint32_t workload) const {
  const uint32_t node = workload % spec_.nodes;
  return node == 0 ? this_zone_ : node % kLoadZones;
}

bool Load::on_this_node(uint32_t workload) const { return workload % spec_.nodes == 0; }

std::string Load::name(uint32_t resource) const {
  if (resource < spec_.services)
    return fmt::format("{}/{}", name_space(resource), hostname(resource));
  const uint32_t workload = resource - spec_.services;
  return fmt::format("Kubernetes//Pod/{}/service-{}-{:08x}-{}", name_space(service_of_[workload]),
                     service_of_[workload], workload * 2654435761U, incarnation_[workload]);
}

std::string Load::version(uint32_t resource) const {
  return fmt::format("{:016x}",
                     (uint64_t{resource} << 32 | versions_[resource]) * 0x9e3779b97f4a7c15ULL);
}

istio::workload::Service Load::make_service(uint32_t number) const {
  istio::workload::Service service;
  service.set_name(fmt::format("service-{}", number));
  service.set_namespace_(name_space(number));
  service.set_hostname(hostname(number));
  service.add_addresses()->set_address(bytes_of(load_service_address(number)));
  auto* port = service.add_ports();
  port->set_service_port(80);
  port->set_target_port(8080);
  prefer(number, *service.mutable_load_balancing());
  return service;
}

Workload Load::make_workload(uint32_t number) const {
  const uint32_t service = service_of_[number];
  const uint32_t node = number % spec_.nodes;
  Workload workload;
  const std::string uid = name(spec_.services + number);
  workload.set_uid(uid);
  workload.set_name(uid.substr(uid.rfind('/') + 1));
  workload.set_namespace_(name_space(service));
  workload.add_addresses(bytes_of(kWorkloadNet + 1 + number + ((incarnation_[number] & 3) << 20)));
  workload.set_service_account(fmt::format("service-{}", service));
  workload.set_node(fmt::format("node-{}", node));
  workload.set_canonical_name(fmt::format("service-{}", service));
  workload.set_canonical_revision("v1");
  workload.set_workload_type(istio::workload::POD);
  workload.set_workload_name(fmt::format("service-{}", service));
  workload.set_cluster_id("Kubernetes");
  workload.set_status(healthy_[number] ? istio::workload::HEALTHY : istio::workload::UNHEALTHY);
  const uint32_t at = zone(number);
  workload.mutable_locality()->set_region(fmt::format("region-{}", at / kZonesPerRegion));
  workload.mutable_locality()->set_zone(fmt::format("zone-{}", at));
  auto* port = (*workload.mutable_services())[name(service)].add_ports();
  port->set_service_port(80);
  port->set_target_port(8080);
  return workload;
}

std::string Load::resource(uint32_t resource) const {
  istio::workload::Address address;
  if (resource < spec_.services)
    *address.mutable_service() = make_service(resource);
  else
    *address.mutable_workload() = make_workload(resource - spec_.services);
  envoy::service::discovery::v3::Resource wrapped;
  wrapped.set_name(name(resource));
  wrapped.set_version(version(resource));
  wrapped.mutable_resource()->set_type_url("type.googleapis.com/istio.workload.Address");
  wrapped.mutable_resource()->set_value(address.SerializeAsString());
  return wrapped.SerializeAsString();
}

std::vector<uint32_t> Load::members_of_size(uint32_t size) const {
  uint32_t best_begin = 0;
  uint32_t best_end = 0;
  for (uint32_t begin = 0; begin < spec_.workloads;) {
    uint32_t end = begin;
    while (end < spec_.workloads && service_of_[end] == service_of_[begin]) ++end;
    const auto off = [size](uint32_t count) { return std::abs(int64_t{count} - int64_t{size}); };
    if (best_end == 0 || off(end - begin) < off(best_end - best_begin)) {
      best_begin = begin;
      best_end = end;
    }
    begin = end;
  }
  std::vector<uint32_t> members;
  for (uint32_t i = best_begin; i < best_end; ++i) members.push_back(i);
  return members;
}

void Load::flip_health(uint32_t workload) {
  healthy_[workload] = !healthy_[workload];
  ++versions_[spec_.services + workload];
}

void Load::move_this_node(uint32_t zone) {
  this_zone_ = zone;
  for (uint32_t i = 0; i < spec_.workloads; i += spec_.nodes) ++versions_[spec_.services + i];
}

std::string Load::replace(uint32_t workload) {
  std::string old = name(spec_.services + workload);
  ++incarnation_[workload];
  ++versions_[spec_.services + workload];
  return old;
}

}  // namespace vicinity::bench
