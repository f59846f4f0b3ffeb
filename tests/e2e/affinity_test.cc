// docs/examples/native with real connections: a daemon over xDS with --policy-dir, two client pods,
// and who answers them.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compile/choices.h"
#include "compile/maglev.h"
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

constexpr const char* kNode = "n1";
constexpr const char* kService = "shop/web.shop.svc.cluster.local";
constexpr const char* kVip = "10.96.0.10";
constexpr uint16_t kPort = 80;
const std::vector<std::string> kClients = {"10.244.1.5", "10.244.1.6"};

std::string address_of(int number) { return fmt::format("10.244.1.{}", number); }

// Endpoints 11, 12, ... without `gone`; and the clients, so that the node knows them.
std::string mesh_of(const std::set<int>& gone) {
  std::string text = fmt::format(
      "service: {{name: web, namespace: shop, hostname: web.shop.svc.cluster.local, addresses: "
      "[{0}], ports: [{{servicePort: {1}, targetPort: {1}}}]}}\n",
      kVip, kPort);
  for (size_t i = 0; i < kClients.size(); ++i) {
    text += fmt::format(
        "---\nworkload: {{uid: client{0}, name: client{0}, namespace: shop, node: {1}, addresses: "
        "[{2}]}}\n",
        i, kNode, kClients[i]);
  }
  for (int number = 11; number <= 20; ++number) {
    if (gone.contains(number)) continue;
    text += fmt::format(
        "---\nworkload: {{uid: w{0}, name: w{0}, namespace: shop, node: m, addresses: [{1}], "
        "services: {{{2}: {{}}}}}}\n",
        number, address_of(number), kService);
  }
  return text;
}

class AffinityPolicyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    PodSpec backends{.name = "backends", .node = kNode, .addresses = {}};
    for (int number = 11; number <= 20; ++number) backends.addresses.push_back(address_of(number));
    VICINITY_ASSERT_OK_AND_ASSIGN(
        cluster_,
        Cluster::create(
            {.world = {.nodes = {kNode},
                       .pods = {{.name = "client0", .node = kNode, .addresses = {kClients[0]}},
                                {.name = "client1", .node = kNode, .addresses = {kClients[1]}},
                                backends}}}));
    VICINITY_ASSERT_OK(
        cluster_->world()
            .pod("backends")
            .serve({.instance = "", .ports = {kPort}, .protocol = ServeProtocol::kBanner}));
    feed({});
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, {"--policy-dir", folder_.string()}));
    for (const char* client : {"client0", "client1"}) {
      VICINITY_ASSERT_OK(cluster_->world().pod(client).agent());
    }
    // A pod is known once a process runs in it; until then its network namespace stands for it, and
    // it would be another client.
    std::string status;
    EXPECT_TRUE(wait_until(
        [&] {
          const auto said = cluster_->ctl(kNode, {"status"});
          status = said.ok() ? said->out : "";
          return status.find(" 2 of ") != std::string::npos;
        },
        10s))
        << status;
  }
  void TearDown() override {
    if (cluster_ != nullptr) {
      VICINITY_EXPECT_OK(cluster_->stop_daemon(kNode));
      VICINITY_EXPECT_OK(cluster_->world().shut_down());
    }
  }

  void feed(const std::set<int>& gone) {
    const auto file = feed::parse_mesh(mesh_of(gone));
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    cluster_->control_plane().set_resources(file.resources);
  }
  void use(const std::string& example) {
    fs::copy_file(source_dir() / "docs/examples/native" / example, folder_ / "next",
                  fs::copy_options::overwrite_existing);
    fs::rename(folder_ / "next", folder_ / "policy.yaml");
  }
  // "round_robin affinity=10800s, 10 endpoints", as the kernel has it.
  std::string in_kernel() {
    const auto tables = cluster_->tables(kNode);
    if (!tables.ok() || !tables->services.contains(kService)) return "none";
    const auto& ports = tables->services.at(kService).ports;
    if (ports.empty()) return "none";
    return fmt::format("{}, {} endpoints", to_text(ports[0].algorithm), ports[0].loaded);
  }
  void expect_kernel(const std::string& expected) {
    std::string seen;
    EXPECT_TRUE(wait_until([&] { return (seen = in_kernel()) == expected; }, 10s))
        << "expected " << expected << ", in the kernel " << seen;
  }
  std::map<std::string, uint64_t> answers(int client, uint64_t connects) {
    auto agent = cluster_->world().pod(fmt::format("client{}", client)).agent();
    EXPECT_TRUE(is_ok(agent));
    auto tally =
        (*agent)->connect_many({.targets = {{.address = kVip, .port = kPort}}, .limit = connects});
    EXPECT_TRUE(is_ok(tally));
    EXPECT_EQ(tally->failed(), 0U);
    return tally->by_answer;
  }

  TempFolder folder_ = TempFolder::create("affinity").value();
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(AffinityPolicyTest, AClientKeepsItsEndpointAsLongAsThereIsAPolicy) {
  expect_kernel("random, 10 endpoints");
  EXPECT_EQ(answers(0, 1000).size(), 10U);
  use("session-affinity.yaml");
  expect_kernel("random affinity=1800s, 10 endpoints");
  for (int client = 0; client < 2; ++client) {
    // Several workers at once may each choose before the first choice is kept.
    ASSERT_FALSE(answers(client, 20).empty());
    const auto kept = answers(client, 2500);
    ASSERT_EQ(kept.size(), 1U) << "client " << client;
    // Its endpoint goes: another one, and that is kept when the first one comes back.
    const std::string address = kept.begin()->first;
    const int number = std::stoi(address.substr(address.find_last_of('.') + 1));
    feed({number});
    expect_kernel("random affinity=1800s, 9 endpoints");
    answers(client, 20);
    const auto next = answers(client, 2500);
    ASSERT_EQ(next.size(), 1U);
    EXPECT_NE(next.begin()->first, address);
    feed({});
    expect_kernel("random affinity=1800s, 10 endpoints");
    EXPECT_EQ(answers(client, 2500), next);
  }
  fs::remove(folder_ / "policy.yaml");
  expect_kernel("random, 10 endpoints");
  EXPECT_EQ(answers(0, 1000).size(), 10U);
}

