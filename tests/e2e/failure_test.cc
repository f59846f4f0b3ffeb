// Endpoints that die without the feed saying so: real connections, the real daemon, and how many of
// them fail. The rule is the one of the write-up, docs/examples/istio/failover.yaml, with a shorter
// ejection.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* kNode = "n1";
constexpr const char* kVip = "10.96.0.10";
constexpr uint16_t kPort = 5000;
constexpr const char* kService = "default/helloworld-svc.default.svc.cluster.local";

// Endpoints of a zone: ports of one pod, from `first_port` on.
struct Zone {
  const char* name;
  const char* pod;
  const char* address;
  uint16_t first_port;
};
constexpr Zone kNear{"b", "near", "10.244.1.20", 6000};
constexpr Zone kFar{"a", "far", "10.244.1.30", 7000};

std::string workload_of(const Zone& zone, int number) {
  return fmt::format(
      "---\nworkload: {{uid: {0}{1}, name: {0}{1}, namespace: default, node: {0}{1}, addresses: "
      "[{2}], locality: {{region: kr, zone: {3}}}, services: {{{4}: {{ports: [{{servicePort: {5}, "
      "targetPort: {6}}}]}}}}}}\n",
      zone.pod, number, zone.address, zone.name, kService, kPort, zone.first_port + number);
}

std::string mesh_of(int near, int far) {
  std::string text = fmt::format(
      "service: {{name: helloworld-svc, namespace: default, hostname: "
      "helloworld-svc.default.svc.cluster.local, addresses: [{0}], ports: [{{servicePort: {1}, "
      "targetPort: {1}}}]}}\n---\nworkload: {{uid: client, name: client, namespace: default, node: "
      "{2}, addresses: [10.244.1.5], locality: {{region: kr, zone: b}}}}\n",
      kVip, kPort, kNode);
  for (int i = 0; i < near; ++i) text += workload_of(kNear, i);
  for (int i = 0; i < far; ++i) text += workload_of(kFar, i);
  return text;
}

class FailureE2e : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    std::string pattern = (fs::temp_directory_path() / "vicinity-failure-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    WorldSpec world{.nodes = {kNode},
                    .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.5"}},
                             {.name = kNear.pod, .node = kNode, .addresses = {kNear.address}},
                             {.name = kFar.pod, .node = kNode, .addresses = {kFar.address}}}};
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_, Cluster::create({.world = std::move(world)}));
    VICINITY_ASSERT_OK_AND_ASSIGN(agent_, cluster_->world().pod("client").agent());
  }
  void TearDown() override {
    servers_.clear();
    if (cluster_ != nullptr) {
      VICINITY_EXPECT_OK(cluster_->stop_daemon(kNode));
      VICINITY_EXPECT_OK(cluster_->world().shut_down());
    }
    fs::remove_all(folder_);
  }

  // Endpoint `number` of the zone, and `count` - 1 more behind it, begin to "answer", or to be
  // "silent".
  void serve(const Zone& zone, int number, int count, const char* mode = "answer") {
    const std::string name = fmt::format("{}{}", zone.pod, number);
    VICINITY_ASSERT_OK_AND_ASSIGN(
        Process server,
        cluster_->world().pod(zone.pod).spawn(
            {.argv = {program_path("vic_failing_server"), mode, zone.address,
                      std::to_string(zone.first_port + number), std::to_string(count)}}));
    VICINITY_ASSERT_OK(server.wait_for_line("serving", 20s));
    servers_.insert_or_assign(name, std::move(server));
  }
  void kill(const Zone& zone, int number) { servers_.erase(fmt::format("{}{}", zone.pod, number)); }
  // `outlier` = the fields of outlierDetection.
  void start(int near, int far, const std::string& outlier,
             const std::vector<std::string>& flags = {}) {
    const auto file = feed::parse_mesh(mesh_of(near, far));
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    cluster_->control_plane().set_resources(file.resources);
    std::ofstream(folder_ / "rule.yaml") << fmt::format(
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: r}}\nspec: "
        "{{host: helloworld-svc.default.svc.cluster.local, trafficPolicy: {{loadBalancer: "
        "{{simple: "
        "RANDOM}}, outlierDetection: {{{}}}}}}}\n",
        outlier);
    flags_ = {"--policy-dir", folder_.string()};
    flags_.insert(flags_.end(), flags.begin(), flags.end());
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, flags_));
    expect_endpoints(near, far);
  }
  // How many endpoints of each zone the kernel's table has.
  void expect_endpoints(int near, int far) {
    std::pair<int, int> seen;
    EXPECT_TRUE(wait_until([&] { return (seen = endpoints()) == std::pair(near, far); }, 30s))
        << "expected " << near << " and " << far << ", in the kernel " << seen.first << " and "
        << seen.second;
  }
  std::pair<int, int> endpoints() {
    std::pair<int, int> count{0, 0};
    const auto tables = cluster_->tables(kNode);
    if (!tables.ok() || !tables->services.contains(kService)) return count;
    for (const auto& port : tables->services.at(kService).ports) {
      for (const auto& slot : port.slots) {
        ++(slot.address.to_string() == kNear.address ? count.first : count.second);
      }
    }
    return count;
  }
  Tally connect(uint64_t times, Duration patience = 5s, double rate = 0) {
    auto tally = agent_->connect_many({.targets = {{.address = kVip, .port = kPort}},
                                       .rate_per_second = rate,
                                       .workers = rate > 0 ? 8u : 1u,
                                       .limit = times,
                                       .timeout = patience});
    EXPECT_TRUE(tally.ok()) << tally.status();
    return tally.ok() ? *tally : Tally{};
  }
  std::string ctl(const std::vector<std::string>& arguments) {
    const auto result = cluster_->ctl(kNode, arguments);
    return result.ok() ? result->out : std::string(result.status().message());
  }
  // Of `vicinityctl endpoints`.
  void expect_shown(const std::string& text) {
    std::string seen;
    const std::vector<std::string> ask = {"endpoints", kService};
    EXPECT_TRUE(wait_until([&] { return (seen = ctl(ask)).find(text) != std::string::npos; }, 30s))
        << text << " is not in\n"
        << seen;
  }

  fs::path folder_;
  std::unique_ptr<Cluster> cluster_;
  PodAgent* agent_ = nullptr;
  std::map<std::string, Process> servers_;
  std::vector<std::string> flags_;
};

