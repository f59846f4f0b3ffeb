// Whole services: which have a table, which families and ports it has, and differences between
// tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "compile/compile.h"
#include "compile/diff.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct TableRow {
  const char* what;
  ServiceRow service;
  std::vector<std::string> ports;  // "80 ipv4"; empty with `has_table` false: no table
  bool has_table = true;
};

TEST(CompileService, Rows) {
  const std::vector<TableRow> rows = {
      {"IPv4", {.key = "a/x", .addresses = {"10.96.0.1"}}, {"80 ipv4"}},
      {"IPv6", {.key = "a/x", .addresses = {"fd00::1"}}, {"80 ipv6"}},
      {"both, ports in order",
       {.key = "a/x", .addresses = {"fd00::1", "10.96.0.1"}, .ports = {{443, 1}, {80, 2}}},
       {"80 ipv4", "80 ipv6", "443 ipv4", "443 ipv6"}},
      {"no ports", {.key = "a/x", .addresses = {"10.96.0.1"}, .ports = {}}, {}},
      {"headless", {.key = "a/x"}, {}, false},
      {"another network only", {.key = "a/x", .addresses = {"net2/10.96.0.1"}}, {}, false},
      {"a range only", {.key = "a/x", .addresses = {"10.0.0.0/8"}}, {"80 ipv4"}},
      {"a range of the other family",
       {.key = "a/x", .addresses = {"10.96.0.1", "fd00::/64"}},
       {"80 ipv4", "80 ipv6"}},
      {"passthrough",
       {.key = "a/x", .addresses = {"10.96.0.1"}, .mode = model::RoutingMode::kPassthrough},
       {"80 ipv4"}},
  };
  for (const TableRow& row : rows) {
    World world;
    world.apply({.services = {row.service}});
    const auto table = compile::compile_service(world.snapshot, world.symbol("a/x"), {});
    ASSERT_TRUE(table.ok()) << table.status();
    EXPECT_EQ(table->has_value(), row.has_table) << row.what;
    std::vector<std::string> ports;
    if (table->has_value()) {
      for (const auto& port : (*table)->ports) {
        ports.push_back(std::to_string(port.port) + " " +
                        std::string(model::family_name(port.family)));
      }
    }
    EXPECT_EQ(ports, row.ports) << row.what;
  }
}

TEST(CompileService, RangesAndOwnNamespacesAreScoped) {
  World world;
  world.snapshot.know_namespaces();
  world.apply({.services = {{.key = "a/x", .addresses = {"10.96.0.1", "10.0.0.0/8"}},
                            {.key = "b/x", .addresses = {"10.96.0.1", "10.96.0.2"}}}});
  const auto tables = world.tables();
  EXPECT_THAT(tables.services.at("a/x").addresses, ElementsAre(ip("10.96.0.1")));
  EXPECT_THAT(tables.services.at("a/x").scoped,
              ElementsAre(model::OwnedAddress{ip("10.0.0.0"), 8, model::Audience::kEveryone}));
  EXPECT_THAT(
      tables.services.at("b/x").scoped,
      ElementsAre(model::OwnedAddress{ip("10.96.0.1"), 32, model::Audience::kOwnNamespace}));
}

TEST(CompileService, AWaypointIsLeftAloneUnlessToldOtherwise) {
  World world;
  world.apply({.services = {{.key = "a/x", .addresses = {"10.96.0.1"}, .waypoint = true}},
               .workloads = {{.uid = "w", .addresses = {"10.0.0.1"}, .services = {{"a/x", {}}}}}});
  const auto left = world.tables().services.at("a/x").ports.at(0);
  EXPECT_EQ(left.mode, policy::Mode::kPassthrough);
  EXPECT_EQ(left.pass, policy::Pass::kWaypoint);
  EXPECT_THAT(left.slots, IsEmpty());
  EXPECT_THAT(world.explanation("a/x").notes, ElementsAre("left alone: it has a waypoint"));
  world.options.waypoint_services = compile::WaypointServices::kBalance;
  const auto balanced = world.tables().services.at("a/x").ports.at(0);
  EXPECT_EQ(balanced.mode, policy::Mode::kAny);
  EXPECT_EQ(balanced.slots.size(), 1u);
}

