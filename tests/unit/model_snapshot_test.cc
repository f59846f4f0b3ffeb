// Services, endpoints, address ownership, and exactly which services a delta touches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Names = std::vector<std::string>;

std::vector<std::string> endpoint_uids(World& world, std::string_view service) {
  std::vector<std::string> uids;
  for (const auto index : world.snapshot.endpoints(world.symbol(service))) {
    uids.push_back(world.snapshot.workload(index).uid);
  }
  return uids;
}

WorkloadRow pod(const std::string& uid, const std::vector<std::string>& services) {
  WorkloadRow row{.uid = uid, .addresses = {"10.0.0.1"}, .node = "there"};
  for (const std::string& service : services) row.services[service] = {{80, 8080}};
  return row;
}

TEST(Snapshot, KnowsWhatItWasTold) {
  World world;
  world.apply({.services = {{.key = "a/x.example", .addresses = {"10.96.0.1"}}},
               .workloads = {pod("p1", {"a/x.example"})}});
  const model::Service* service = world.snapshot.find_service(world.symbol("a/x.example"));
  ASSERT_NE(service, nullptr);
  EXPECT_EQ(service->addresses[0].ip, ip("10.96.0.1"));
  ASSERT_NE(world.snapshot.find_workload("p1"), nullptr);
  EXPECT_EQ(world.snapshot.find_workload("p1")->addresses[0], ip("10.0.0.1"));
  EXPECT_EQ(world.snapshot.find_workload("p2"), nullptr);
  EXPECT_EQ(world.snapshot.find_service(world.symbol("a/y")), nullptr);
  EXPECT_EQ(world.snapshot.service_count(), 1u);
  EXPECT_EQ(world.snapshot.workload_count(), 1u);
  EXPECT_THAT(world.snapshot.workload_uids(), ElementsAre("p1"));
}

TEST(Snapshot, EndpointListsFollowTheWorkloads) {
  World world;
  world.apply({.workloads = {pod("p1", {"a/x", "a/y"}), pod("p2", {"a/x"}), pod("p3", {"a/x"}),
                             pod("p4", {"a/y", "a/x"})}});
  EXPECT_THAT(endpoint_uids(world, "a/x"), UnorderedElementsAre("p1", "p2", "p3", "p4"));
  EXPECT_THAT(endpoint_uids(world, "a/y"), UnorderedElementsAre("p1", "p4"));
  world.apply({.removed = {"p1"}});
  EXPECT_THAT(endpoint_uids(world, "a/x"), UnorderedElementsAre("p2", "p3", "p4"));
  EXPECT_THAT(endpoint_uids(world, "a/y"), UnorderedElementsAre("p4"));
  world.apply({.workloads = {pod("p4", {"a/y"}), pod("p5", {"a/x"})}});
  EXPECT_THAT(endpoint_uids(world, "a/x"), UnorderedElementsAre("p2", "p3", "p5"));
  EXPECT_THAT(endpoint_uids(world, "a/y"), UnorderedElementsAre("p4"));
  world.apply({.removed = {"p2", "p3", "p4", "p5"}});
  EXPECT_THAT(endpoint_uids(world, "a/x"), IsEmpty());
  EXPECT_THAT(endpoint_uids(world, "a/y"), IsEmpty());
}

TEST(Snapshot, HadWorkloadIsRemembered) {
  World world;
  const auto x = world.symbol("a/x");
  world.apply({.services = {{.key = "a/x"}}});
  EXPECT_FALSE(world.snapshot.had_workload(x));
  world.apply({.workloads = {pod("p1", {"a/x"})}});
  world.apply({.removed = {"p1"}});
  EXPECT_TRUE(world.snapshot.had_workload(x));
}

TEST(Snapshot, MarkHadWorkloadTouchesOnlyTheFirstTime) {
  World world;
  world.apply({.services = {{.key = "a/x"}}});
  EXPECT_THAT(world.changes(), ElementsAre("a/x"));
  world.snapshot.mark_had_workload(world.symbol("a/x"));
  EXPECT_THAT(world.changes(), ElementsAre("a/x"));
  world.snapshot.mark_had_workload(world.symbol("a/x"));
  EXPECT_THAT(world.changes(), IsEmpty());
}

// Who is touched by `delta`, given services a/x (of p1, p2), a/y (of p1), a/z (of nobody).
struct TouchRow {
  const char* what;
  DeltaRow delta;
  Names touched;
};

