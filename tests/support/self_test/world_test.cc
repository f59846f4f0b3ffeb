// The world itself: who reaches whom, where a VIP leads, and that nothing is left of it.
#include "support/world.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/bpffs.h"
#include "support/self_test/fixture.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

struct Reach {
  std::string address;
  std::string answer;
};

TEST_F(TwoNodes, PodsReachEachOtherInBothFamilies) {
  VICINITY_ASSERT_OK(world_->pod("a").serve({.instance = "a", .protocol = ServeProtocol::kBanner}));
  VICINITY_ASSERT_OK(world_->pod("b").serve({.instance = "b", .protocol = ServeProtocol::kBanner}));
  const std::vector<Reach> rows = {{"10.244.1.5", "a"},
                                   {"10.244.2.5", "b"},
                                   {"fd00:10:244:1::5", "a"},
                                   {"fd00:10:244:2::5", "b"},
                                   {"::ffff:10.244.2.5", "b"}};
  for (const Reach& row : rows) {
    SCOPED_TRACE(row.address);
    VICINITY_ASSERT_OK_AND_ASSIGN(
        const auto result, world_->pod("client").connect({.address = row.address, .port = 5000}));
    EXPECT_EQ(result.error, 0);
    EXPECT_EQ(result.answer, row.answer);
  }
}

TEST_F(TwoNodes, VipWithoutARouteFailsAtOnce) {
  for (const std::string address : {"10.96.0.10", "fd00:10:96::3", "::ffff:10.96.0.10"}) {
    SCOPED_TRACE(address);
    VICINITY_ASSERT_OK_AND_ASSIGN(
        const auto result, world_->pod("client").connect({.address = address, .port = 5000}));
    EXPECT_EQ(result.error, ENETUNREACH);
    EXPECT_EQ(result.stage, Stage::kConnect);
    EXPECT_LT(result.latency_ns, Duration(100ms).count());
  }
}

TEST_F(TwoNodes, ClosedPortIsRefusedByThePodItself) {
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto result, world_->pod("client").connect({.address = "10.244.2.5", .port = 81}));
  EXPECT_EQ(result.error, ECONNREFUSED);
  EXPECT_EQ(result.stage, Stage::kConnect);
}

TEST_F(TwoNodes, ReplacedPodIsReachedAtItsOldAddress) {
  for (const std::string instance : {"first", "second", "third"}) {
    SCOPED_TRACE(instance);
    VICINITY_ASSERT_OK(world_->remove_pod("b"));
    VICINITY_ASSERT_OK_AND_ASSIGN(
        Pod* const pod,
        world_->add_pod(
            {.name = "b", .node = "node2", .addresses = {"10.244.2.5", "fd00:10:244:2::5"}}));
    VICINITY_ASSERT_OK(pod->serve({.instance = instance, .protocol = ServeProtocol::kBanner}));
    for (const std::string address : {"10.244.2.5", "fd00:10:244:2::5"}) {
      VICINITY_ASSERT_OK_AND_ASSIGN(
          const auto result, world_->pod("client").connect({.address = address, .port = 5000}));
      EXPECT_EQ(result.answer, instance) << "errno " << result.error;
    }
  }
}

TEST_F(TwoNodes, RemovedPodIsNotReached) {
  VICINITY_ASSERT_OK(world_->pod("b").serve({.instance = "b", .protocol = ServeProtocol::kBanner}));
  VICINITY_ASSERT_OK(world_->remove_pod("b"));
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto result,
      world_->pod("client").connect({.address = "10.244.2.5", .port = 5000, .timeout = 100ms}));
  EXPECT_TRUE(result.error == ETIMEDOUT || result.error == EHOSTUNREACH) << result.error;
}

struct Leak {
  std::string address;
  std::uint16_t port;
  Protocol protocol;
  Decoy::Arrivals arrivals;
};

TEST(Decoy, CountsWhateverReachesAVip) {
  VICINITY_ROOT_OR_FAIL();
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto world, World::create(two_nodes(DecoySpec{})));
  EXPECT_EQ(world->decoy()->arrivals(), Decoy::Arrivals{});
  const std::vector<Leak> rows = {
      {"10.96.0.10", 5000, Protocol::kTcp, {.accepts = 1}},
      {"10.96.255.1", 1, Protocol::kTcp, {.accepts = 2}},
      {"fd00:10:96::3", 443, Protocol::kTcp, {.accepts = 3}},
      {"::ffff:10.96.0.10", 65535, Protocol::kTcp, {.accepts = 4}},
      {"10.96.0.10", 53, Protocol::kUdp, {.accepts = 4, .datagrams = 1}},
      {"fd00:10:96::3", 53, Protocol::kUdpUnconnected, {.accepts = 4, .datagrams = 2}},
  };
  for (const Leak& row : rows) {
    SCOPED_TRACE(row.address);
    VICINITY_ASSERT_OK_AND_ASSIGN(
        const auto result,
        world->pod("client").connect(
            {.address = row.address, .port = row.port, .protocol = row.protocol, .timeout = 50ms}));
    if (row.protocol == Protocol::kTcp) EXPECT_EQ(result.answer, kDecoyAnswer);
    EXPECT_EQ(world->decoy()->arrivals(), row.arrivals);
  }
}