struct ExclusionRow {
  const char* what;
  std::vector<std::string> globs;
  std::vector<std::string> node_addresses;
  std::string service;
  bool excluded;
};

TEST(CompileService, ExcludedServicesHaveNoTable) {
  const std::string dns = "kube-system/kube-dns.kube-system.svc.cluster.local";
  const std::vector<ExclusionRow> rows = {
      {"nothing excluded", {}, {}, "a/x.a.svc", false},
      {"by name", {"a/x.a.svc"}, {}, "a/x.a.svc", true},
      {"not by a part of the name", {"a/x"}, {}, "a/x.a.svc", false},
      {"by namespace", {"b/*", "a/*"}, {}, "a/x.a.svc", true},
      {"by host", {"*/x.*"}, {}, "a/x.a.svc", true},
      {"one character", {"?/x.a.svc"}, {}, "a/x.a.svc", true},
      {"not two", {"?/x.a.svc"}, {}, "aa/x.a.svc", false},
      {"DNS at an address of the node", {}, {"10.96.0.1"}, dns, true},
      {"DNS elsewhere", {}, {"10.96.0.2"}, dns, false},
      {"another service at an address of the node", {}, {"10.96.0.1"}, "a/x.a.svc", false},
  };
  for (const ExclusionRow& row : rows) {
    SCOPED_TRACE(row.what);
    World world;
    world.options.exclusions.globs = row.globs;
    for (const auto& address : row.node_addresses) {
      world.options.exclusions.node_addresses.insert(ip(address));
    }
    world.apply({.services = {{.key = row.service, .addresses = {"10.96.0.1"}}}});
    EXPECT_EQ(world.tables().services.empty(), row.excluded);
    EXPECT_EQ(!world.explanation(row.service).notes.empty(), row.excluded);
  }
}

TEST(CompileService, AnExcludedServicesAddressGoesToNoOther) {
  World world;
  world.options.exclusions.globs = {"a/*"};
  world.apply({.services = {{.key = "a/x", .addresses = {"10.96.0.1"}},
                            {.key = "b/x", .addresses = {"10.96.0.1"}}}});
  EXPECT_THAT(world.tables().services, IsEmpty());
}

TEST(CompileService, HostNetworkWorkloadsOfOneAddressBothCount) {
  World world;
  world.apply(
      {.services = {{.key = "a/x", .addresses = {"10.96.0.1"}}},
       .workloads = {{.uid = "w1", .addresses = {"192.0.2.1"}, .services = {{"a/x", {}}}},
                     {.uid = "w2", .addresses = {"192.0.2.1"}, .services = {{"a/x", {}}}}}});
  EXPECT_EQ(world.tables().services.at("a/x").ports.at(0).slots.size(), 2u);
  EXPECT_EQ(world.shares("a/x"), (std::map<std::string, double>{{"w1", 50.0}, {"w2", 50.0}}));
  world.apply({.removed = {"w1"}});
  EXPECT_EQ(world.tables().services.at("a/x").ports.at(0).slots.size(), 1u);
}

TEST(CompileService, AWorkloadBehindANetworkGatewayIsReachedOnlyOverAFlatNetwork) {
  World world;
  world.apply({.services = {{.key = "a/x", .addresses = {"10.96.0.1"}}},
               .workloads = {{.uid = "far",
                              .addresses = {"192.0.2.1"},
                              .network = "net2",
                              .services = {{"a/x", {}}},
                              .gateway = true}}});
  EXPECT_EQ(world.excluded("a/x").at("far"), "unreachable_network");
  EXPECT_THAT(world.tables().services.at("a/x").ports.at(0).slots, IsEmpty());
  world.options.eligibility.flat_networks = {"net2"};
  EXPECT_EQ(world.tables().services.at("a/x").ports.at(0).slots.size(), 1u);
}

struct NoteRow {
  const char* what;
  std::vector<ServiceRow> services;
  std::vector<std::string> notes;  // of a/x
};

