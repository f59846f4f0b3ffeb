// Who is balanced: real daemons and real connects of pods that are known, captured, opted out, or
// see a service of their own namespace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

constexpr const char* kNode = "worker";
constexpr const char* kVip = "10.96.0.10";
constexpr const char* kDecoy = "decoy";

// A service of a namespace at the VIP with one endpoint.
std::string service(const std::string& name_space, const std::string& endpoint,
                    const std::string& more = "") {
  const std::string key = name_space + "/web." + name_space;
  return "service:\n  name: web\n  namespace: " + name_space + "\n  hostname: web." + name_space +
         "\n  addresses: [\"" + kVip + "\"]\n  ports: [{servicePort: 80, targetPort: 8080}]\n" +
         more + "---\nworkload:\n  uid: endpoint-" + name_space + "\n  name: e\n  namespace: x\n" +
         "  node: elsewhere\n  addresses: [\"" + endpoint + "\"]\n  services: {\"" + key +
         "\": {ports: [{servicePort: 80, targetPort: 8080}]}}\n---\n";
}

// The client's own pod, as the feed knows it.
std::string client(const std::string& name_space) {
  return "workload:\n  uid: Kubernetes//Pod/" + name_space +
         "/client\n  name: client\n  namespace: " + name_space +
         "\n  node: worker\n  addresses: [\"10.244.1.9\"]\n";
}

class PodsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(
        cluster_,
        Cluster::create(
            {.world = {.nodes = {kNode},
                       .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.9"}},
                                {.name = "one", .node = kNode, .addresses = {"10.244.1.11"}},
                                {.name = "two", .node = kNode, .addresses = {"10.244.1.12"}}},
                       .decoy = DecoySpec{}}}));
    // A namespace is where a process is.
    VICINITY_ASSERT_OK(cluster_->world().pod("client").agent());
    for (const char* name : {"one", "two"}) {
      VICINITY_ASSERT_OK(cluster_->world().pod(name).serve(
          {.instance = name, .ports = {8080}, .protocol = ServeProtocol::kBanner}));
    }
  }
  void serve(const std::string& text) {
    const auto file = feed::parse_mesh(text);
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    cluster_->control_plane().set_resources(file.resources);
  }
  void start(const std::vector<std::string>& flags = {}) {
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, flags));
  }
  // Waits until the client's connects end there.
  void expect_answer(const std::string& expected) {
    std::string seen;
    EXPECT_TRUE(wait_until(
        [&] {
          const auto result =
              cluster_->world().pod("client").connect({.address = kVip, .port = 80});
          seen = result.ok() ? result->answer : std::string(result.status().message());
          return seen == expected;
        },
        10s))
        << "expected " << expected << ", last " << seen;
  }
  void expect_status(const std::string& text) {
    std::string seen;
    EXPECT_TRUE(wait_until(
        [&] {
          const auto done = cluster_->ctl(kNode, {"status"});
          seen = done.ok() ? done->out : std::string(done.status().message());
          return seen.find(text) != std::string::npos;
        },
        10s))
        << "expected \"" << text << "\" in\n"
        << seen;
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(PodsTest, APodThatIsOptedOutIsLeftAlone) {
  serve(service("a", "10.244.1.11") + client("a"));
  start({"--opt-out", "a/client"});
  expect_status("1 opted out");
  expect_answer(kDecoy);
  // Another pod is not: the endpoint's own connects come to itself.
  const auto other = cluster_->world().pod("two").connect({.address = kVip, .port = 80});
  VICINITY_ASSERT_OK(other);
  EXPECT_EQ(other->answer, "one");
  // And stays so while no daemon runs.
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  expect_answer(kDecoy);
}

TEST_F(PodsTest, ACapturedPodIsLeftAloneUntilItIsFree) {
  VICINITY_ASSERT_OK(cluster_->world().pod("client").serve({.ports = {15008}}));
  serve(service("a", "10.244.1.11") + client("a"));
  start();
  expect_status("1 captured");
  expect_answer(kDecoy);
  cluster_->world().pod("client").stop_serving();
  expect_status("0 captured");
  expect_answer("one");
}

TEST_F(PodsTest, ACapturedPodIsBalancedWhenToldSo) {
  VICINITY_ASSERT_OK(cluster_->world().pod("client").serve({.ports = {15001}}));
  serve(service("a", "10.244.1.11") + client("a"));
  start({"--captured-pods", "balance"});
  expect_answer("one");
}

TEST_F(PodsTest, AClientSeesTheServiceOfItsOwnNamespace) {
  serve(service("a", "10.244.1.11") + service("b", "10.244.1.12") + client("c"));
  start();
  expect_answer("one");
  expect_status("10.96.0.10: a/web.a serves it; b/web.b to the own namespace only");
  serve(service("a", "10.244.1.11") + service("b", "10.244.1.12") + client("b"));
  expect_answer("two");
}

TEST_F(PodsTest, AServiceOfNamespaceVisibilityExistsForItsNamespaceOnly) {
  const std::string hidden = service("a", "10.244.1.11", "  visibility: NAMESPACE\n");
  serve(hidden + client("a"));
  start();
  expect_answer("one");
  serve(hidden + client("b"));
  expect_answer(kDecoy);
}

TEST_F(PodsTest, TheHostIsSaidToBeLeftAlone) {
  serve(service("a", "10.244.1.11"));
  start();
  expect_status("the host's sockets are left alone");
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  start({"--host-network", "balance"});
  expect_status("the host's sockets are balanced too");
}

}  // namespace
}  // namespace vicinity::testing
