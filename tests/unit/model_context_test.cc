// This node's own context: majority per group, ties, overrides, memory (semantics 2.3).
#include <gtest/gtest.h>

#include <string>

#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

WorkloadRow at(const std::string& uid, const std::string& region, const std::string& zone) {
  return {.uid = uid, .region = region, .zone = zone, .node = "here"};
}

TEST(OwnContext, UnknownUntilAWorkloadOfThisNodeComes) {
  World world;
  EXPECT_FALSE(world.snapshot.self_known());
  world.apply({.workloads = {{.uid = "far", .region = "r9", .node = "there"}}});
  EXPECT_FALSE(world.snapshot.self_known());
  EXPECT_EQ(world.self(), "network= cluster= locality= node=here");
  world.apply({.workloads = {{.uid = "near", .network = "n1", .region = "r", .node = "here"}}});
  EXPECT_TRUE(world.snapshot.self_known());
  EXPECT_EQ(world.self(), "network=n1 cluster=Kubernetes locality=r node=here");
}

TEST(OwnContext, MajorityPerGroup) {
  World world;
  world.apply({.workloads = {
                   {.uid = "1", .network = "n1", .cluster = "c1", .region = "r1", .node = "here"},
                   {.uid = "2", .network = "n2", .cluster = "c1", .region = "r2", .node = "here"},
                   {.uid = "3", .network = "n2", .cluster = "c3", .region = "r1", .node = "here"},
               }});
  EXPECT_EQ(world.self(), "network=n2 cluster=c1 locality=r1 node=here");
}

TEST(OwnContext, LocalityIsOneGroup) {
  // Level by level, "r1/z2" would win, where nobody is.
  World world;
  world.apply({.workloads = {at("1", "r1", "z1"), at("2", "r1", "z1"), at("3", "r1", "z3"),
                             at("4", "r2", "z2"), at("5", "r3", "z2"), at("6", "r4", "z2")}});
  EXPECT_EQ(world.self(), "network= cluster=Kubernetes locality=r1/z1 node=here");
}

TEST(OwnContext, TiesGoToTheSmallestName) {
  World world;  // interned in the order b, a: the name decides, not the id
  world.apply({.workloads = {at("1", "b", "z"), at("2", "a", "z")}});
  EXPECT_EQ(world.self(), "network= cluster=Kubernetes locality=a/z node=here");
}

TEST(OwnContext, TheLastValueStays) {
  World world;
  world.apply({.workloads = {at("1", "r", "z")}});
  world.apply({.removed = {"1"}});
  EXPECT_TRUE(world.snapshot.self_known());
  EXPECT_EQ(world.self(), "network= cluster=Kubernetes locality=r/z node=here");
  world.apply({.workloads = {at("2", "r2", "z2")}});
  EXPECT_EQ(world.self(), "network= cluster=Kubernetes locality=r2/z2 node=here");
}

TEST(OwnContext, AWorkloadThatMovesAwayNoLongerCounts) {
  World world;
  world.apply({.workloads = {at("1", "r1", ""), at("2", "r2", ""), at("3", "r2", "")}});
  world.apply({.workloads = {{.uid = "2", .region = "r2", .node = "there"},
                             {.uid = "3", .region = "r2", .node = "there"}}});
  EXPECT_EQ(world.self(), "network= cluster=Kubernetes locality=r1 node=here");
}

TEST(OwnContext, OverridesWin) {
  World world({.network = "fixed", .region = "R", .zone = "Z"});
  EXPECT_FALSE(world.snapshot.self_known());  // the cluster is still open
  world.apply(
      {.workloads = {{.uid = "1", .network = "n", .cluster = "c", .region = "r", .node = "here"}}});
  EXPECT_EQ(world.self(), "network=fixed cluster=c locality=R/Z node=here");
  EXPECT_TRUE(World({.network = "", .cluster = "", .region = ""}).snapshot.self_known());
}

TEST(OwnContext, RestoredUntilTheFeedSaysOtherwise) {
  World world({.network = "fixed"});
  world.snapshot.restore_self(
      {.network = world.symbol("old"), .cluster = world.symbol("c"), .region = world.symbol("r")});
  EXPECT_TRUE(world.snapshot.self_known());
  EXPECT_EQ(world.self(), "network=fixed cluster=c locality=r node=here");
  world.apply({.workloads = {at("1", "r2", "z2")}});
  EXPECT_EQ(world.self(), "network=fixed cluster=Kubernetes locality=r2/z2 node=here");
}

TEST(OwnContext, RestoringDoesNotBeatTheFeed) {
  World world;
  world.apply({.workloads = {at("1", "r2", "z2")}});
  world.snapshot.restore_self({.region = world.symbol("r")});
  EXPECT_EQ(world.self(), "network= cluster=Kubernetes locality=r2/z2 node=here");
}

TEST(OwnContext, AChangeTouchesEveryServiceOnce) {
  World world;
  world.apply({.services = {{.key = "a/x"}, {.key = "b/y"}}});
  EXPECT_EQ(world.changes(), (std::vector<std::string>{"a/x", "b/y"}));
  world.apply({.workloads = {at("1", "r", "z")}});
  auto changes = world.snapshot.take_changes();
  EXPECT_TRUE(changes.context_changed);
  EXPECT_EQ(changes.services.size(), 2u);
  world.apply({.workloads = {at("2", "r", "z")}});
  changes = world.snapshot.take_changes();
  EXPECT_FALSE(changes.context_changed);
  EXPECT_TRUE(changes.services.empty());
}

}  // namespace
}  // namespace vicinity::testing