const DeltaRow& three_services() {
  static const DeltaRow row = {.services = {{.key = "a/x", .addresses = {"10.96.0.1"}},
                                            {.key = "a/y", .addresses = {"10.96.0.2"}},
                                            {.key = "a/z", .addresses = {"10.96.0.3"}}},
                               .workloads = {pod("p1", {"a/x", "a/y"}), pod("p2", {"a/x"})}};
  return row;
}

WorkloadRow with(WorkloadRow row, const std::function<void(WorkloadRow&)>& edit) {
  edit(row);
  return row;
}

std::vector<TouchRow> touch_rows() {
  const WorkloadRow p1 = pod("p1", {"a/x", "a/y"});
  const ServiceRow z = {.key = "a/z", .addresses = {"10.96.0.3"}};
  return {
      {"equal service", {.services = {z}}, {}},
      {"equal workload", {.workloads = {p1}}, {}},
      {"removed and the same again",
       {.removed = {"p1", "a/z"}, .services = {z}, .workloads = {p1}},
       {}},
      {"unknown removal", {.removed = {"p9", "a/q"}}, {}},
      {"removed workload", {.removed = {"p1"}}, {"a/x", "a/y"}},
      {"removed service", {.removed = {"a/x"}}, {"a/x"}},
      {"new workload", {.workloads = {pod("p3", {"a/z"})}}, {"a/z"}},
      {"new workload of an unknown service", {.workloads = {pod("p3", {"a/q"})}}, {}},
      {"new workload of no service", {.workloads = {pod("p3", {})}}, {}},
      {"health",
       {.workloads = {with(p1, [](auto& w) { w.health = model::Health::kUnhealthy; })}},
       {"a/x", "a/y"}},
      {"capacity", {.workloads = {with(p1, [](auto& w) { w.capacity = 2; })}}, {"a/x", "a/y"}},
      {"address",
       {.workloads = {with(p1, [](auto& w) { w.addresses = {"10.0.0.9"}; })}},
       {"a/x", "a/y"}},
      {"locality", {.workloads = {with(p1, [](auto& w) { w.zone = "z"; })}}, {"a/x", "a/y"}},
      {"labels",
       {.workloads = {with(p1, [](auto& w) { w.labels = {{"app", "x"}}; })}},
       {"a/x", "a/y"}},
      {"gateway", {.workloads = {with(p1, [](auto& w) { w.gateway = true; })}}, {"a/x", "a/y"}},
      {"one service left", {.workloads = {pod("p1", {"a/y"})}}, {"a/x"}},
      {"one service joined", {.workloads = {pod("p1", {"a/x", "a/y", "a/z"})}}, {"a/z"}},
      {"ports for one service",
       {.workloads = {with(p1, [](auto& w) { w.services["a/y"] = {{80, 9090}}; })}},
       {"a/y"}},
      {"service mode",
       {.services =
            {{.key = "a/z", .addresses = {"10.96.0.3"}, .mode = model::RoutingMode::kStrict}}},
       {"a/z"}},
  };
}

TEST(Snapshot, TouchesExactlyTheServicesWhoseTableCanDiffer) {
  for (const TouchRow& row : touch_rows()) {
    World world;
    world.apply(three_services());
    static_cast<void>(world.changes());
    world.apply(row.delta);
    EXPECT_EQ(world.changes(), row.touched) << row.what;
  }
}

// A row: services as they come, who owns what in the end, and whom the last one touched.
struct OwnerRow {
  const char* what;
  std::vector<ServiceRow> services;
  Names owners;
  Names touched_by_last;
};

ServiceRow claim(const std::string& key, const std::vector<std::string>& addresses) {
  return {.key = key, .addresses = addresses};
}

ServiceRow canonical(ServiceRow row) {
  row.canonical = true;
  return row;
}

ServiceRow namespace_only(ServiceRow row) {
  row.visibility = model::Visibility::kNamespace;
  return row;
}

