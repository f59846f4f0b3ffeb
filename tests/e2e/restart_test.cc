// Restarts, crashes and upgrades of a real daemon under 500 connects a second: none fails, none
// reaches the decoy, and afterwards there is what a fresh start makes, and nothing else.
#include <gtest/gtest.h>
#include <vicinity/abi.h>

#include <filesystem>
#include <map>
#include <string>

#include "dataplane/pins.h"
#include "dataplane/reader.h"
#include "dataplane/tasks.h"
#include "e2e/bpf_objects.h"
#include "e2e/cluster.h"
#include "e2e/web_mesh.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kNode = "worker";
constexpr const char* kNextDaemon = "vic_test_vicinityd_next";
constexpr uint32_t kNextAbi = VICINITY_ABI_VERSION + 1;

// Beside the service under load: weights, both families, nobody there, a name of two records.
std::string other_services() {
  return "---\nservice:\n  name: b\n  namespace: sample\n  hostname: b." + std::string(120, 'b') +
         R"(
  addresses: ["10.96.0.11", "fd00:10:96::11"]
  ports: [{servicePort: 80, targetPort: 8080}, {servicePort: 443, targetPort: 8443}]
---
service: {name: empty, namespace: sample, hostname: empty, addresses: ["10.96.0.12"], ports: [{servicePort: 80, targetPort: 80}]}
---
workload:
  uid: weighted
  name: weighted
  namespace: sample
  node: worker
  capacity: 7
  addresses: ["10.244.2.1", "fd00:10:244:2::1"]
  services: {"sample/b.)" +
         std::string(120, 'b') + R"(": {}}
---
workload:
  uid: light
  name: light
  namespace: sample
  node: worker
  addresses: ["10.244.2.2"]
  services: {"sample/b.)" +
         std::string(120, 'b') + "\": {}}\n";
}

class RestartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(
        cluster_,
        Cluster::create({.node = kNode, .client = "10.244.1.6", .serving = {{"a", "10.244.1.5"}}}));
    serve();
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
    expect_whole_tables();
    before_ = settled_bpf_objects();
    descriptors_ = descriptors_now();
    VICINITY_ASSERT_OK_AND_ASSIGN(client_, world().pod("client").agent());
    VICINITY_ASSERT_OK(client_->start_load(
        {.targets = {{.address = "10.96.0.10", .port = 80}}, .rate_per_second = 500}));
  }

  World& world() { return cluster_->world(); }
  void serve() {
    const auto file = feed::parse_mesh(web_mesh("10.96.0.10", {"10.244.1.5"}) + other_services());
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    cluster_->control_plane().set_resources(file.resources);
  }
  [[nodiscard]] absl::StatusOr<compile::Tables> tables(uint32_t abi) {
    VIC_ASSIGN_OR_RETURN(const auto reader,
                         dataplane::Reader::open(world().node(kNode).pin_dir(), abi));
    return reader.tables();
  }
  // All services, by the only version that is pinned.
  void expect_whole_tables(uint32_t abi = VICINITY_ABI_VERSION) {
    const fs::path pins = world().node(kNode).pin_dir();
    size_t seen = 0;
    EXPECT_TRUE(wait_until(
        [&] {
          const auto now = tables(abi);
          seen = now.ok() ? now->services.size() : 0;
          return seen == 3 && web_endpoints(now) == "10.244.1.5" &&
                 std::distance(fs::directory_iterator(pins), {}) == 1;
        },
        30s))
        << seen << " services of ABI " << abi;
  }
  // Ends the test's load: nothing failed, nothing went elsewhere.
  void expect_no_connect_missed() {
    EXPECT_TRUE(wait_until(
        [&] {
          const auto so_far = client_->load_so_far();
          return so_far.ok() && so_far->attempts > 500;
        },
        30s));
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto report, client_->stop_load());
    EXPECT_EQ(report.tally.failed(), 0U);
    EXPECT_EQ(report.tally.by_answer,
              (std::map<std::string, uint64_t>{{"a", report.tally.attempts}}));
    EXPECT_EQ(world().decoy()->accepts(), 0U);
  }
  // Sockets and every other descriptor of the daemon are counted too.
  void expect_nothing_leaked() {
    BpfObjects now;
    EXPECT_TRUE(wait_until([&] { return (now = bpf_objects()) == before_; }, 20s))
        << now << ", at first " << before_;
    uint64_t descriptors = 0;
    EXPECT_TRUE(wait_until([&] { return (descriptors = descriptors_now()) <= descriptors_; }, 20s))
        << descriptors << " descriptors, at first " << descriptors_;
  }
  [[nodiscard]] uint64_t descriptors_now() {
    return count_descriptors(cluster_->daemon(kNode).pid());
  }
  // After an uninstall and a start from nothing.
  void expect_tables_of_a_fresh_start() {
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto adopted, tables(VICINITY_ABI_VERSION));
    VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
    VICINITY_ASSERT_OK_AND_ASSIGN(
        const auto uninstalled,
        run({.argv = {program_path("vicinityd"), "--node-name", kNode, "--pin-dir",
                      world().node(kNode).pin_dir(), "--uninstall"}},
            10s));
    EXPECT_EQ(uninstalled.exit_code, 0) << uninstalled.err;
    EXPECT_FALSE(fs::exists(world().node(kNode).pin_dir()));
    BpfObjects left;
    EXPECT_TRUE(wait_until([&] { return (left = bpf_objects()) == BpfObjects{}; }, 20s)) << left;
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
    expect_whole_tables();
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto fresh, tables(VICINITY_ABI_VERSION));
    EXPECT_EQ(adopted, fresh);
  }
  void check_all() {
    expect_no_connect_missed();
    expect_nothing_leaked();
    expect_tables_of_a_fresh_start();
  }

  std::unique_ptr<Cluster> cluster_;
  PodAgent* client_ = nullptr;
  BpfObjects before_;
  uint64_t descriptors_ = 0;
};

