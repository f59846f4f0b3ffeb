// What a running vicinityd lives through: no control plane, one that moves, one that says no, bad
// resources, restarts, another daemon, its own address in the mesh.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "devcp/recording.h"
#include "e2e/bpf_objects.h"
#include "e2e/cluster.h"
#include "e2e/expected.h"
#include "e2e/web_mesh.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/program.h"
#include "support/recordings.h"
#include "support/temp_folder.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

constexpr const char* kNode = "worker";
class LifecycleTest : public ::testing::Test {
 protected:
  void SetUp() override { VICINITY_ROOT_OR_FAIL(); }

  void create(WorldSpec world = {.nodes = {kNode}}) {
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_, Cluster::create({.world = std::move(world)}));
  }
  void serve(const std::string& text) {
    const auto file = feed::parse_mesh(text);
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    cluster_->control_plane().set_resources(file.resources);
  }
  void expect_endpoints(const std::string& expected, Duration within = 10s) {
    std::string seen;
    EXPECT_TRUE(wait_until(
        [&] { return (seen = web_endpoints(cluster_->tables(kNode))) == expected; }, within))
        << "expected " << expected << ", in the kernel " << seen;
  }
  std::string status() {
    const auto done = cluster_->ctl(kNode, {"status"});
    return done.ok() ? done->out + done->err : std::string(done.status().message());
  }
  void expect_status(const std::string& text) {
    std::string seen;
    EXPECT_TRUE(wait_until([&] { return (seen = status()).find(text) != std::string::npos; }, 10s))
        << "expected \"" << text << "\" in\n"
        << seen;
  }

  std::unique_ptr<Cluster> cluster_;
};

// A file that stands in for /etc/hosts in the daemon's own mount namespace.
class HostsFile {
 public:
  HostsFile() : path_(std::filesystem::temp_directory_path() / ("vicinity-hosts-" + pid())) {}
  ~HostsFile() { std::filesystem::remove(path_); }
  void write(const std::string& address) const {
    std::ofstream(path_) << "127.0.0.1 localhost\n" << address << " istiod.test\n";
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  static std::string pid() { return std::to_string(getpid()); }
  std::filesystem::path path_;
};

TEST_F(LifecycleTest, Peers_11_NoControlPlaneThenOneThenEveryAddressOfItChanges) {
  create();
  const HostsFile hosts;
  hosts.write("127.0.0.2");
  const Node& node = cluster_->world().node(kNode);
  const std::string command =
      "mount --bind " + hosts.path().string() + " /etc/hosts && exec \"$0\" \"$@\"";
  VICINITY_ASSERT_OK_AND_ASSIGN(auto daemon, Process::spawn({.argv = {"unshare",
                                                                      "-m",
                                                                      "sh",
                                                                      "-c",
                                                                      command,
                                                                      program_path("vicinityd"),
                                                                      "--node-name",
                                                                      kNode,
                                                                      "--xds-address",
                                                                      "istiod.test:15010",
                                                                      "--xds-auth",
                                                                      "plaintext",
                                                                      "--cgroup",
                                                                      node.cgroup().path(),
                                                                      "--pin-dir",
                                                                      node.pin_dir(),
                                                                      "--admin-socket",
                                                                      cluster_->admin_socket(kNode),
                                                                      "--metrics-address",
                                                                      ""},
                                                             .netns = &cluster_->world().netns(),
                                                             .cgroup = &node.cgroup()}));
  VICINITY_ASSERT_OK(daemon.wait_for_line("ready", 10s));
  expect_status("backoff");

  VICINITY_ASSERT_OK(cluster_->replace_control_plane("127.0.0.2:15010"));
  serve(web_mesh("10.96.0.10", {"10.244.1.5"}));
  expect_endpoints("10.244.1.5", 30s);

  hosts.write("127.0.0.3");
  VICINITY_ASSERT_OK(cluster_->replace_control_plane("127.0.0.3:15010"));
  serve(web_mesh("10.96.0.10", {"10.244.1.6"}));
  expect_endpoints("10.244.1.6", 60s);
  VICINITY_EXPECT_OK(daemon.stop(10s));
}

TEST_F(LifecycleTest, TheServersOwnMessageIsInStatus) {
  create();
  cluster_->control_plane().set_faults({.deny = "ztunnel requires PILOT_ENABLE_AMBIENT=true"});
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_status("ztunnel requires PILOT_ENABLE_AMBIENT=true");
  cluster_->control_plane().set_faults({});
  serve(web_mesh("10.96.0.10", {"10.244.1.5"}));
  expect_endpoints("10.244.1.5", 30s);
}

TEST_F(LifecycleTest, TheDaemonsOwnSocketsAreNeverTranslated) {
  create();
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  // The control plane's address belongs to a service whose endpoint is nowhere.
  auto& control_plane = cluster_->control_plane();
  serve(web_mesh("127.0.0.1", {"10.244.9.9"}, control_plane.port()));
  expect_endpoints("10.244.9.9");
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto others,
      run({.argv = {"curl", "-s", "-m", "1", "http://" + control_plane.address()},
           .netns = &cluster_->world().netns(),
           .cgroup = &cluster_->world().node(kNode).cgroup()},
          10s));
  EXPECT_EQ(others.exit_code, 7) << "everybody else is translated, to an address without a route";
  control_plane.close_streams("restart");
  EXPECT_TRUE(control_plane.wait_open_streams(0, absl::Seconds(5)));
  EXPECT_TRUE(control_plane.wait_open_streams(1, absl::Seconds(30)));
  serve(web_mesh("127.0.0.1", {"10.244.9.8"}, control_plane.port()));
  expect_endpoints("10.244.9.8");
}

