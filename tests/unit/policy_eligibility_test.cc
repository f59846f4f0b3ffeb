// Which workloads can serve a port at all, and why the others cannot.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "policy/eligibility.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using Edit = std::function<void(WorkloadRow&)>;

// One workload of service "a/x" (80 -> 8080, 81 named, 82 -> 8082 with a workload-side entry of 0),
// edited; then what becomes of it on `port`.
struct EligibilityRow {
  const char* what;
  Edit edit;
  int port;
  model::Family family;
  std::string result;  // endpoint text, or the reason
};

constexpr auto kIpv4 = model::Family::kIpv4;
constexpr auto kIpv6 = model::Family::kIpv6;

std::vector<EligibilityRow> rows() {
  const Edit none = [](WorkloadRow&) {};
  return {
      {"the service's target port", none, 80, kIpv4, "10.0.0.1:8080"},
      {"the workload's own list first", [](auto& w) { w.services["a/x"] = {{80, 9000}}; }, 80,
       kIpv4, "10.0.0.1:9000"},
      {"a named port from the workload", [](auto& w) { w.services["a/x"] = {{81, 9001}}; }, 81,
       kIpv4, "10.0.0.1:9001"},
      {"a named port the workload lacks", none, 81, kIpv4, "no_port"},
      {"0 on both sides", [](auto& w) { w.services["a/x"] = {{81, 0}}; }, 81, kIpv4, "no_port"},
      {"0 in the workload's list only", [](auto& w) { w.services["a/x"] = {{82, 0}}; }, 82, kIpv4,
       "10.0.0.1:8082"},
      {"IPv6", none, 80, kIpv6, "wrong_family"},
      {"dual stack, IPv6", [](auto& w) { w.addresses = {"10.0.0.1", "fd00::1"}; }, 80, kIpv6,
       "[fd00::1]:8080"},
      {"dual stack, IPv4", [](auto& w) { w.addresses = {"fd00::1", "10.0.0.1"}; }, 80, kIpv4,
       "10.0.0.1:8080"},
      {"the first of several", [](auto& w) { w.addresses = {"10.0.0.9", "10.0.0.1"}; }, 80, kIpv4,
       "10.0.0.9:8080"},
      {"IPv6 only", [](auto& w) { w.addresses = {"fd00::1"}; }, 80, kIpv4, "wrong_family"},
      {"no address", [](auto& w) { w.addresses = {}; }, 80, kIpv4, "no_address"},
      {"unhealthy", [](auto& w) { w.health = model::Health::kUnhealthy; }, 80, kIpv4, "unhealthy"},
      {"another network, direct", [](auto& w) { w.network = "net2"; }, 80, kIpv4, "10.0.0.1:8080"},
      {"another network, behind a gateway",
       [](auto& w) {
         w.network = "net2";
         w.gateway = true;
       },
       80, kIpv4, "unreachable_network"},
      {"behind a gateway, but flat",
       [](auto& w) {
         w.network = "flat";
         w.gateway = true;
       },
       80, kIpv4, "10.0.0.1:8080"},
      {"own network with a gateway", [](auto& w) { w.gateway = true; }, 80, kIpv4, "10.0.0.1:8080"},
      {"the first reason counts: address before port",
       [](auto& w) {
         w.addresses = {};
         w.health = model::Health::kUnhealthy;
       },
       81, kIpv4, "no_address"},
      {"port before network",
       [](auto& w) {
         w.network = "net2";
         w.gateway = true;
       },
       81, kIpv4, "no_port"},
      {"network before health",
       [](auto& w) {
         w.network = "net2";
         w.gateway = true;
         w.health = model::Health::kUnhealthy;
       },
       80, kIpv4, "unreachable_network"},
  };
}

std::string result_of(const EligibilityRow& row, model::HealthPolicy health_policy) {
  World world;
  WorkloadRow workload{.uid = "w", .addresses = {"10.0.0.1"}, .services = {{"a/x", {}}}};
  row.edit(workload);
  world.apply({.services = {{.key = "a/x",
                             .ports = {{80, 8080}, {81, 0}, {82, 8082}},
                             .health_policy = health_policy}},
               .workloads = {workload}});
  const auto result =
      policy::eligible_endpoints(world.snapshot,
                                 {.service = world.symbol("a/x"),
                                  .port = static_cast<uint16_t>(row.port),
                                  .family = row.family},
                                 world.snapshot.self(), {.flat_networks = {"flat"}});
  EXPECT_EQ(result.endpoints.size() + result.excluded.size(), 1u) << row.what;
  if (result.endpoints.empty()) {
    return std::string(policy::exclusion_name(result.excluded.at(0).reason));
  }
  return model::endpoint_text(result.endpoints[0].address, result.endpoints[0].port);
}

TEST(Eligibility, Rows) {
  for (const EligibilityRow& row : rows()) {
    EXPECT_EQ(result_of(row, model::HealthPolicy::kOnlyHealthy), row.result) << row.what;
  }
}

TEST(Eligibility, AllowAllLiftsHealthAndNothingElse) {
  for (const EligibilityRow& row : rows()) {
    const std::string expected = row.result == "unhealthy" ? "10.0.0.1:8080" : row.result;
    EXPECT_EQ(result_of(row, model::HealthPolicy::kAllowAll), expected) << row.what;
  }
}

TEST(Eligibility, OrderIsCanonical) {
  World world;
  world.apply({.services = {{.key = "a/x"}},
               .workloads = {{.uid = "c", .addresses = {"10.0.0.2"}, .services = {{"a/x", {}}}},
                             {.uid = "b", .addresses = {"10.0.0.1"}, .services = {{"a/x", {}}}},
                             {.uid = "a", .addresses = {"10.0.0.2"}, .services = {{"a/x", {}}}},
                             {.uid = "z", .services = {{"a/x", {}}}},
                             {.uid = "y", .services = {{"a/x", {}}}}}});
  const auto result = policy::eligible_endpoints(
      world.snapshot, {.service = world.symbol("a/x"), .port = 80}, world.snapshot.self(), {});
  std::vector<std::string> uids;
  for (const auto& endpoint : result.endpoints) uids.push_back(endpoint.workload->uid);
  EXPECT_EQ(uids, (std::vector<std::string>{"b", "a", "c"}));
  ASSERT_EQ(result.excluded.size(), 2u);
  EXPECT_EQ(result.excluded[0].workload->uid, "y");
}

}  // namespace
}  // namespace vicinity::testing
