// What the real daemon may do: uid 0 with three capabilities and nothing else. Each of them is
// needed, no more is, and what it keeps to itself stays there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devcp/dev_control_plane.h"
#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/netns.h"
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
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_, Cluster::create({.node = kNode,
                                                             .client = "10.244.1.9",
                                                             .serving = {{"one", "10.244.1.11"}}}));
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
  std::string status() { return cluster_->said(kNode, {"status"}); }
  void expect_status(const std::string& text) {
    VICINITY_EXPECT_OK(cluster_->wait_until_said(kNode, {"status"}, text));
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

// /proc/PID/task/TID/status of every thread.
std::vector<std::string> thread_statuses(int pid) {
  std::vector<std::string> texts;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::ifstream status(task.path() / "status");
    texts.emplace_back(std::istreambuf_iterator<char>(status), std::istreambuf_iterator<char>());
  }
  return texts;
}

struct KeptRow {
  const char* terminate;
  const char* kept;
};

// Started as root with everything, it gives up what it has no use for, and loads, attaches and
// takes over without.
TEST_F(PrivilegeTest, Peers_19_WhatIsNotNeededIsGivenUp) {
  const KeptRow rows[] = {
      {"none", "000000c000001000"},
      {"udp", "000000c000281000"},  // and CAP_SYS_PTRACE 19, CAP_SYS_ADMIN 21
  };
  cluster_->control_plane().set_resources(feed::parse_mesh(kMesh).resources);
  for (const KeptRow& row : rows) {
    SCOPED_TRACE(row.terminate);
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, {"--terminate", row.terminate}));
    const auto threads = thread_statuses(cluster_->daemon(kNode).pid());
    EXPECT_GT(threads.size(), 3u);
    for (const std::string& text : threads) {
      for (const char* set : {"CapPrm:\t", "CapEff:\t", "CapBnd:\t"}) {
        EXPECT_THAT(text, HasSubstr(set + std::string(row.kept)));
      }
      EXPECT_THAT(text, HasSubstr("CapInh:\t0000000000000000"));
      EXPECT_THAT(text, HasSubstr("CapAmb:\t0000000000000000"));
      EXPECT_THAT(text, HasSubstr("NoNewPrivs:\t1"));
    }
    expect_status("yes; a connect from a cgroup beside the daemon's is translated");
    VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  }
}

struct MissingRow {
  const char* capabilities;
  const char* message;
};

TEST_F(PrivilegeTest, Peers_19_EachOfThemIsNeeded) {
  const MissingRow rows[] = {
      {"+net_admin,+perfmon", "CAP_BPF"},
      {"+bpf,+perfmon", "CAP_NET_ADMIN"},
      {"+bpf,+net_admin", "missing: CAP_PERFMON"},
  };
  for (const MissingRow& row : rows) {
    SCOPED_TRACE(row.capabilities);
    start(row.capabilities);
    VICINITY_ASSERT_OK_AND_ASSIGN(const ExitStatus end, daemon_->wait(20s));
    EXPECT_EQ(end.code, 1);
    EXPECT_THAT(daemon_->err() + daemon_->out(), HasSubstr(row.message));
  }
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

// A control plane over TLS, which is the only way a token goes.
absl::StatusOr<std::unique_ptr<devcp::DevControlPlane>> start_secure(
    World& world, const std::filesystem::path& folder) {
  const std::string key = folder / "key.pem";
  const std::string certificate = folder / "root.pem";
  const auto made = run(
      {.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=istiod",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate}},
      10s);
  if (!made.ok()) return made.status();
  absl::StatusOr<std::unique_ptr<devcp::DevControlPlane>> plane = absl::UnknownError("not tried");
  run_in(world.netns(), [&] {
    plane =
        devcp::DevControlPlane::start({.tls_cert = certificate, .tls_key = key, .token = kSecret});
  });
  return plane;
}

// Sent, refused, and missing in the end: whatever the daemon says meanwhile.
TEST_F(PrivilegeTest, TheTokenIsNeverSaidAloud) {
  const std::filesystem::path folder = mesh_.parent_path();
  const std::string token = folder / "token";
  std::ofstream(token) << kSecret;
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto plane, start_secure(cluster_->world(), folder));
  plane->set_resources(feed::parse_mesh(kMesh).resources);
  start(kAll, {"--xds-address", "localhost:" + std::to_string(plane->port()), "--xds-root-cert",
               folder / "root.pem", "--xds-token", token, "--log-level", "debug",
               "--metrics-address", ""});
  expect_status("in_sync");
  ASSERT_FALSE(plane->status().streams.empty());
  EXPECT_EQ(plane->status().streams[0].authorization, std::string("Bearer ") + kSecret);
  std::string said = status() + cluster_->said(kNode, {"metrics"});
  plane->set_faults({.deny = "not this one"});
  plane->close_streams("not this one");
  expect_status("not this one");
  said += status() + cluster_->said(kNode, {"status", "-o", "json"});
  std::filesystem::remove(token);
  VICINITY_EXPECT_OK(cluster_->wait_until_said(kNode, {"status"}, token, 60s));
  said += status() + cluster_->said(kNode, {"metrics"}) + daemon_->out() + daemon_->err();
  EXPECT_THAT(said, Not(HasSubstr(kSecret)));
  // What is looked for would be found.
  EXPECT_THAT(said, HasSubstr("not this one"));
  EXPECT_THAT(daemon_->out() + daemon_->err(), HasSubstr("not this one"));
}

}  // namespace
}  // namespace vicinity::testing
