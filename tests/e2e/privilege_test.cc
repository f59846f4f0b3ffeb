// What the real daemon may do: uid 0 with three capabilities and nothing else. Each of them is
// needed, no more is, and what it keeps to itself stays there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "e2e/cluster.h"
#include "support/gtest_support.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kNode = "worker";
constexpr const char* kAll = "+bpf,+net_admin,+perfmon";
constexpr const char* kSecret = "eyJ-not-to-be-seen-anywhere";

constexpr const char* kMesh =
    "service:\n  name: web\n  namespace: a\n  hostname: web.a\n  addresses: [\"10.96.0.10\"]\n"
    "  ports: [{servicePort: 80, targetPort: 8080}]\n"
    "---\nworkload:\n  uid: Kubernetes//Pod/a/client\n  name: client\n  namespace: a\n"
    "  node: worker\n  addresses: [\"10.244.1.9\"]\n"
    "---\nworkload:\n  uid: Kubernetes//Pod/a/one\n  name: one\n  namespace: a\n  node: worker\n"
    "  addresses: [\"10.244.1.11\"]\n"
    "  services: {\"a/web.a\": {ports: [{servicePort: 80, targetPort: 8080}]}}\n";

class PrivilegeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(
        cluster_,
        Cluster::create(
            {.world = {.nodes = {kNode},
                       .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.9"}},
                                {.name = "one", .node = kNode, .addresses = {"10.244.1.11"}}},
                       .decoy = DecoySpec{}}}));
    VICINITY_ASSERT_OK(cluster_->world().pod("one").serve(
        {.instance = "one", .ports = {8080}, .protocol = ServeProtocol::kBanner}));
    // A namespace is where a process is.
    VICINITY_ASSERT_OK(cluster_->world().pod("client").agent());
    mesh_ = std::filesystem::path(cluster_->admin_socket(kNode)).parent_path() / "mesh.yaml";
    std::ofstream(mesh_) << kMesh;
  }
  void TearDown() override { daemon_.reset(); }

  // As a container runtime does it: the bounding set cut, nothing ambient, no new privileges.
  void start(const std::string& capabilities, std::vector<std::string> more = {}) {
    const Node& node = cluster_->world().node(kNode);
    std::vector<std::string> argv = {"setpriv",
                                     "--no-new-privs",
                                     "--inh-caps=-all",
                                     "--ambient-caps=-all",
                                     "--bounding-set=-all," + capabilities,
                                     program_path("vicinityd"),
                                     "--node-name",
                                     kNode,
                                     "--cgroup",
                                     node.cgroup().path(),
                                     "--pin-dir",
                                     node.pin_dir(),
                                     "--admin-socket",
                                     cluster_->admin_socket(kNode)};
    if (more.empty()) more = {"--feed", "file:" + mesh_.string(), "--metrics-address", ""};
    argv.insert(argv.end(), more.begin(), more.end());
    VICINITY_ASSERT_OK_AND_ASSIGN(daemon_, Process::spawn({.argv = std::move(argv),
                                                           .netns = &cluster_->world().netns(),
                                                           .cgroup = &node.cgroup()}));
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
  std::filesystem::path mesh_;
  std::optional<Process> daemon_;
};

TEST_F(PrivilegeTest, Peers_19_ThreeCapabilitiesAreEnoughForEverything) {
  start(kAll);
  VICINITY_ASSERT_OK(daemon_->wait_for_line("ready", 10s));
  expect_status("yes; a connect from a cgroup beside the daemon's is translated");
  expect_status("2 of ");  // both pods known, by the iterator
  const auto result =
      cluster_->world().pod("client").connect({.address = "10.96.0.10", .port = 80});
  VICINITY_ASSERT_OK(result);
  EXPECT_EQ(result->answer, "one");
  // And to take over what is there.
  VICINITY_ASSERT_OK(daemon_->stop(10s));
  start(kAll);
  VICINITY_ASSERT_OK(daemon_->wait_for_line("ready", 10s));
  std::ifstream proc("/proc/" + std::to_string(daemon_->pid()) + "/status");
  const std::string text(std::istreambuf_iterator<char>(proc), {});
  // CAP_NET_ADMIN 12, CAP_PERFMON 38, CAP_BPF 39.
  EXPECT_THAT(text, HasSubstr("CapEff:\t000000c000001000"));
  EXPECT_THAT(text, HasSubstr("CapAmb:\t0000000000000000"));
  EXPECT_THAT(text, HasSubstr("NoNewPrivs:\t1"));
}

struct MissingRow {
  const char* capabilities;
  const char* message;
};

TEST_F(PrivilegeTest, Peers_19_EachOfThemIsNeeded) {
  const MissingRow rows[] = {
      {"+net_admin,+perfmon", "CAP_BPF"},
      {"+bpf,+perfmon", "CAP_NET_ADMIN"},
  };
  for (const MissingRow& row : rows) {
    SCOPED_TRACE(row.capabilities);
    start(row.capabilities);
    VICINITY_ASSERT_OK_AND_ASSIGN(const ExitStatus end, daemon_->wait(20s));
    EXPECT_EQ(end.code, 1);
    EXPECT_THAT(daemon_->err() + daemon_->out(), HasSubstr(row.message));
  }
}

TEST_F(PrivilegeTest, Peers_19_WithoutPerfmonItSaysWhatDoesNotWork) {
  start("+bpf,+net_admin");
  const auto ready = daemon_->wait_for_line("ready", 10s);
  if (!ready.ok()) {
    EXPECT_THAT(daemon_->err() + daemon_->out(), HasSubstr("CAP_PERFMON"));
    return;
  }
  expect_status("not told apart");
  expect_status("CAP_PERFMON");
}

TEST_F(PrivilegeTest, TheAdminSocketIsForRootAndMetricsAreOnLoopback) {
  start(kAll, {"--feed", "file:" + mesh_.string()});
  VICINITY_ASSERT_OK(daemon_->wait_for_line("ready", 10s));
  struct stat info = {};
  ASSERT_EQ(::stat(cluster_->admin_socket(kNode).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(info.st_uid, 0u);
  // Every TCP listener of its namespace is on 127.0.0.1.
  const std::string tcp = "/proc/" + std::to_string(daemon_->pid()) + "/net/tcp";
  std::ifstream sockets(tcp);
  int listeners = 0;
  for (std::string line; std::getline(sockets, line);) {
    if (line.find(" 0A ") == std::string::npos) continue;
    ++listeners;
    EXPECT_THAT(line, HasSubstr(" 0100007F:")) << line;
  }
  EXPECT_GT(listeners, 0);
}

TEST_F(PrivilegeTest, TheTokenIsNeverSaidAloud) {
  const std::string token = mesh_.parent_path() / "token";
  std::ofstream(token) << kSecret;
  start(kAll, {"--xds-auth", "plaintext", "--xds-address", "127.0.0.1:1", "--xds-token", token,
               "--log-level", "debug", "--metrics-address", ""});
  expect_status("backoff");
  const auto metrics = cluster_->ctl(kNode, {"metrics"});
  VICINITY_ASSERT_OK(metrics);
  const auto json = cluster_->ctl(kNode, {"status", "-o", "json"});
  VICINITY_ASSERT_OK(json);
  for (const std::string& said :
       {daemon_->out(), daemon_->err(), status(), metrics->out, json->out}) {
    EXPECT_THAT(said, Not(HasSubstr(kSecret)));
  }
  // What is looked for would be found.
  EXPECT_THAT(daemon_->out() + daemon_->err(), HasSubstr("127.0.0.1:1"));
  std::filesystem::remove(token);
}

}  // namespace
}  // namespace vicinity::testing