TEST(Explain, NotesSayWhatTheTableDoesNot) {
  const std::vector<NoteRow> rows = {
      {"nothing to say", {{.key = "a/x", .addresses = {"10.96.0.1"}}}, {}},
      {"headless",
       {{.key = "a/x"}},
       {"headless: it has no address that a connection could be sent to"}},
      {"another network",
       {{.key = "a/x", .addresses = {"net2/10.96.0.1"}}},
       {"owns none of its addresses on this node", "net2/10.96.0.1: not served: another network"}},
      {"somebody else's",
       {{.key = "a/x", .addresses = {"10.96.0.1"}},
        {.key = "b/x", .addresses = {"10.96.0.1"}, .canonical = true}},
       {"owns none of its addresses on this node", "10.96.0.1: not served: belongs to b/x"}},
      {"a range", {{.key = "a/x", .addresses = {"10.0.0.0/8"}}}, {"10.0.0.0/8: range served"}},
      {"somebody else's range",
       {{.key = "a/x", .addresses = {"10.96.0.1", "10.0.0.0/8"}},
        {.key = "b/x", .addresses = {"10.0.0.0/8"}, .canonical = true}},
       {"10.0.0.0/8: not served: belongs to b/x"}},
  };
  for (const NoteRow& row : rows) {
    World world;
    world.apply({.services = row.services});
    EXPECT_EQ(world.explanation("a/x").notes, row.notes) << row.what;
  }
}

TEST(CompileService, GoneIsNothing) {
  World world;
  const auto table = compile::compile_service(world.snapshot, world.symbol("a/x"), {});
  ASSERT_TRUE(table.ok());
  EXPECT_FALSE(table->has_value());
}

TEST(CompileService, HadWorkloadIsPartOfTheTable) {
  World world;
  world.apply({.services = {{.key = "a/x", .addresses = {"10.96.0.1"}}}});
  const auto before = world.tables().services.at("a/x").ports.at(0);
  world.snapshot.mark_had_workload(world.symbol("a/x"));
  const auto after = world.tables().services.at("a/x").ports.at(0);
  EXPECT_FALSE(before.had_workload);
  EXPECT_EQ(before.on_empty, policy::OnEmpty::kPass);
  EXPECT_TRUE(after.had_workload);
  EXPECT_EQ(after.on_empty, policy::OnEmpty::kRefuse);
}

TEST(PlanPort, SaysWhatIsMissing) {
  World world;
  world.apply({.services = {{.key = "a/x"}}});
  const auto no_port = compile::plan_port(
      world.snapshot, {.query = {.service = world.symbol("a/x"), .port = 81}}, {});
  EXPECT_EQ(no_port.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(base::message(no_port.status()), "service a/x: has no port 81");
  const auto no_service = compile::plan_port(
      world.snapshot, {.query = {.service = world.symbol("a/y"), .port = 80}}, {});
  EXPECT_EQ(no_service.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(base::message(no_service.status()), "service a/y: not in the mesh");
}

compile::Tables tables_of(const std::vector<ServiceRow>& services) {
  World world;
  world.apply({.services = services});
  return world.tables();
}

TEST(Diff, UpsertsAndRemovals) {
  const ServiceRow x = {.key = "a/x", .addresses = {"10.96.0.1"}};
  const ServiceRow y = {.key = "a/y", .addresses = {"10.96.0.2"}};
  const ServiceRow y2 = {.key = "a/y", .addresses = {"10.96.0.3"}};
  const ServiceRow z = {.key = "a/z", .addresses = {"10.96.0.4"}};
  const auto have = tables_of({x, y, z});
  const auto want = tables_of({x, y2, {.key = "b/new", .addresses = {"10.96.0.5"}}});
  const compile::Diff diff = compile::diff(have, want);
  EXPECT_THAT(diff.removals, ElementsAre("a/z"));
  ASSERT_EQ(diff.upserts.size(), 2u);
  EXPECT_EQ(diff.upserts[0], want.services.at("a/y"));
  EXPECT_EQ(diff.upserts[1], want.services.at("b/new"));
  EXPECT_TRUE(compile::diff(want, want).empty());
  EXPECT_THAT(compile::diff({}, have).removals, IsEmpty());
  EXPECT_THAT(compile::diff(have, {}).removals, ElementsAre("a/x", "a/y", "a/z"));
}

}  // namespace
}  // namespace vicinity::testing