TEST_F(LifecycleTest, Peers_13_ABadResourceIsNamedAndTheGoodOnesApply) {
  create();
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  auto resources = feed::parse_mesh(web_mesh("10.96.0.10", {"10.244.1.5"})).resources;
  auto bad = resources[0];
  bad.name = "sample/bad.example";
  bad.address.mutable_service()->set_hostname("bad.example");
  bad.address.mutable_service()->mutable_load_balancing()->add_routing_preference(
      istio::workload::LoadBalancing::UNSPECIFIED_SCOPE);
  resources.push_back(bad);
  cluster_->control_plane().set_resources(resources);
  expect_endpoints("10.244.1.5");
  ASSERT_TRUE(cluster_->control_plane().wait_nacks(1, absl::Seconds(10)));
  const auto nack = cluster_->control_plane().status().streams.back().nacked.at(0);
  EXPECT_NE(nack.message.find("sample/bad.example"), std::string::npos) << nack.message;
  EXPECT_NE(nack.message.find("service.loadBalancing.routingPreference[0]"), std::string::npos)
      << nack.message;
  expect_status("sample/bad.example");
}

TEST_F(LifecycleTest, AGarbageMeshFileChangesNothing) {
  create();
  const auto path = std::filesystem::temp_directory_path() /
                    ("vicinity-mesh-" + std::to_string(getpid()) + ".yaml");
  const auto write = [&](const std::string& text) {
    std::ofstream(path.string() + ".new") << text;
    std::filesystem::rename(path.string() + ".new", path);
  };
  write(web_mesh("10.96.0.10", {"10.244.1.5"}));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, {"--feed", "file:" + path.string()}));
  expect_endpoints("10.244.1.5");
  write("service: {name: web, namespace: sample, hostname: [not, text]\n\x01\x02{{{");
  expect_status("document 1");
  expect_endpoints("10.244.1.5");
  write(web_mesh("10.96.0.10", {"10.244.1.6"}));
  expect_endpoints("10.244.1.6");
  std::filesystem::remove(path);
}

TEST_F(LifecycleTest, Peers_12_RestartsCostNoConnection) {
  create({.nodes = {kNode},
          .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.6"}},
                   {.name = "a", .node = kNode, .addresses = {"10.244.1.5"}}},
          .decoy = DecoySpec{}});
  auto& world = cluster_->world();
  VICINITY_ASSERT_OK(
      world.pod("a").serve({.instance = "a", .ports = {8080}, .protocol = ServeProtocol::kBanner}));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  serve(web_mesh("10.96.0.10", {"10.244.1.5"}));
  expect_endpoints("10.244.1.5");
  VICINITY_ASSERT_OK_AND_ASSIGN(PodAgent* const client, world.pod("client").agent());
  VICINITY_ASSERT_OK(client->start_load(
      {.targets = {{.address = "10.96.0.10", .port = 80}}, .rate_per_second = 500}));
  for (int i = 0; i < 10; ++i) {
    VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
    VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
    expect_endpoints("10.244.1.5");
  }
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto report, client->stop_load());
  EXPECT_GT(report.tally.attempts, 300U);
  EXPECT_TRUE(report.failures().empty()) << report.failures().size() << " failed";
  EXPECT_EQ(report.tally.by_answer,
            (std::map<std::string, uint64_t>{{"a", report.tally.attempts}}));
  EXPECT_EQ(world.decoy()->accepts(), 0U);
}

