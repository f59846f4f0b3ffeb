// Policy files on a real node: the examples of docs/examples/istio with real connections, and edits
// to the folder under a load of connects, none of which may fail.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/recordings.h"
#include "support/temp_folder.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* kNode = "n1";
constexpr const char* kVip = "10.96.0.10";
constexpr uint16_t kPort = 5000;
constexpr uint64_t kConnections = 10'000;
constexpr int kPods = 8;

std::string pod_address(int pod) { return fmt::format("10.244.1.{}", 10 + pod); }

fs::path example(const std::string& name) {
  return test_data_dir().parent_path().parent_path() / "docs" / "examples" / "istio" / name;
}

// A service of that short name in `default`, the client in its locality on this node, and pod i of
// the world in the i-th of `localities`; "-LOCALITY" is unhealthy.
struct Layout {
  std::string service = "helloworld-svc";
  std::string client;
  std::vector<std::string> localities;
};

std::string locality_fields(const std::string& locality) {
  const size_t slash = locality.find('/');
  const std::string zone = slash == std::string::npos ? "" : locality.substr(slash + 1);
  return fmt::format("{{region: {}, zone: \"{}\"}}", locality.substr(0, slash), zone);
}

std::string mesh_of(const Layout& layout) {
  const std::string host = layout.service + ".default.svc.cluster.local";
  std::string text = fmt::format(
      "service: {{name: {0}, namespace: default, hostname: {1}, addresses: [{2}], ports: "
      "[{{servicePort: {3}, targetPort: {3}}}]}}\n---\nworkload: {{uid: client, name: client, "
      "namespace: default, node: {4}, addresses: [10.244.1.5], locality: {5}}}\n",
      layout.service, host, kVip, kPort, kNode, locality_fields(layout.client));
  for (size_t i = 0; i < layout.localities.size(); ++i) {
    std::string locality = layout.localities[i];
    const bool sick = locality.starts_with('-');
    if (sick) locality.erase(0, 1);
    text += fmt::format(
        "---\nworkload: {{uid: w{0}, name: w{0}, namespace: default, node: m{0}, addresses: [{1}], "
        "locality: {2}, status: {3}, services: {{default/{4}: {{}}}}}}\n",
        i, pod_address(static_cast<int>(i)), locality_fields(locality),
        sick ? "UNHEALTHY" : "HEALTHY", host);
  }
  return text;
}

using Percent = std::map<std::string, double>;  // by locality

class PoliciesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    WorldSpec world{.nodes = {kNode},
                    .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.5"}}}};
    for (int i = 0; i < kPods; ++i) {
      world.pods.push_back(
          {.name = fmt::format("w{}", i), .node = kNode, .addresses = {pod_address(i)}});
    }
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_, Cluster::create({.world = std::move(world)}));
    for (int i = 0; i < kPods; ++i) {
      VICINITY_ASSERT_OK(cluster_->world()
                             .pod(fmt::format("w{}", i))
                             .serve({.instance = fmt::format("w{}", i),
                                     .ports = {kPort},
                                     .protocol = ServeProtocol::kBanner}));
    }
    VICINITY_ASSERT_OK_AND_ASSIGN(agent_, cluster_->world().pod("client").agent());
  }
  void TearDown() override {
    if (cluster_ != nullptr) {
      VICINITY_EXPECT_OK(cluster_->stop_daemon(kNode));
      VICINITY_EXPECT_OK(cluster_->world().shut_down());
    }
  }

  void lay_out(Layout layout) {
    layout_ = std::move(layout);
    const auto file = feed::parse_mesh(mesh_of(layout_));
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    cluster_->control_plane().set_resources(file.resources);
  }
  void start() {
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, {"--policy-dir", folder_.string()}));
  }
  // By a rename, as `kubectl apply` of a ConfigMap would come.
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / ".new") << text;
    fs::rename(folder_ / ".new", folder_ / name);
  }
  void use(const std::string& name) {
    std::ifstream file(example(name));
    write("policy.yaml", {std::istreambuf_iterator<char>(file), {}});
  }
  // "any 10.244.1.10 10.244.1.11": the mode, and the endpoints with load in the kernel; without
  // any, what happens then.
  std::string in_kernel() {
    const auto tables = cluster_->tables(kNode);
    if (!tables.ok()) return std::string(tables.status().message());
    const auto found =
        tables->services.find("default/" + layout_.service + ".default.svc.cluster.local");
    if (found == tables->services.end() || found->second.ports.empty()) return "none";
    const auto& port = found->second.ports.front();
    std::string text(policy::mode_name(port.mode));
    if (port.loaded == 0) text += fmt::format(" {}", policy::on_empty_name(port.on_empty));
    for (size_t i = 0; i < port.loaded; ++i) text += " " + port.slots[i].address.to_string();
    return text;
  }
  // Pods of these numbers, as in_kernel() shows them when they have load.
  void expect_kernel(const std::string& mode, const std::vector<int>& pods) {
    std::string expected = mode;
    for (const int pod : pods) expected += " " + pod_address(pod);
    std::string seen;
    EXPECT_TRUE(wait_until([&] { return (seen = in_kernel()) == expected; }, 10s))
        << "expected " << expected << ", in the kernel " << seen;
  }
  // 10,000 connections; five standard deviations each, and nobody else.
  void expect_shares(const Percent& percent) {
    VICINITY_ASSERT_OK_AND_ASSIGN(
        const auto tally, agent_->connect_many({.targets = {{.address = kVip, .port = kPort}},
                                                .limit = kConnections}));
    EXPECT_EQ(tally.failed(), 0U);
    std::map<std::string, double> counts;
    for (const auto& [instance, count] : tally.by_answer) {
      const std::string& locality = layout_.localities.at(std::stoul(instance.substr(1)));
      counts[locality] += static_cast<double>(count);
    }
    EXPECT_EQ(counts.size(), percent.size());
    for (const auto& [locality, share] : percent) {
      const double p = share / 100;
      const double mean = p * kConnections;
      EXPECT_NEAR(counts[locality], mean, 5 * std::sqrt(mean * (1 - p)) + 1) << locality;
    }
  }
  void expect_refused() {
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto result,
                                  agent_->connect({.address = kVip, .port = kPort}));
    EXPECT_EQ(result.error, ECONNREFUSED);
    EXPECT_EQ(result.stage, Stage::kConnect);
  }

  TempFolder folder_ = TempFolder::create("policies").value();
  Layout layout_;
  std::unique_ptr<Cluster> cluster_;
  PodAgent* agent_ = nullptr;
};

TEST_F(PoliciesTest, FourLocalitiesWithoutAPolicyShareEvenly) {
  lay_out({.service = "helloworld",
           .client = "kr/a",
           .localities = {"kr/a", "kr/a", "kr/b", "kr/b", "us/a", "us/a", "us/b", "us/b"}});
  use("helloworld.yaml");
  start();
  expect_kernel("any", {0, 1, 2, 3, 4, 5, 6, 7});
  expect_shares({{"kr/a", 25}, {"kr/b", 25}, {"us/a", 25}, {"us/b", 25}});
}

TEST_F(PoliciesTest, OwnZoneThenTheOthersThenFailover) {
  lay_out({.client = "kr/b",
           .localities = {"kr/a", "kr/a", "kr/a", "kr/b", "kr/b", "kr/c", "kr/c", "kr/c"}});
  use("distribute-own-zone.yaml");
  start();
  expect_kernel("distribute", {3, 4});
  expect_shares({{"kr/b", 100}});

  use("distribute-other-zones.yaml");
  expect_kernel("distribute", {0, 1, 2, 5, 6, 7});
  expect_shares({{"kr/a", 90}, {"kr/c", 10}});

  use("failover.yaml");
  expect_kernel("prioritized", {3, 4});
  expect_shares({{"kr/b", 100}});
  // One of two healthy: 70 % stay.
  lay_out({.client = "kr/b",
           .localities = {"kr/a", "kr/a", "kr/a", "kr/b", "-kr/b", "kr/c", "kr/c", "kr/c"}});
  expect_kernel("prioritized", {3, 0, 1, 2, 5, 6, 7});
  expect_shares({{"kr/b", 70}, {"kr/a", 15}, {"kr/c", 15}});
  lay_out({.client = "kr/b",
           .localities = {"kr/a", "kr/a", "kr/a", "-kr/b", "-kr/b", "kr/c", "kr/c", "kr/c"}});
  expect_kernel("prioritized", {0, 1, 2, 5, 6, 7});
  expect_shares({{"kr/a", 50}, {"kr/c", 50}});
}

