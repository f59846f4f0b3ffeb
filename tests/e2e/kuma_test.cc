// The examples of docs/examples/kuma with real connections: a daemon over xDS with --policy-dir, a
// client pod, endpoints of several zones, and who answers.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "compile/compile.h"
#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/paths.h"
#include "support/temp_folder.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* kNode = "here";
constexpr const char* kService = "kuma-demo/backend.kuma-demo.svc.cluster.local";
constexpr const char* kVip = "10.96.0.10";
constexpr uint16_t kPort = 8080;
constexpr uint64_t kConnections = 10'000;

// An endpoint 10.244.1.NUMBER. Kuma's zone is the cluster; `az` the availability zone.
struct Host {
  int number = 0;
  std::string zone;
  std::string node = "elsewhere";
  std::string az;
  bool sick = false;
};

std::string address_of(int number) { return fmt::format("10.244.1.{}", number); }
std::string answer_of(int number) { return fmt::format("{}:{}", address_of(number), kPort); }

std::string mesh_of(const std::vector<Host>& hosts) {
  std::string text = fmt::format(
      "service: {{name: backend, namespace: kuma-demo, hostname: "
      "backend.kuma-demo.svc.cluster.local, addresses: ['{}'], ports: [{{servicePort: {}, "
      "targetPort: {}}}]}}\n",
      kVip, kPort, kPort);
  for (const Host& host : hosts) {
    text += fmt::format(
        "---\nworkload: {{uid: host-{0}, name: host-{0}, namespace: kuma-demo, addresses: ['{1}'], "
        "clusterId: {2}, node: {3}, locality: {{region: r, zone: '{4}'}}, status: {5}, services: "
        "{{'{6}': {{ports: [{{servicePort: {7}, targetPort: {7}}}]}}}}}}\n",
        host.number, address_of(host.number), host.zone, host.node, host.az,
        host.sick ? "UNHEALTHY" : "HEALTHY", kService, kPort);
  }
  return text;
}

// By host number, in percent; those that are not there get nothing.
using Shares = std::map<int, double>;

class KumaTest : public ::testing::Test {
 protected:
  void SetUp() override { VICINITY_ROOT_OR_FAIL(); }

  void TearDown() override {
    if (cluster_ == nullptr) return;
    if (started_) {
      VICINITY_EXPECT_OK(cluster_->stop_daemon(kNode));
    }
    EXPECT_EQ(cluster_->world().decoy()->accepts(), 0U) << "leaked to the VIP";
    VICINITY_EXPECT_OK(cluster_->world().shut_down());
  }

  // A node of `zone` and availability zone a1, and endpoints 11 to 20.
  void create(const std::string& zone) {
    PodSpec backends{.name = "backends", .node = kNode, .addresses = {}};
    for (int number = 11; number <= 20; ++number) {
      backends.addresses.push_back(address_of(number));
    }
    VICINITY_ASSERT_OK_AND_ASSIGN(
        cluster_,
        Cluster::create(
            {.world = {
                 .nodes = {kNode},
                 .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.9"}}, backends},
                 .decoy = DecoySpec{}}}));
    VICINITY_ASSERT_OK(
        cluster_->world()
            .pod("backends")
            .serve({.instance = "", .ports = {kPort}, .protocol = ServeProtocol::kBanner}));
    VICINITY_ASSERT_OK(cluster_->start_daemon(
        kNode, {"--policy-dir", policies_.string(), "--cluster-id", zone, "--locality", "r/a1"}));
    started_ = true;
  }

  void feed(const std::vector<Host>& hosts) {
    const auto file = feed::parse_mesh(mesh_of(hosts));
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    cluster_->control_plane().set_resources(file.resources);
  }

  // Replaces the folder's only document at once, as an editor or a ConfigMap does.
  void use(const std::string& example) {
    const fs::path next = policies_ / "next";
    fs::copy_file(source_dir() / "docs/examples/kuma" / (example + ".yaml"), next,
                  fs::copy_options::overwrite_existing);
    fs::rename(next, policies_ / "policy.yaml");
  }