// Ten endpoints, so that the default of 10 % allows one ejection.
TEST_F(FailureE2e, ADeadEndpointCostsTwoOfAThousandConnects) {
  serve(kNear, 0, 1);
  serve(kNear, 1, 1);
  serve(kFar, 0, 8);
  start(2, 8, "consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 4s");
  EXPECT_EQ(connect(200).failed(), 0u);
  kill(kNear, 0);
  const Tally after = connect(1000);
  fmt::print("hook on: {} of {} connects failed\n", after.failed(), after.attempts);
  EXPECT_LE(after.failed(), 2u);
  EXPECT_GE(after.failed(), 1u) << "nobody met the dead one";
  expect_shown("ejected until");
  EXPECT_THAT(ctl({"explain", "--service", kService}), HasSubstr("near0     ejected"));
  // Back after its time.
  serve(kNear, 0, 1);
  expect_endpoints(2, 8);
  const Tally back = connect(400);
  EXPECT_EQ(back.failed(), 0u);
  EXPECT_GT(back.by_answer.at("10.244.1.20:6000"), 50u);
  EXPECT_THAT(ctl({"metrics"}),
              HasSubstr("vicinity_ejections_total{cause=\"consecutive_5xx\"} 1\n"));
}

TEST_F(FailureE2e, WithoutTheHookItCostsOneInterval) {
  serve(kNear, 0, 1);
  serve(kNear, 1, 1);
  serve(kFar, 0, 8);
  start(2, 8, "consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 60s",
        {"--outlier-hook", "off"});
  kill(kNear, 0);
  constexpr double kRate = 250;
  const Tally after = connect(1000, 5s, kRate);
  fmt::print("hook off: {} of {} connects failed, {} a second\n", after.failed(), after.attempts,
             kRate);
  EXPECT_LE(after.failed(), static_cast<uint64_t>(kRate));
  EXPECT_EQ(connect(200).failed(), 0u);
}

TEST_F(FailureE2e, ADeadZoneCostsThreeConnectsOfEachEndpoint) {
  constexpr int kEndpoints = 20;
  serve(kNear, 0, kEndpoints);
  serve(kFar, 0, 2);
  start(kEndpoints, 2,
        "consecutive5xxErrors: 3, interval: 1s, baseEjectionTime: 60s, maxEjectionPercent: 100");
  EXPECT_EQ(connect(100).failed(), 0u);
  kill(kNear, 0);
  serve(kNear, 0, kEndpoints, "silent");
  uint64_t failed = 0;
  uint64_t reached = 0;
  // Until fifty in a row came through.
  while (reached < 50 && failed <= 4 * kEndpoints) {
    auto tally = agent_->connect_many({.targets = {{.address = kVip, .port = kPort}},
                                       .workers = 1,  // connects under way know of no other
                                       .limit = 8,
                                       .timeout = 1200ms});
    ASSERT_TRUE(tally.ok());
    failed += tally->failed();
    reached = tally->failed() > 0 ? 0 : reached + tally->attempts;
  }
  fmt::print("dead zone of {}: {} connects failed\n", kEndpoints, failed);
  EXPECT_LE(failed, 3u * kEndpoints);
  expect_endpoints(0, 2);
}

TEST_F(FailureE2e, ABrokenClientBlackholesNothing) {
  start(2, 3,
        "consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 60s, "
        "maxEjectionPercent: 100");
  // Nobody serves: as if this node's network were broken. All are ejected, and all are used.
  const auto all_are_out = [&] {
    EXPECT_EQ(connect(20).failed(), 20u);
    return ctl({"metrics"}).find("vicinity_ejected_endpoints 5\n") != std::string::npos;
  };
  EXPECT_TRUE(wait_until(all_are_out, 30s));
  expect_endpoints(2, 3);
  EXPECT_THAT(ctl({"explain", "--service", kService}),
              HasSubstr("the ejected are used like the others"));
  serve(kNear, 0, 2);
  serve(kFar, 0, 3);
  EXPECT_TRUE(wait_until([&] { return connect(20).failed() == 0; }, 30s));
}

TEST_F(FailureE2e, NoMoreAreOutThanMayBe) {
  start(6, 4,
        "consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 60s, "
        "maxEjectionPercent: 30");
  (void)connect(300);
  expect_endpoints(3, 4);
  (void)connect(300);
  EXPECT_THAT(ctl({"metrics"}), HasSubstr("vicinity_ejected_endpoints 3\n"));
}

TEST_F(FailureE2e, ARestartKeepsWhoIsOut) {
  serve(kNear, 1, 1);
  serve(kFar, 0, 8);
  start(2, 8, "consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 300s");
  (void)connect(20);
  expect_endpoints(1, 8);
  VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, flags_));
  EXPECT_EQ(connect(200).failed(), 0u);
  expect_shown("ejected until");
  EXPECT_EQ(endpoints(), std::pair(1, 8));
}

}  // namespace
}  // namespace vicinity::testing