TEST_F(PoliciesTest, AllOfItToAnEmptyZoneIsRefused) {
  lay_out({.client = "kr/b", .localities = {"kr/a", "kr/a", "kr/c"}});
  use("distribute-own-zone.yaml");
  start();
  expect_kernel("distribute refuse", {});
  expect_refused();
  fs::remove(folder_ / "policy.yaml");
  expect_kernel("any", {0, 1, 2});
  expect_shares({{"kr/a", 66.667}, {"kr/c", 33.333}});
}

TEST_F(PoliciesTest, MeshWideDefaults) {
  lay_out({.client = "us-central1/a",
           .localities = {"us-central1/a", "us-central1/b", "us-central2/a", "eu/a"}});
  use("mesh-distribute.yaml");
  start();
  expect_kernel("distribute", {0, 1, 2});
  expect_shares({{"us-central1/a", 40}, {"us-central1/b", 40}, {"us-central2/a", 20}});

  // The failover target before other regions, once a rule opens the gate.
  lay_out({.client = "us-east/a", .localities = {"-us-east/a", "us-west/a", "eu-west/a"}});
  for (const char* mesh : {"mesh-failover.yaml", "mesh-config.yaml"}) {
    use(mesh);
    fs::remove(folder_ / "rule.yaml");
    expect_kernel("any", {1, 2});
    write(
        "rule.yaml",
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: gate}\nspec: "
        "{host: helloworld-svc.default.svc.cluster.local, trafficPolicy: {outlierDetection: "
        "{}}}\n");
    expect_kernel("prioritized", {2});
  }
  expect_shares({{"eu-west/a", 100}});
}

TEST_F(PoliciesTest, EditsReachTheKernelWithoutAFailedConnect) {
  lay_out({.client = "kr/b", .localities = {"kr/a", "kr/b", "kr/c"}});
  start();
  expect_kernel("any", {0, 1, 2});
  VICINITY_ASSERT_OK(agent_->start_load({.targets = {{.address = kVip, .port = kPort}}}));
  for (int round = 0; round < 10; ++round) {
    use("distribute-own-zone.yaml");
    expect_kernel("distribute", {1});
    use("distribute-other-zones.yaml");
    expect_kernel("distribute", {0, 2});
    // A bad document changes nothing.
    write("policy.yaml", "kind: DestinationRule\n");
    const auto kept = [&] {
      const auto status = cluster_->ctl(kNode, {"status"});
      return status.ok() && status->out.find("1 kept in an older version") != std::string::npos;
    };
    EXPECT_TRUE(wait_until(kept, 10s));
    expect_kernel("distribute", {0, 2});
  }
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto report, agent_->stop_load());
  EXPECT_GT(report.tally.attempts, 100U);
  EXPECT_EQ(report.tally.failed(), 0U);
}

TEST_F(PoliciesTest, TheDaemonSaysWhichPolicyDecides) {
  lay_out({.client = "kr/b", .localities = {"kr/a", "kr/b"}});
  use("failover.yaml");
  start();
  expect_kernel("prioritized", {1});
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto list, cluster_->ctl(kNode, {"policy", "list"}));
  EXPECT_NE(list.out.find("DestinationRule default/helloworld-dr  its host, in the service's "
                          "namespace"),
            std::string::npos)
      << list.out << list.err;
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto explained,
      cluster_->ctl(kNode,
                    {"explain", "--service", "default/helloworld-svc.default.svc.cluster.local"}));
  EXPECT_NE(explained.out.find("by DestinationRule default/helloworld-dr"), std::string::npos)
      << explained.out;
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto metrics, cluster_->ctl(kNode, {"metrics"}));
  EXPECT_NE(metrics.out.find("vicinity_policy_documents{state=\"in_force\"} 1"), std::string::npos);
}

}  // namespace
}  // namespace vicinity::testing
