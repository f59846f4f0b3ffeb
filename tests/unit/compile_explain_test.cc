// explain: the fields that tools rely on, and the table for people.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "compile/explain.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using model::RoutingMode;
using model::Scope;

WorkloadRow pod(const std::string& number, const std::string& zone, const std::string& subzone) {
  return {.uid = "Kubernetes//Pod/sample/helloworld-" + number,
          .addresses = {"10.244." + number + ".5"},
          .region = "region",
          .zone = zone,
          .subzone = subzone,
          .node = "worker" + number,
          .services = {{"sample/helloworld", {}}}};
}

World helloworld() {
  World world({.network = "", .cluster = "Kubernetes", .region = "region", .zone = "zone1"});
  WorkloadRow sick = pod("4", "zone1", "subzone1");
  sick.health = model::Health::kUnhealthy;
  WorkloadRow heavy = pod("3", "zone1", "subzone2");
  heavy.capacity = 3;
  world.apply({.services = {{.key = "sample/helloworld",
                             .addresses = {"10.96.0.10"},
                             .ports = {{5000, 5000}},
                             .mode = RoutingMode::kFailover,
                             .preference = {Scope::kRegion, Scope::kZone}}},
               .workloads = {pod("1", "zone1", "subzone1"), pod("2", "zone2", ""), heavy, sick}});
  return world;
}

TEST(Explain, JsonHasTheFieldsThatToolsRelyOn) {
  World world = helloworld();
  const std::string expected =
      R"({"service": "sample/helloworld", "port": 5000, "family": "ipv4", )"
      R"("mode": "failover", "algorithm": "random", "on_empty": "refuse", )"
      R"("tiers": [{"priority": 0, "load_percent": 100, "endpoints": [)"
      R"({"workload": "Kubernetes//Pod/sample/helloworld-1", "address": "10.244.1.5:5000", )"
      R"("locality": "region/zone1/subzone1", "node": "worker1", "status": "HEALTHY", )"
      R"("weight": 1, "share_percent": 25.0}, )"
      R"({"workload": "Kubernetes//Pod/sample/helloworld-3", "address": "10.244.3.5:5000", )"
      R"("locality": "region/zone1/subzone2", "node": "worker3", "status": "HEALTHY", )"
      R"("weight": 3, "share_percent": 75.0}]}, )"
      R"({"priority": 1, "load_percent": 0, "endpoints": [)"
      R"({"workload": "Kubernetes//Pod/sample/helloworld-2", "address": "10.244.2.5:5000", )"
      R"("locality": "region/zone2", "node": "worker2", "status": "HEALTHY", )"
      R"("weight": 1, "share_percent": 0.0}]}], )"
      R"("excluded": [{"workload": "Kubernetes//Pod/sample/helloworld-4", "reason": "unhealthy"}], )"
      R"("notes": []})";
  EXPECT_EQ(compile::to_json(world.explanation("sample/helloworld", 5000)).dump(), expected);
}

TEST(Explain, TableForPeople) {
  World world = helloworld();
  EXPECT_EQ(compile::to_table(world.explanation("sample/helloworld", 5000)),
            R"(sample/helloworld port 5000 ipv4: failover, random, when empty refuse
PRIORITY  LOCALITY               WEIGHT  SHARE   ENDPOINTS(ip|status)
0         region/zone1/subzone1  1       25.00%  10.244.1.5|HEALTHY
0         region/zone1/subzone2  3       75.00%  10.244.3.5|HEALTHY
1         region/zone2           1       0.00%   10.244.2.5|HEALTHY

EXCLUDED                             REASON
Kubernetes//Pod/sample/helloworld-4  unhealthy
)");
}

TEST(Explain, EndpointsTableOfSeveralPorts) {
  World world;
  world.apply({.services = {{.key = "a/x", .ports = {{80, 8080}, {81, 0}}}},
               .workloads = {{.uid = "w1", .addresses = {"fd00::1"}, .services = {{"a/x", {}}}}}});
  const std::array<compile::Explanation, 2> ports = {
      world.explanation("a/x", 80, model::Family::kIpv6),
      world.explanation("a/x", 81, model::Family::kIpv6)};
  EXPECT_EQ(compile::to_endpoints_table(ports),
            R"(PORT     PRIORITY  LOCALITY  WEIGHT  SHARE    ENDPOINTS(ip|status)
80/ipv6  0         -         1       100.00%  [fd00::1]|HEALTHY
81/ipv6  -         -         -       -        none
)");
}

TEST(Explain, EmptyTableSaysSo) {
  World world;
  world.apply({.services = {{.key = "a/x"}}});
  EXPECT_EQ(compile::to_table(world.explanation("a/x")),
            "a/x port 80 ipv4: any, random, when empty pass\n"
            "note: headless: it has no address that a connection could be sent to\n"
            "no endpoints\n");
}

TEST(Explain, AnyClientAndAServiceOfAnotherNetwork) {
  World world = helloworld();
  world.apply({.services = {{.key = "a/far", .addresses = {"net9/10.0.0.1"}}}});
  const compile::PlanRequest request{
      .query = {.service = world.symbol("sample/helloworld"), .port = 5000},
      .client = {.place = {.region = world.symbol("region"), .zone = world.symbol("zone2")},
                 .labels = {}}};
  const auto explanation = compile::explain(world.snapshot, request, {});
  ASSERT_TRUE(explanation.ok());
  EXPECT_EQ(explanation->tiers.at(0).endpoints.at(0).address, "10.244.2.5:5000");
  EXPECT_EQ(world.explanation("a/far").mode, "any");
}

TEST(Explain, AsManyTiersAsWdsCanAskFor) {
  World world(
      {.network = "same", .cluster = "same", .region = "same", .zone = "same", .subzone = "same"},
      "same");
  DeltaRow delta;
  delta.services = {{.key = "a/x",
                     .mode = RoutingMode::kFailover,
                     .preference = {Scope::kNetwork, Scope::kCluster, Scope::kRegion, Scope::kZone,
                                    Scope::kSubzone, Scope::kNode}}};
  for (const std::string network : {"same", "x"}) {
    for (int differs = 5; differs >= 0; --differs) {
      const auto field = [&](int i) { return std::string(i == differs ? "x" : "same"); };
      delta.workloads.push_back(
          {.uid = network + std::to_string(differs),
           .addresses = {"10.0.0." + std::to_string(1 + delta.workloads.size())},
           .network = network,
           .cluster = field(0),
           .region = field(1),
           .zone = field(2),
           .subzone = field(3),
           .node = field(4),
           .services = {{"a/x", {}}}});
    }
  }
  world.apply(delta);
  std::vector<std::string> order;
  const auto explanation = world.explanation("a/x");
  for (const auto& tier : explanation.tiers) {
    for (const auto& endpoint : tier.endpoints) order.push_back(endpoint.workload);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"same5", "same4", "same3", "same2", "same1", "same0",
                                             "x5", "x4", "x3", "x2", "x1", "x0"}));
  EXPECT_EQ(world.tiers("a/x").size(), 12u);
}

}  // namespace
}  // namespace vicinity::testing
