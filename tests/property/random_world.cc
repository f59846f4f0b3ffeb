#include "property/random_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace vicinity::testing {
namespace {

constexpr int kServices = 5;
constexpr int kWorkloads = 12;

using model::RoutingMode;
using model::Scope;

}  // namespace

std::string service_name(int number) { return fmt::format("ns{}/svc{}", number % 2, number); }
std::string workload_name(int number) { return fmt::format("workload-{}", number); }

WorkloadRow anchor() {
  return {.uid = "anchor", .region = "r1", .zone = "z1", .subzone = "s1", .node = "here"};
}

std::string RandomRows::pick(std::initializer_list<const char*> values) {
  return *std::next(values.begin(), below(static_cast<uint32_t>(values.size())));
}

std::vector<PortRow> RandomRows::ports(bool of_service) {
  std::vector<PortRow> rows;
  for (const int port : {80, 81}) {
    if (!of_service && one_in(2)) continue;
    rows.emplace_back(port, one_in(3) ? 0 : 8000 + static_cast<int>(below(3)));
  }
  return rows;
}

ServiceRow RandomRows::service(int number) {
  ServiceRow row{.key = service_name(number), .ports = ports(true)};
  for (const char* address :
       {"10.96.0.1", "10.96.0.2", "fd00::96", "n2/10.96.0.1", "10.1.0.0/16"}) {
    if (one_in(2)) row.addresses.emplace_back(address);
  }
  row.mode = static_cast<RoutingMode>(below(4));
  const uint32_t scopes = below(6);
  for (uint32_t i = 0; i < scopes; ++i) {
    const bool lead = i == 0 && one_in(2);
    row.preference.push_back(lead ? Scope::kNetwork : static_cast<Scope>(1 + below(6)));
  }
  row.health_policy = static_cast<model::HealthPolicy>(below(2));
  row.visibility = static_cast<model::Visibility>(one_in(4));
  row.canonical = one_in(3);
  return row;
}

WorkloadRow RandomRows::workload(int number) {
  WorkloadRow row{.uid = workload_name(number),
                  .network = one_in(4) ? "n2" : "",
                  .cluster = pick({"Kubernetes", "c2"}),
                  .region = pick({"", "r1", "r2"}),
                  .zone = pick({"", "z1", "z2"}),
                  .subzone = pick({"", "s1"}),
                  .node = pick({"here", "there", "there", ""})};
  for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2"}) {
    if (one_in(3)) row.addresses.emplace_back(address);
  }
  for (int service = 0; service < kServices; ++service) {
    if (one_in(2)) row.services[service_name(service)] = ports(false);
  }
  row.capacity = one_in(2) ? 1 : below(5);
  row.health = one_in(4) ? model::Health::kUnhealthy : model::Health::kHealthy;
  row.gateway = one_in(5);
  return row;
}

DeltaRow RandomRows::delta() {
  DeltaRow row;
  for (int i = 0; i < kServices; ++i) {
    if (!one_in(4)) continue;
    if (one_in(4)) {
      row.removed.push_back(service_name(i));
    } else {
      row.services.push_back(service(i));
    }
  }
  for (int i = 0; i < kWorkloads; ++i) {
    if (!one_in(4)) continue;
    if (one_in(4)) {
      row.removed.push_back(workload_name(i));
    } else {
      row.workloads.push_back(workload(i));
    }
  }
  return row;
}

}  // namespace vicinity::testing
