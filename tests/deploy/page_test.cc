// The page in a real browser: Chromium looks at three real daemons of the walk-through, and sees
// within two seconds that connects moved from its node into its zone. VICINITY_CHROMIUM names the
// program, VICINITY_SCREENSHOTS the folder for pictures. What a page must be: page_browser.py.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/paths.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

const std::map<std::string, std::string> kPages{{"ambient-worker", "127.0.0.1:15291"},
                                                {"ambient-worker2", "127.0.0.1:15292"},
                                                {"ambient-worker3", "127.0.0.1:15293"}};
constexpr auto kSeenWithin = 2s;
// A name that would be markup if it were not text, and a service without endpoints.
constexpr const char* kMore = R"(service:
  name: bold
  namespace: sample
  hostname: "<b>bold"
  addresses: ["10.96.0.98"]
  ports: [{servicePort: 80, targetPort: 8080}]
---
service:
  name: empty
  namespace: sample
  hostname: empty.example
  addresses: ["10.96.0.99"]
  ports: [{servicePort: 80, targetPort: 8080}]
---
workload:
  uid: Kubernetes//Pod/sample/sick
  name: sick
  namespace: sample
  addresses: ["10.244.3.9"]
  status: UNHEALTHY
  node: ambient-worker3
  locality: {region: region, zone: zone2, subzone: subzone3}
  services: {"sample/helloworld.sample.svc.cluster.local": {ports: [{servicePort: 5000, targetPort: 5000}]}, "sample/empty.example": {ports: [{servicePort: 80, targetPort: 8080}]}}
)";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class PageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    ASSERT_NE(environment("VICINITY_CHROMIUM"), "");
    ASSERT_NE(environment("VICINITY_SCREENSHOTS"), "");
    WorldSpec world{
        .nodes = {},
        .pods = {{.name = "client", .node = "ambient-worker", .addresses = {"10.244.1.6"}},
                 {.name = "local", .node = "ambient-worker", .addresses = {"10.244.1.5"}},
                 {.name = "second", .node = "ambient-worker2", .addresses = {"10.244.2.5"}}},
        .decoy = DecoySpec{}};
    for (const auto& [node, address] : kPages) world.nodes.push_back(node);
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_, Cluster::create({.world = std::move(world)}));
    for (const char* pod : {"local", "second"}) {
      VICINITY_ASSERT_OK(
          cluster_->world().pod(pod).serve({.instance = pod, .protocol = ServeProtocol::kBanner}));
    }
    for (const auto& [node, address] : kPages) {
      VICINITY_ASSERT_OK(cluster_->start_daemon(node, {"--ui-address", address}));
    }
    serve("00-initial");
  }
  void TearDown() override {
    if (!cluster_) return;
    for (const auto& [node, address] : kPages) VICINITY_EXPECT_OK(cluster_->stop_daemon(node));
    VICINITY_EXPECT_OK(cluster_->world().shut_down());
  }

  // The feed's step, and what is beside it in every step.
  void serve(const std::string& name) {
    std::ifstream file(test_data_dir() / "walkthrough" / (name + ".yaml"));
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto mesh = feed::parse_mesh(text + "---\n" + kMore);
    ASSERT_TRUE(mesh.errors.empty()) << mesh.errors.front().message;
    cluster_->control_plane().set_resources(mesh.resources);
  }
  absl::StatusOr<Process> browse() {
    std::vector<std::string> argv{"/usr/bin/python3", source_dir() / "tests/deploy/page_browser.py",
                                  environment("VICINITY_CHROMIUM"),
                                  environment("VICINITY_SCREENSHOTS")};
    for (const auto& [node, address] : kPages) argv.push_back("http://" + address + "/");
    return Process::spawn({.argv = std::move(argv), .netns = &cluster_->world().netns()});
  }
  void connect() {
    for (const auto& [address, port] : {std::pair{"10.96.45.18", 5000}, {"10.96.0.99", 80}}) {
      VICINITY_EXPECT_OK(cluster_->world().pod("client").connect(
          {.address = address, .port = static_cast<uint16_t>(port)}));
    }
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(PageTest, ShowsTheChangeFromLocalToSameZoneWithinTwoSeconds) {
  VICINITY_ASSERT_OK_AND_ASSIGN(auto browser, browse());
  ASSERT_TRUE(wait_until(
      [&] {
        connect();
        return !browser.running() || browser.out().find("READY") != std::string::npos;
      },
      120s))
      << browser.out() << browser.err();
  ASSERT_TRUE(browser.running()) << browser.err();
  serve("01-delete-local");
  VICINITY_EXPECT_OK(browser.wait_for_line("CHANGED", kSeenWithin));
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto end, browser.wait(60s));
  EXPECT_EQ(end, ExitStatus{}) << browser.err();
}

}  // namespace
}  // namespace vicinity::testing
