// One test for each thing that the nearest peers get wrong and the pure stages decide; the numbers
// are the rows of the design notes' peers.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "feed/file/mesh_file.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using model::RoutingMode;
using model::Scope;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Tiers = World::TierText;

const std::vector<Scope> kSameZone = {Scope::kNetwork, Scope::kRegion, Scope::kZone};
const std::vector<Scope> kSameNode = {Scope::kNetwork, Scope::kRegion, Scope::kZone,
                                      Scope::kSubzone, Scope::kNode};

ServiceRow service(const std::vector<Scope>& preference) {
  return {.key = "a/x",
          .addresses = {"10.96.0.1"},
          .mode = RoutingMode::kFailover,
          .preference = preference};
}

WorkloadRow pod(int number, const std::string& zone, const std::string& node) {
  const std::string text = std::to_string(number);
  return {.uid = "p" + text,
          .addresses = {"10.0.0." + text},
          .region = "r",
          .zone = zone,
          .node = node,
          .services = {{"a/x", {}}}};
}

// Tells which zone this node is in.
WorkloadRow sensor(const std::string& zone) {
  return {.uid = "sensor", .region = "r", .zone = zone, .node = "here"};
}

Tiers compiled_tiers(const World& world, const std::string& key = "a/x") {
  Tiers tiers;
  const compile::Tables tables = world.tables();
  for (const auto& slot : tables.services.at(key).ports.at(0).slots) {
    tiers.resize(std::max<size_t>(tiers.size(), slot.tier + size_t{1}));
    tiers[slot.tier].push_back(model::endpoint_text(slot.address, slot.port));
  }
  return tiers;
}

TEST(Peers, Peers_1_PortsOfTheWorkloadComeFirst) {
  World world;
  WorkloadRow named = pod(1, "z", "n");
  named.services["a/x"] = {{80, 9090}};
  ServiceRow x = service({});
  x.ports = {{80, 0}, {81, 8181}};
  world.apply({.services = {x}, .workloads = {named, pod(2, "z", "n")}});
  EXPECT_EQ(world.tiers("a/x", 80), (Tiers{{"10.0.0.1:9090"}}));
  EXPECT_EQ(world.tiers("a/x", 81), (Tiers{{"10.0.0.1:8181", "10.0.0.2:8181"}}));
}

TEST(Peers, Peers_2_OwnLocalityChangeTiersEveryServiceAnew) {
  World world;
  ServiceRow y = service(kSameZone);
  y.key = "a/y";
  y.addresses = {"10.96.0.2"};
  world.apply(
      {.services = {service(kSameZone), y}, .workloads = {pod(1, "z1", "n1"), pod(2, "z2", "n2")}});
  static_cast<void>(world.changes());
  world.apply({.workloads = {sensor("z1")}});
  EXPECT_THAT(world.changes(), ElementsAre("a/x", "a/y"));
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.1:8080"}, {"10.0.0.2:8080"}}));
  world.apply({.workloads = {sensor("z2")}});
  EXPECT_THAT(world.changes(), ElementsAre("a/x", "a/y"));
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.2:8080"}, {"10.0.0.1:8080"}}));
}

TEST(Peers, Peers_3_OtherScopesInTheSameModeTierAnew) {
  World world;
  world.apply({.services = {service(kSameZone)},
               .workloads = {sensor("z1"), pod(1, "z1", "here"), pod(2, "z1", "n2")}});
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.1:8080", "10.0.0.2:8080"}}));
  static_cast<void>(world.changes());
  world.apply({.services = {service(kSameNode)}});
  EXPECT_THAT(world.changes(), ElementsAre("a/x"));
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.1:8080"}, {"10.0.0.2:8080"}}));
}

TEST(Peers, Peers_4_AWorkloadThatMovesIsTieredAnew) {
  World world;
  world.apply({.services = {service(kSameNode)},
               .workloads = {sensor("z1"), pod(1, "z1", "here"), pod(2, "z1", "n2")}});
  static_cast<void>(world.changes());
  world.apply({.workloads = {pod(2, "z1", "here")}});
  EXPECT_THAT(world.changes(), ElementsAre("a/x"));
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.1:8080", "10.0.0.2:8080"}}));
  world.apply({.workloads = {pod(1, "z9", "n9")}});
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.2:8080"}, {"10.0.0.1:8080"}}));
}