  // What the kernel's table says.
  [[nodiscard]] Shares published() {
    const auto tables = cluster_->tables(kNode);
    Shares shares;
    if (!tables.ok() || !tables->services.contains(kService)) return {{0, 0}};
    // The reader is not the publisher: in between there may be none.
    const auto& ports = tables->services.at(kService).ports;
    if (ports.empty()) return {{0, 0}};
    const compile::PortTable& table = ports.front();
    const auto parts = compile::slot_shares(table);
    for (size_t i = 0; i < table.slots.size(); ++i) {
      const std::string text = table.slots[i].address.to_string();
      if (parts[i] > 0) shares[std::stoi(text.substr(text.rfind('.') + 1))] += parts[i] * 100;
    }
    return shares;
  }

  void wait_for(const Shares& expected) {
    Shares seen;
    const auto same = [&] {
      seen = published();
      if (seen.size() != expected.size()) return false;
      return std::ranges::all_of(expected, [&](const auto& one) {
        return seen.contains(one.first) && std::abs(seen[one.first] - one.second) < 0.01;
      });
    };
    if (wait_until(same, 10s)) return;
    std::string text;
    for (const auto& [number, share] : seen) text += fmt::format(" {}={:.2f}", number, share);
    FAIL() << "in the kernel:" << text;
  }

  // The table, then as many connections: each share within five standard deviations.
  void expect_shares(const Shares& expected) {
    ASSERT_NO_FATAL_FAILURE(wait_for(expected));
    VICINITY_ASSERT_OK_AND_ASSIGN(PodAgent* const agent, cluster_->world().pod("client").agent());
    VICINITY_ASSERT_OK_AND_ASSIGN(
        auto tally, agent->connect_many({.targets = {{kVip, kPort}}, .limit = kConnections}));
    EXPECT_EQ(tally.failed(), 0U);
    uint64_t counted = 0;
    for (const auto& [number, percent] : expected) {
      const double share = percent / 100;
      const double mean = share * kConnections;
      const uint64_t count = tally.by_answer[answer_of(number)];
      counted += count;
      EXPECT_NEAR(static_cast<double>(count), mean, 5 * std::sqrt(mean * (1 - share)) + 1)
          << number;
    }
    EXPECT_EQ(counted, kConnections);
  }

  void expect_refused() {
    ASSERT_NO_FATAL_FAILURE(wait_for({}));
    for (int i = 0; i < 5; ++i) {
      VICINITY_ASSERT_OK_AND_ASSIGN(const auto result, cluster_->world().pod("client").connect(
                                                           {.address = kVip, .port = kPort}));
      EXPECT_EQ(result.error, ECONNREFUSED);
      EXPECT_EQ(result.stage, Stage::kConnect);
    }
  }

  std::unique_ptr<Cluster> cluster_;
  TempFolder policies_ = TempFolder::create("kuma").value();
  bool started_ = false;
};

// The own node, the own availability zone, the rest of the zone, and four other zones.
std::vector<Host> all_zones() {
  return {{11, "eu-1", kNode, "a1"},
          {12, "eu-1", "elsewhere", "a1"},
          {13, "eu-1", "elsewhere", "a2"},
          {14, "us-1"},
          {15, "us-2"},
          {16, "us-3"},
          {17, "ap-1"}};
}

TEST_F(KumaTest, InsideTheLocalZone) {
  ASSERT_NO_FATAL_FAILURE(create("eu-1"));
  ASSERT_NO_FATAL_FAILURE(feed(all_zones()));
  for (const std::string suffix : {"", "-section"}) {
    SCOPED_TRACE(suffix);
    use("local-affinity" + suffix);
    ASSERT_NO_FATAL_FAILURE(expect_shares({{11, 90}, {12, 9}, {13, 1}}));
    use("locality-disabled" + suffix);
    Shares even;
    for (int number = 11; number <= 17; ++number) even[number] = 100. / 7;
    ASSERT_NO_FATAL_FAILURE(expect_shares(even));
    use("local-even" + suffix);
    ASSERT_NO_FATAL_FAILURE(expect_shares({{11, 100. / 3}, {12, 100. / 3}, {13, 100. / 3}}));
  }
  use("local-affinity");
  ASSERT_NO_FATAL_FAILURE(wait_for({{11, 90}, {12, 9}, {13, 1}}));
  use("local-even-list");
  ASSERT_NO_FATAL_FAILURE(expect_shares({{11, 100. / 3}, {12, 100. / 3}, {13, 100. / 3}}));
  ASSERT_NO_FATAL_FAILURE(feed({{14, "us-1"}, {15, "us-2"}}));
  ASSERT_NO_FATAL_FAILURE(expect_refused());
  use("locality-disabled");
  ASSERT_NO_FATAL_FAILURE(expect_shares({{14, 50}, {15, 50}}));
}