TEST(Decoy, SeesNothingOfTrafficBetweenPods) {
  VICINITY_ROOT_OR_FAIL();
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto world, World::create(two_nodes(DecoySpec{})));
  VICINITY_ASSERT_OK(world->pod("b").serve({.instance = "b", .protocol = ServeProtocol::kBanner}));
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto result, world->pod("client").connect({.address = "10.244.2.5", .port = 5000}));
  EXPECT_EQ(result.answer, "b");
  EXPECT_EQ(world->decoy()->accepts(), 0U);
}

std::vector<std::string> named_after_us() {
  const std::string prefix = fmt::format("vicinity-test-{}-", getpid());
  std::vector<std::string> result;
  for (const std::string& folder : {std::string(kBpffs), cgroup2_mount().value()}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(prefix)) result.push_back(entry.path().string());
    }
  }
  return result;
}

TEST(World, LeavesNothingBehind) {
  VICINITY_ROOT_OR_FAIL();
  ASSERT_TRUE(named_after_us().empty());
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto world, World::create(two_nodes(DecoySpec{})));
  VICINITY_ASSERT_OK(world->pod("a").serve({.instance = "a"}));
  VICINITY_ASSERT_OK_AND_ASSIGN(PodAgent* const agent, world->pod("client").agent());
  const std::vector<ino_t> inodes = {world->netns().inode(), world->pod("a").netns().inode(),
                                     world->pod("client").netns().inode()};
  EXPECT_EQ(inhabitants(inodes).size(), 2U);
  EXPECT_EQ(named_after_us().size(), 2U);
  const pid_t pid = agent->pid();
  VICINITY_ASSERT_OK(world->shut_down());
  EXPECT_TRUE(named_after_us().empty());
  EXPECT_NE(kill(pid, 0), 0);
}

TEST(World, ReportsAProcessThatTheTestForgot) {
  VICINITY_ROOT_OR_FAIL();
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto world, World::create(two_nodes()));
  VICINITY_ASSERT_OK_AND_ASSIGN(
      Process forgotten,
      Process::spawn({.argv = {"sleep", "60"}, .cgroup = &world->node("node2").cgroup()}));
  const absl::Status status = world->shut_down();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.ToString().find("(sleep)"), std::string::npos) << status.ToString();
  EXPECT_TRUE(named_after_us().empty());
  VICINITY_ASSERT_OK_AND_ASSIGN(const ExitStatus end, forgotten.wait(5s));
  EXPECT_EQ(end.signal, SIGKILL);
}

TEST(World, SeveralStandSideBySide) {
  VICINITY_ROOT_OR_FAIL();
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto one, World::create(two_nodes()));
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto two, World::create(two_nodes()));
  VICINITY_ASSERT_OK(one->pod("b").serve({.instance = "one", .protocol = ServeProtocol::kBanner}));
  VICINITY_ASSERT_OK(two->pod("b").serve({.instance = "two", .protocol = ServeProtocol::kBanner}));
  for (const auto& [world, name] : {std::pair(one.get(), "one"), std::pair(two.get(), "two")}) {
    VICINITY_ASSERT_OK_AND_ASSIGN(
        const auto result, world->pod("client").connect({.address = "10.244.2.5", .port = 5000}));
    EXPECT_EQ(result.answer, name);
  }
}

TEST(World, FourPodsAndADecoyStandWithinHalfASecond) {
  VICINITY_ROOT_OR_FAIL();
  WorldSpec spec = two_nodes(DecoySpec{});
  spec.pods.push_back({.name = "c", .node = "node2", .addresses = {"10.244.3.5"}});
  const std::int64_t before = monotonic_ns();
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto world, World::create(spec));
  const std::int64_t took_ms = (monotonic_ns() - before) / 1'000'000;
  RecordProperty("took_ms", static_cast<int>(took_ms));
  fmt::print("a world of 4 pods and a decoy: {} ms\n", took_ms);
  EXPECT_LT(took_ms, 500);
}

TEST(World, WrongAddressesAreRefusedByName) {
  VICINITY_ROOT_OR_FAIL();
  const auto world =
      World::create({.pods = {{.name = "a", .node = "node1", .addresses = {"10.244.1.555"}}}});
  ASSERT_FALSE(world.ok());
  EXPECT_NE(world.status().ToString().find("10.244.1.555"), std::string::npos);
  EXPECT_TRUE(named_after_us().empty());
}

}  // namespace
}  // namespace vicinity::testing