// The iterator that finds pods is kept for the next start.
TEST_F(RestartTest, TheTaskIteratorIsPinned) {
  const dataplane::Pins pins(world().node(kNode).pin_dir());
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto tasks, dataplane::Tasks::open(pins.directory()));
  EXPECT_FALSE(tasks.was_loaded());
}

TEST_F(RestartTest, Peers_12_StopAndStart) {
  const uint64_t pins = count_pins(world().node(kNode).pin_dir());
  for (int i = 0; i < 5; ++i) {
    VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
    expect_whole_tables();
  }
  EXPECT_EQ(count_pins(world().node(kNode).pin_dir()), pins);
  check_all();
}

TEST_F(RestartTest, Peers_12_KillAndStart) {
  const uint64_t pins = count_pins(world().node(kNode).pin_dir());
  for (int i = 0; i < 5; ++i) {
    VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
    expect_whole_tables();
  }
  EXPECT_EQ(count_pins(world().node(kNode).pin_dir()), pins);
  check_all();
}

TEST_F(RestartTest, Peers_11_StartWithTheControlPlaneDown) {
  const std::string address = cluster_->control_plane().address();
  cluster_->control_plane().stop();
  VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_whole_tables();
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_whole_tables();
  VICINITY_ASSERT_OK(cluster_->replace_control_plane(address));
  serve();
  EXPECT_TRUE(cluster_->control_plane().wait_acked(absl::Seconds(30)));
  check_all();
}

TEST_F(RestartTest, OtherCapacities) {
  for (const char* services : {"10", "200000", "10"}) {
    VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
    VICINITY_ASSERT_OK(cluster_->start_daemon(
        kNode, {"--max-services", services, "--max-slots", "1000", "--counters", "off"}));
    expect_whole_tables();
  }
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_whole_tables();
  check_all();
}

TEST_F(RestartTest, ANewAbiVersionAndBack) {
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_program(kNode, kNextDaemon));
  expect_whole_tables(kNextAbi);
  VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_whole_tables();
  check_all();
}

TEST_F(RestartTest, ANewAbiVersionWhileTheControlPlaneIsDown) {
  const std::string address = cluster_->control_plane().address();
  cluster_->control_plane().stop();
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_program(kNode, kNextDaemon));
  VICINITY_EXPECT_OK(cluster_->wait_until_said(kNode, {"status"}, "tables of ABI"));
  VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_program(kNode, kNextDaemon));
  VICINITY_ASSERT_OK(cluster_->replace_control_plane(address));
  serve();
  expect_whole_tables(kNextAbi);
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_whole_tables();
  check_all();
}

// Whatever a daemon that ended early can leave behind is repaired or removed.
TEST_F(RestartTest, AHalfWrittenPinDirectoryIsRepaired) {
  const fs::path version =
      fs::path(world().node(kNode).pin_dir()) / ("v" + std::to_string(VICINITY_ABI_VERSION));
  VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
  fs::create_directory(version / "gen-99");
  fs::create_directory(version.parent_path() / ("v" + std::to_string(kNextAbi)));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_whole_tables();
  EXPECT_FALSE(fs::exists(version / "gen-99"));
  check_all();
}

}  // namespace
}  // namespace vicinity::testing