// The bpffs is empty then, and nothing is attached: nobody is translated before tables are there.
TEST_F(LifecycleTest, ANodeThatRebootedStartsCold) {
  create({.nodes = {kNode},
          .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.6"}},
                   {.name = "a", .node = kNode, .addresses = {"10.244.1.5"}}},
          .decoy = DecoySpec{}});
  auto& world = cluster_->world();
  VICINITY_ASSERT_OK(
      world.pod("a").serve({.instance = "a", .ports = {8080}, .protocol = ServeProtocol::kBanner}));
  const auto answer = [&] {
    const auto done = world.pod("client").connect({.address = "10.96.0.10", .port = 80});
    return done.ok() ? done->answer : std::string(done.status().message());
  };
  const BpfObjects others = settled_bpf_objects();
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  serve(web_mesh("10.96.0.10", {"10.244.1.5"}));
  expect_endpoints("10.244.1.5");
  const uint64_t pins = count_pins(world.node(kNode).pin_dir());
  const BpfObjects objects = settled_bpf_objects();
  EXPECT_EQ(answer(), "a");

  VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
  std::filesystem::remove_all(world.node(kNode).pin_dir());
  EXPECT_NE(objects, others);
  EXPECT_TRUE(wait_until([&] { return bpf_objects() == others; }, 20s)) << bpf_objects();
  EXPECT_EQ(answer(), "decoy");

  const std::string address = cluster_->control_plane().address();
  cluster_->control_plane().stop();
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_status("backoff");
  EXPECT_EQ(answer(), "decoy");

  VICINITY_ASSERT_OK(cluster_->replace_control_plane(address));
  serve(web_mesh("10.96.0.10", {"10.244.1.5"}));
  expect_endpoints("10.244.1.5", 60s);
  EXPECT_EQ(answer(), "a");
  EXPECT_EQ(count_pins(world.node(kNode).pin_dir()), pins);
  EXPECT_EQ(settled_bpf_objects(), objects);
}

TEST_F(LifecycleTest, WhatWentWhileTheDaemonWasAwayGoesAfterTheResync) {
  create();
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  serve(web_mesh("10.96.0.10", {"10.244.1.5", "10.244.1.6"}));
  expect_endpoints("10.244.1.5 10.244.1.6");
  VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
  serve(web_mesh("10.96.0.10", {"10.244.1.6"}));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_endpoints("10.244.1.6");
}

TEST_F(LifecycleTest, Peers_7_EmptyPassesWhenToldTo) {
  create({.nodes = {kNode},
          .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.6"}}},
          .decoy = DecoySpec{}});
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, {"--on-empty", "pass"}));
  serve(web_mesh("10.96.0.10", {"10.244.1.5"}));
  expect_endpoints("10.244.1.5");
  serve(web_mesh("10.96.0.10", {}));
  expect_endpoints("");
  auto& client = cluster_->world().pod("client");
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto passed,
                                client.connect({.address = "10.96.0.10", .port = 80}));
  EXPECT_EQ(passed.answer, "decoy");
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_status("in_sync");
  EXPECT_TRUE(wait_until(
      [&] {
        const auto refused = client.connect({.address = "10.96.0.10", .port = 80});
        return refused.ok() && refused->error == ECONNREFUSED;
      },
      10s));
}

TEST_F(LifecycleTest, ASecondDaemonOnThePinDirectorySaysSoAndEnds) {
  create();
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  const Node& node = cluster_->world().node(kNode);
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto second,
      run({.argv = {program_path("vicinityd"), "--node-name", kNode, "--cgroup",
                    node.cgroup().path(), "--pin-dir", node.pin_dir(), "--admin-socket",
                    cluster_->admin_socket("second"), "--metrics-address", ""},
           .netns = &cluster_->world().netns()},
          10s));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.err.find(node.pin_dir()), std::string::npos) << second.err;
}

// Two more than the machine has, in a mount namespace of the daemon's own.
TEST_F(LifecycleTest, SeveralCgroupHierarchiesWithoutAChoiceAreAnErrorThatListsThem) {
  create();
  const Node& node = cluster_->world().node(kNode);
  VICINITY_ASSERT_OK_AND_ASSIGN(const TempFolder folder, TempFolder::create("cgroups"));
  const std::string first = folder / "first";
  const std::string second = folder / "second";
  for (const std::string& path : {first, second}) std::filesystem::create_directory(path);
  const std::string mounts = "mount -t cgroup2 none " + first + " && mount -t cgroup2 none " +
                             second + " && exec \"$0\" \"$@\"";
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto ended,
      run({.argv = {"unshare", "-m", "sh", "-c", mounts, program_path("vicinityd"), "--node-name",
                    kNode, "--pin-dir", node.pin_dir(), "--admin-socket",
                    cluster_->admin_socket(kNode), "--metrics-address", ""},
           .netns = &cluster_->world().netns()},
          10s));
  EXPECT_EQ(ended.exit_code, 1);
  for (const std::string& said : {std::string("--cgroup"), first, second}) {
    EXPECT_NE(ended.err.find(said), std::string::npos) << said << " in " << ended.err;
  }
  EXPECT_TRUE(!std::filesystem::exists(node.pin_dir()) ||
              std::filesystem::is_empty(node.pin_dir()));
}

TEST_F(LifecycleTest, UninstallLeavesNothing) {
  create();
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  serve(web_mesh("10.96.0.10", {"10.244.1.5"}));
  expect_endpoints("10.244.1.5");
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  const auto& pins = cluster_->world().node(kNode).pin_dir();
  EXPECT_FALSE(std::filesystem::is_empty(pins));
  VICINITY_ASSERT_OK_AND_ASSIGN(
      const auto done, run({.argv = {program_path("vicinityd"), "--node-name", kNode, "--pin-dir",
                                     pins, "--uninstall"}},
                           10s));
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_TRUE(!std::filesystem::exists(pins) || std::filesystem::is_empty(pins));
}

}  // namespace
}  // namespace vicinity::testing
