// What runs in a pod: where it is, what it reports, what the servers answer.
#include "support/pod.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "support/self_test/fixture.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

std::string cgroup_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/cgroup", pid));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return "";
}

TEST_F(TwoNodes, AgentLivesInThePodsCgroupAndNamespace) {
  Pod& client = world_->pod("client");
  VICINITY_ASSERT_OK_AND_ASSIGN(PodAgent* const agent, client.agent());
  VICINITY_ASSERT_OK_AND_ASSIGN(const std::string mount, cgroup2_mount());
  EXPECT_EQ(mount + cgroup_of(agent->pid()), client.cgroup().path());
  EXPECT_EQ(client.cgroup().path(), world_->node("node1").cgroup().path() + "/client");
  EXPECT_EQ(inhabitants({client.netns().inode()}), std::vector<pid_t>{agent->pid()});
}

struct Answer {
  ServeSpec serve;
  Protocol protocol;
  Talk talk;
  std::string address;
  std::string answer;
};

TEST_F(TwoNodes, ServersSayWhoTheyAre) {
  const std::vector<Answer> rows = {
      {{.version = "v7", .instance = "hw-1", .ports = {81}},
       Protocol::kTcp,
       Talk::kHttp,
       "10.244.2.5",
       "Hello version: v7, instance: hw-1"},
      {{.version = "v1", .instance = "", .ports = {82}},
       Protocol::kTcp,
       Talk::kHttp,
       "fd00:10:244:2::5",
       "Hello version: v1, instance: [fd00:10:244:2::5]:82"},
      {{.instance = "", .ports = {83}, .protocol = ServeProtocol::kBanner},
       Protocol::kTcp,
       Talk::kFirstLine,
       "10.244.2.5",
       "10.244.2.5:83"},
      {{.instance = "u", .ports = {84}, .protocol = ServeProtocol::kUdp},
       Protocol::kUdp,
       Talk::kFirstLine,
       "10.244.2.5",
       "u"},
      {{.instance = "u6", .ports = {85}, .protocol = ServeProtocol::kUdp},
       Protocol::kUdpUnconnected,
       Talk::kFirstLine,
       "fd00:10:244:2::5",
       "u6"},
  };
  for (const Answer& row : rows) {
    SCOPED_TRACE(row.answer);
    VICINITY_ASSERT_OK(world_->pod("b").serve(row.serve));
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto result,
                                  world_->pod("client").connect({.address = row.address,
                                                                 .port = row.serve.ports[0],
                                                                 .protocol = row.protocol,
                                                                 .talk = row.talk}));
    EXPECT_EQ(result.error, 0);
    EXPECT_EQ(result.answer, row.answer);
  }
}

TEST_F(TwoNodes, BothEndsAreNamed) {
  VICINITY_ASSERT_OK(world_->pod("b").serve({.instance = "b"}));
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto result,
      world_->pod("client").connect({.address = "10.244.2.5", .port = 5000, .talk = Talk::kNone}));
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(result.peer, "10.244.2.5:5000");
  EXPECT_TRUE(result.local.starts_with("10.244.1.9:")) << result.local;
  EXPECT_GT(result.latency_ns, 0);
}

TEST_F(TwoNodes, CurlRunsInAPod) {
  VICINITY_ASSERT_OK(world_->pod("b").serve({.version = "v2", .instance = "helloworld-2"}));
  for (const std::string url :
       {"http://10.244.2.5:5000/hello", "http://[fd00:10:244:2::5]:5000/hello"}) {
    VICINITY_ASSERT_OK_AND_ASSIGN(
        const Completed curl,
        world_->pod("client").run({"curl", "-sS", "--max-time", "5", url}, 10s));
    EXPECT_EQ(curl.exit_code, 0) << curl.err;
    EXPECT_EQ(curl.out, "Hello version: v2, instance: helloworld-2\n");
  }
}

TEST_F(TwoNodes, UnknownPathIsNotFound) {
  VICINITY_ASSERT_OK(world_->pod("b").serve({.instance = "b"}));
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const Completed curl,
      world_->pod("client").run({"curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                                 "--max-time", "5", "http://10.244.2.5:5000/other"},
                                10s));
  EXPECT_EQ(curl.out, "404");
}

TEST_F(TwoNodes, StoppedServerRefuses) {
  Pod& b = world_->pod("b");
  VICINITY_ASSERT_OK(b.serve({.instance = "b"}));
  b.stop_serving();
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto result, world_->pod("client").connect({.address = "10.244.2.5", .port = 5000}));
  EXPECT_EQ(result.error, ECONNREFUSED);
}

TEST_F(TwoNodes, ServerThatCannotBindSaysWhy) {
  const absl::Status status =
      world_->pod("b").serve({.instance = "b", .addresses = {"10.244.9.9"}});
  EXPECT_NE(status.ToString().find("bind 10.244.9.9:5000"), std::string::npos) << status.ToString();
}

}  // namespace
}  // namespace vicinity::testing