TEST_F(KumaTest, ZoneAfterZoneBelowTheThreshold) {
  ASSERT_NO_FATAL_FAILURE(create("eu-1"));
  use("cross-zone-order");
  auto hosts = all_zones();
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  ASSERT_NO_FATAL_FAILURE(expect_shares({{11, 100. / 3}, {12, 100. / 3}, {13, 100. / 3}}));
  const auto sicken = [&](int number) { hosts.at(number - 11).sick = true; };
  // A third is more than 25 %.
  sicken(11);
  sicken(12);
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  ASSERT_NO_FATAL_FAILURE(expect_shares({{13, 100}}));
  // One of five is less: four fifths stay, one goes to us-1.
  hosts.push_back({18, "eu-1", "elsewhere", "", true});
  hosts.push_back({19, "eu-1", "elsewhere", "", true});
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  ASSERT_NO_FATAL_FAILURE(expect_shares({{13, 80}, {14, 20}}));
  sicken(13);
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  ASSERT_NO_FATAL_FAILURE(expect_shares({{14, 100}}));
  sicken(14);
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  ASSERT_NO_FATAL_FAILURE(expect_shares({{17, 100}}));
  sicken(17);
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  ASSERT_NO_FATAL_FAILURE(expect_shares({{15, 50}, {16, 50}}));
  sicken(15);
  sicken(16);
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  ASSERT_NO_FATAL_FAILURE(expect_refused());
}

TEST_F(KumaTest, OwnContinentThenTheSpareZone) {
  ASSERT_NO_FATAL_FAILURE(create("eu-2"));
  use("affinity-and-cross-zone");
  std::vector<Host> hosts = {{11, "eu-2", kNode, "a1"},
                             {12, "eu-2", "elsewhere", "a1"},
                             {13, "eu-2"},
                             {14, "eu-1"},
                             {15, "eu-3"},
                             {16, "us-1"},
                             {17, "us-4"}};
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  // Shares under 1 % are shown by drawing natively, not by connections.
  ASSERT_NO_FATAL_FAILURE(wait_for({{11, 9000. / 90.10}, {12, 9. / 90.10}, {13, 1. / 90.10}}));
  for (const int number : {11, 12, 13}) hosts.at(number - 11).sick = true;
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  ASSERT_NO_FATAL_FAILURE(expect_shares({{14, 50}, {15, 50}}));
  hosts.at(3).sick = true;
  hosts.at(4).sick = true;
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  ASSERT_NO_FATAL_FAILURE(expect_shares({{17, 100}}));
  hosts.at(6).sick = true;
  ASSERT_NO_FATAL_FAILURE(feed(hosts));
  ASSERT_NO_FATAL_FAILURE(expect_refused());
}

TEST_F(KumaTest, EditsReachTheKernelWithoutAFailedConnect) {
  ASSERT_NO_FATAL_FAILURE(create("eu-1"));
  use("local-even");
  ASSERT_NO_FATAL_FAILURE(feed(all_zones()));
  const Shares local = {{11, 100. / 3}, {12, 100. / 3}, {13, 100. / 3}};
  ASSERT_NO_FATAL_FAILURE(wait_for(local));
  VICINITY_ASSERT_OK_AND_ASSIGN(PodAgent* const agent, cluster_->world().pod("client").agent());
  VICINITY_ASSERT_OK(agent->start_load({.targets = {{kVip, kPort}}, .rate_per_second = 2000}));
  for (int round = 0; round < 200; ++round) {
    use("local-affinity");
    wait_for({{11, 90}, {12, 9}, {13, 1}});
    // A document that is refused displaces nothing.
    use("ring-hash-header");
    use("cross-zone-order");
    wait_for(local);
    use("local-affinity");
    wait_for({{11, 90}, {12, 9}, {13, 1}});
    use("local-even");
    wait_for(local);
    if (HasFatalFailure()) break;
  }
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto report, agent->stop_load());
  EXPECT_EQ(report.tally.failed(), 0U);
  EXPECT_GT(report.tally.attempts, 1000U);
}

}  // namespace
}  // namespace vicinity::testing