TEST(Peers, Peers_5_APolicyChangeAfterADeletionIsWhole) {
  World world;
  world.apply(
      {.services = {service(kSameZone)},
       .workloads = {sensor("z1"), pod(1, "z1", "n1"), pod(2, "z1", "here"), pod(3, "z2", "n3")}});
  world.apply({.removed = {"p1"}});
  world.apply({.services = {service(kSameNode)}});
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.2:8080"}, {"10.0.0.3:8080"}}));
  world.apply({.removed = {"p2"}});
  world.apply({.services = {service(kSameZone)}});
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.3:8080"}}));
}

TEST(Peers, Peers_6_ATablePerFamily) {
  World world;
  ServiceRow dual = service({});
  dual.addresses = {"10.96.0.1", "fd00::96"};
  WorkloadRow both = pod(1, "z", "n");
  both.addresses = {"10.0.0.1", "fd00::1"};
  WorkloadRow six = pod(2, "z", "n");
  six.addresses = {"fd00::2"};
  world.apply({.services = {dual}, .workloads = {both, six}});
  const auto table = world.tables().services.at("a/x");
  ASSERT_EQ(table.ports.size(), 2u);
  EXPECT_EQ(table.ports[0].family, model::Family::kIpv4);
  EXPECT_EQ(table.ports[0].slots.size(), 1u);
  EXPECT_EQ(table.ports[0].slots[0].address, ip("10.0.0.1"));
  EXPECT_EQ(table.ports[1].family, model::Family::kIpv6);
  EXPECT_EQ(table.ports[1].slots.size(), 2u);
  for (const auto& slot : table.ports[1].slots)
    EXPECT_EQ(slot.address.family, model::Family::kIpv6);
}

TEST(Peers, Peers_8_EveryTierHasMembersAndLoadedSlotsComeFirst) {
  World world;
  world.apply(
      {.services = {service(kSameNode)},
       .workloads = {sensor("z1"), pod(1, "z9", "n1"), pod(2, "z1", "n2"), pod(3, "z9", "n3")}});
  const auto port = world.tables().services.at("a/x").ports.at(0);
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.2:8080"}, {"10.0.0.1:8080", "10.0.0.3:8080"}}));
  EXPECT_EQ(port.loaded, 1);
  ASSERT_EQ(port.tiers.size(), 2u);
  EXPECT_EQ(port.tiers[0].load_percent, 100);
  EXPECT_EQ(port.tiers[1].count, 2);
}

TEST(Peers, Peers_9_NoLimitOfPortsOrOfServicesPerWorkload) {
  World world;
  DeltaRow delta;
  WorkloadRow busy = pod(1, "z", "n");
  for (int i = 0; i < 40; ++i) {
    ServiceRow row = service({});
    row.key = "a/x" + std::to_string(i);
    row.addresses = {"10.96.1." + std::to_string(i)};
    row.ports.clear();
    for (int port = 1; port <= 50; ++port) row.ports.emplace_back(port, 1000 + port);
    busy.services[row.key] = {};
    delta.services.push_back(row);
  }
  delta.workloads.push_back(busy);
  world.apply(delta);
  const auto tables = world.tables();
  EXPECT_EQ(tables.services.size(), 40u);
  for (const auto& [name, table] : tables.services) {
    ASSERT_EQ(table.ports.size(), 50u) << name;
    EXPECT_EQ(table.ports.back().slots.at(0).port, 1050) << name;
  }
}

TEST(Peers, Peers_10_HealthPolicyCapacityAndPassthroughAreHonoured) {
  World world;
  WorkloadRow sick = pod(1, "z", "n");
  sick.health = model::Health::kUnhealthy;
  sick.capacity = 3;
  ServiceRow allow_all = service({});
  allow_all.health_policy = model::HealthPolicy::kAllowAll;
  world.apply({.services = {allow_all}, .workloads = {sick, pod(2, "z", "n")}});
  EXPECT_NEAR(world.shares("a/x")["p1"], 75.0, 1e-3);
  ServiceRow through = service({});
  through.mode = RoutingMode::kPassthrough;
  world.apply({.services = {through}});
  const auto explanation = world.explanation("a/x");
  EXPECT_EQ(explanation.mode, "passthrough");
  EXPECT_EQ(explanation.on_empty, "pass");
  EXPECT_THAT(explanation.tiers, IsEmpty());
}