std::vector<OwnerRow> owner_rows() {
  const std::string vip = "10.96.0.1";
  return {
      {"the smallest name",
       {claim("b/x", {vip}), claim("a/x", {vip})},
       {"a/x: 10.96.0.1"},
       {"a/x", "b/x"}},
      {"a later, larger name changes nothing",
       {claim("a/x", {vip}), claim("b/x", {vip})},
       {"a/x: 10.96.0.1"},
       {"b/x"}},
      {"canonical before the smallest name",
       {claim("a/x", {vip}), canonical(claim("b/x", {vip}))},
       {"b/x: 10.96.0.1"},
       {"a/x", "b/x"}},
      {"of two canonical ones the smallest name",
       {canonical(claim("b/x", {vip})), canonical(claim("a/x", {vip}))},
       {"a/x: 10.96.0.1"},
       {"a/x", "b/x"}},
      {"a NAMESPACE service yields to any PUBLIC one, even if canonical",
       {namespace_only(canonical(claim("a/x", {vip}))), claim("z/x", {vip})},
       {"z/x: 10.96.0.1"},
       {"a/x", "z/x"}},
      {"a NAMESPACE service alone owns its address",
       {namespace_only(claim("a/x", {vip}))},
       {"a/x: 10.96.0.1"},
       {"a/x"}},
      {"another network's address is not served here",
       {claim("a/x", {"net2/10.96.0.1"})},
       {},
       {"a/x"}},
      {"the same address in two networks is no conflict",
       {claim("a/x", {"net2/10.96.0.1"}), claim("b/x", {vip})},
       {"b/x: 10.96.0.1"},
       {"b/x"}},
      {"a range, whatever its host bits are",
       {claim("a/x", {"240.241.0.7/16", "240.240.0.2"})},
       {"a/x: 240.240.0.2 240.241.0.0/16"},
       {"a/x"}},
      {"ranges of different lengths are different",
       {claim("b/x", {"240.241.0.0/16"}), claim("a/x", {"240.241.0.0/17"})},
       {"a/x: 240.241.0.0/17", "b/x: 240.241.0.0/16"},
       {"a/x"}},
      {"one range, two services: as with addresses",
       {claim("b/x", {"240.241.0.0/16"}), claim("a/x", {"240.241.9.9/16"})},
       {"a/x: 240.241.0.0/16"},
       {"a/x", "b/x"}},
      {"both families",
       {claim("a/x", {"10.96.0.1", "fd00::1"})},
       {"a/x: 10.96.0.1 fd00::1"},
       {"a/x"}},
      {"the owner lets go",
       {claim("a/x", {vip}), claim("b/x", {vip}), claim("a/x", {"10.96.0.2"})},
       {"a/x: 10.96.0.2", "b/x: 10.96.0.1"},
       {"a/x", "b/x"}},
      {"an address given twice",
       {claim("b/x", {vip}), claim("a/x", {vip, vip}), claim("a/x", {})},
       {"b/x: 10.96.0.1"},
       {"a/x", "b/x"}},
      {"the owner stops being canonical",
       {claim("a/x", {vip}), canonical(claim("b/x", {vip})), claim("b/x", {vip})},
       {"a/x: 10.96.0.1"},
       {"a/x", "b/x"}},
  };
}

TEST(Snapshot, OwnershipOfAddresses) {
  for (const OwnerRow& row : owner_rows()) {
    World world;
    std::vector<std::string> touched;
    for (const ServiceRow& service : row.services) {
      world.apply({.services = {service}});
      touched = world.changes();
    }
    EXPECT_EQ(world.owners(), row.owners) << row.what;
    EXPECT_EQ(touched, row.touched_by_last) << row.what;
  }
}

// The same when clients are known by namespace.
std::vector<OwnerRow> namespace_rows() {
  const std::string vip = "10.96.0.1";
  return {
      {"each namespace has its own, the others the smallest name",
       {claim("b/x", {vip}), claim("a/x", {vip})},
       {"a/x: 10.96.0.1", "b/x: 10.96.0.1(own)"},
       {"a/x", "b/x"}},
      {"of one namespace only the first",
       {claim("a/y", {vip}), claim("a/x", {vip})},
       {"a/x: 10.96.0.1"},
       {"a/x", "a/y"}},
      {"NAMESPACE visibility serves its own namespace only",
       {namespace_only(claim("a/x", {vip}))},
       {"a/x: 10.96.0.1(own)"},
       {"a/x"}},
      {"and beside a PUBLIC one",
       {claim("b/x", {vip}), namespace_only(canonical(claim("a/x", {vip})))},
       {"a/x: 10.96.0.1(own)", "b/x: 10.96.0.1"},
       {"a/x"}},
      {"a PUBLIC one comes to those nobody served",
       {namespace_only(claim("a/x", {vip})), claim("b/x", {vip})},
       {"a/x: 10.96.0.1(own)", "b/x: 10.96.0.1"},
       {"b/x"}},
      {"ranges likewise",
       {claim("b/x", {"10.0.0.0/8"}), claim("a/x", {"10.0.0.0/8"})},
       {"a/x: 10.0.0.0/8", "b/x: 10.0.0.0/8(own)"},
       {"a/x", "b/x"}},
      {"canonical for everyone, the own one at home",
       {canonical(claim("z/x", {vip})), claim("a/x", {vip})},
       {"a/x: 10.96.0.1(own)", "z/x: 10.96.0.1"},
       {"a/x"}},
  };
}

