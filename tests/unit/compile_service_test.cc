// Whole services: which have a table, which families and ports it has, and differences between
// tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
      {"a range only", {.key = "a/x", .addresses = {"10.0.0.0/8"}}, {}, false},
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