TEST(Peers, Peers_14_AddressesHaveOwnersAndADeltaIsASet) {
  ServiceRow old_owner = service({});
  ServiceRow new_owner = service({});
  new_owner.key = "b/y";
  World world;
  world.apply({.services = {old_owner}, .workloads = {pod(1, "z", "n")}});
  // The address moves: whatever the order inside the message, the new owner has it afterwards.
  world.apply({.removed = {"a/x"}, .services = {new_owner}});
  EXPECT_THAT(world.owners(), ElementsAre("b/y: 10.96.0.1"));
  // Two claim it; the one that goes takes only its own claim along.
  world.apply({.services = {old_owner}});
  EXPECT_THAT(world.owners(), ElementsAre("a/x: 10.96.0.1"));
  world.apply({.removed = {"a/x"}});
  EXPECT_THAT(world.owners(), ElementsAre("b/y: 10.96.0.1"));
  // A pod's address is reused by another pod in one message.
  WorkloadRow heir = pod(1, "z", "n");
  heir.uid = "heir";
  heir.services = {{"b/y", {}}};
  world.apply({.removed = {"p1"}, .workloads = {heir}});
  EXPECT_EQ(world.tiers("b/y"), (Tiers{{"10.0.0.1:8080"}}));
}

TEST(Peers, Peers_15_EndpointsMayComeBeforeTheirService) {
  World world;
  world.apply({.workloads = {pod(1, "z", "n"), pod(2, "z", "n")}});
  world.apply({.removed = {"p2"}});
  world.apply({.services = {service({})}});
  EXPECT_THAT(world.changes(), Contains("a/x"));
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.1:8080"}}));
}

TEST(Peers, Peers_18_NoDecisionByName) {
  World world;
  ServiceRow waypoint = service({});
  waypoint.key = "a/waypoint.istio-waypoint.svc";
  WorkloadRow member = pod(1, "z", "n");
  member.uid = "waypoint";
  member.services = {{waypoint.key, {}}};
  world.apply({.services = {waypoint}, .workloads = {member}});
  EXPECT_EQ(compiled_tiers(world, waypoint.key), (Tiers{{"10.0.0.1:8080"}}));
}

TEST(Peers, Peers_z6_UnhealthyEndpointsAndThoseOfARemovedServiceAreKept) {
  World world;
  WorkloadRow sick = pod(1, "z", "n");
  sick.health = model::Health::kUnhealthy;
  world.apply({.services = {service({})}, .workloads = {sick, pod(2, "z", "n")}});
  EXPECT_EQ(world.tiers("a/x"), (Tiers{{"10.0.0.2:8080"}}));
  ServiceRow allow_all = service({});
  allow_all.health_policy = model::HealthPolicy::kAllowAll;
  world.apply({.services = {allow_all}});
  EXPECT_EQ(world.tiers("a/x"), (Tiers{{"10.0.0.1:8080", "10.0.0.2:8080"}}));
  world.apply({.removed = {"a/x"}});
  EXPECT_THAT(world.tables().services, IsEmpty());
  world.apply({.services = {allow_all}});
  EXPECT_EQ(compiled_tiers(world), (Tiers{{"10.0.0.1:8080", "10.0.0.2:8080"}}));
}

TEST(Peers, Peers_z8_AnEmptyClusterIsKubernetes) {
  model::Snapshot snapshot("here");
  const auto errors = feed::load_mesh_into(snapshot, R"(
workload: {uid: unset, name: a, namespace: ns, addresses: [10.0.0.1], node: here}
---
workload: {uid: set, name: b, namespace: ns, addresses: [10.0.0.2], clusterId: other}
)");
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(snapshot.symbols().name(snapshot.self().place.cluster), "Kubernetes");
  const auto* other = snapshot.find_workload("set");
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(snapshot.symbols().name(other->place.cluster), "other");
}

}  // namespace
}  // namespace vicinity::testing