TEST(Snapshot, OwnershipWhenNamespacesAreKnown) {
  for (const OwnerRow& row : namespace_rows()) {
    World world;
    world.snapshot.know_namespaces();
    std::vector<std::string> touched;
    for (const ServiceRow& service : row.services) {
      world.apply({.services = {service}});
      touched = world.changes();
    }
    EXPECT_EQ(world.owners(), row.owners) << row.what;
    EXPECT_EQ(touched, row.touched_by_last) << row.what;
  }
}

TEST(Snapshot, NamespacesThatBecomeKnownTouchEverything) {
  World world;
  world.apply({.services = {claim("b/x", {"10.96.0.1"}), claim("a/x", {"10.96.0.1"})}});
  (void)world.changes();
  world.snapshot.know_namespaces();
  EXPECT_EQ(world.changes(), (Names{"a/x", "b/x"}));
}

TEST(Snapshot, AnAddressUsedAgainInOneDeltaHasItsNewOwner) {
  World world;
  world.apply({.services = {claim("a/old", {"10.96.0.1"})}});
  (void)world.changes();
  world.apply({.removed = {"a/old"}, .services = {claim("b/new", {"10.96.0.1"})}});
  EXPECT_EQ(world.owners(), (Names{"b/new: 10.96.0.1"}));
  EXPECT_EQ(world.changes(), (Names{"a/old", "b/new"}));
}

TEST(Snapshot, APodsAddressIsNoReasonNotToServeIt) {
  World world;
  world.apply({.services = {claim("a/x", {"10.244.1.5"})},
               .workloads = {{.uid = "pod", .addresses = {"10.244.1.5"}}}});
  EXPECT_EQ(world.owners(), (Names{"a/x: 10.244.1.5"}));
  world.apply({.removed = {"pod"}});
  EXPECT_EQ(world.owners(), (Names{"a/x: 10.244.1.5"}));
}

TEST(Snapshot, ConflictsNameOwnerAndOthers) {
  World world;
  world.apply(
      {.services = {claim("c/x", {"10.96.0.2", "10.96.0.1"}), claim("b/x", {"10.96.0.1"}),
                    namespace_only(claim("a/x", {"10.96.0.1"})), claim("d/x", {"10.96.0.3"})}});
  const auto conflicts = world.snapshot.conflicts();
  ASSERT_EQ(conflicts.size(), 1u);
  EXPECT_EQ(conflicts[0].address, ip("10.96.0.1"));
  EXPECT_EQ(conflicts[0].owner, world.symbol("b/x"));
  EXPECT_THAT(conflicts[0].others, ElementsAre(world.symbol("a/x"), world.symbol("c/x")));
  world.apply({.removed = {"a/x"}});
  EXPECT_EQ(world.snapshot.conflicts().size(), 1u);
  world.apply({.services = {claim("c/x", {"10.96.0.2"})}});
  EXPECT_TRUE(world.snapshot.conflicts().empty());
}

TEST(Snapshot, OwnNetworkDecidesWhoseAddressesAreServed) {
  World world;
  world.apply({.services = {claim("a/x", {"net1/10.96.0.1"}), claim("b/x", {"net2/10.96.0.1"}),
                            claim("c/x", {"10.96.0.1"})}});
  EXPECT_THAT(world.owners(), ElementsAre("c/x: 10.96.0.1"));
  world.apply({.workloads = {{.uid = "1", .network = "net1", .node = "here"}}});
  EXPECT_THAT(world.owners(), ElementsAre("a/x: 10.96.0.1"));
  world.apply({.workloads = {{.uid = "1", .network = "net2", .node = "here"}}});
  EXPECT_THAT(world.owners(), ElementsAre("b/x: 10.96.0.1"));
}

TEST(Snapshot, EqualWorldsAreEqualWhateverTheirHistory) {
  World left;
  World right;
  left.apply(three_services());
  right.apply({.workloads = {pod("p9", {"a/z"}), pod("p2", {"a/x"}), pod("p1", {})}});
  right.apply({.removed = {"p9"}, .workloads = {pod("p1", {"a/y", "a/x"})}});
  EXPECT_FALSE(left.snapshot == right.snapshot);
  right.apply({.services = {three_services().services[2], three_services().services[1],
                            three_services().services[0]}});
  EXPECT_TRUE(left.snapshot == right.snapshot);
}

}  // namespace
}  // namespace vicinity::testing