TEST_F(AffinityPolicyTest, AffinityGoesWithAnotherSourcesAlgorithm) {
  use("session-affinity-everywhere.yaml");
  expect_kernel("round_robin affinity=10800s, 10 endpoints");
  for (int client = 0; client < 2; ++client) {
    answers(client, 20);
    EXPECT_EQ(answers(client, 2500).size(), 1U);
  }
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto list, cluster_->ctl(kNode, {"policy", "list"}));
  EXPECT_NE(list.out.find("ConnectionPolicy istio-system/sessions  clients keep their endpoint"),
            std::string::npos)
      << list.out << list.err;
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto explained,
                                cluster_->ctl(kNode, {"explain", "--service", kService}));
  EXPECT_NE(explained.out.find("affinity_timeout 10800s"), std::string::npos) << explained.out;
}

// The whole way from a DestinationRule to the kernel: a client's sockets are not bound, and yet its
// pod's address is what is hashed.
TEST_F(AffinityPolicyTest, AHashPolicySendsAPodWhereEnvoyWould) {
  constexpr uint32_t kSize = 65537;
  std::ofstream(folder_ / "policy.yaml")
      << "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: web, "
         "namespace: shop}\nspec:\n  host: web\n  trafficPolicy: {loadBalancer: {consistentHash: "
         "{useSourceIp: true, maglev: {tableSize: 65537}}}}\n";
  expect_kernel("maglev size=65537 hash=source_ip, 10 endpoints");
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto tables, cluster_->tables(kNode));
  const auto& slots = tables.services.at(kService).ports.at(0).slots;
  const auto hosts = compile::maglev_table(compile::hash_hosts(slots), kSize);
  for (size_t client = 0; client < kClients.size(); ++client) {
    const std::string& address = kClients[client];
    const auto& slot = slots.at(hosts[XXH64(address.data(), address.size(), 0) % kSize]);
    const std::map<std::string, uint64_t> expected = {
        {model::endpoint_text(slot.address, slot.port), 500}};
    // The daemon looks for pods once a second.
    std::map<std::string, uint64_t> seen;
    EXPECT_TRUE(wait_until(
        [&] { return (seen = answers(static_cast<int>(client), 500)) == expected; }, 10s))
        << ::testing::PrintToString(seen);
  }
}

}  // namespace
}  // namespace vicinity::testing
