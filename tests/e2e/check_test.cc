// `vicinityctl check` on real nodes, each broken in one way: the check that speaks, its verdict and
// its remedy. States that this machine cannot be put into are rows of tests/unit/ctl_check_test.cc.
#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <fcntl.h>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* kNode = "worker";
constexpr const char* kMesh =
    "service:\n  name: web\n  namespace: a\n  hostname: web.a\n  addresses: [\"10.96.0.10\"]\n"
    "  ports: [{servicePort: 80, targetPort: 8080}]\n"
    "---\nworkload:\n  uid: Kubernetes//Pod/a/one\n  name: one\n  namespace: a\n  node: worker\n"
    "  addresses: [\"10.244.1.11\"]\n  locality: {region: r, zone: z}\n"
    "  services: {\"a/web.a\": {ports: [{servicePort: 80, targetPort: 8080}]}}\n";

struct Ran {
  int exit = -1;
  std::string text;
};

class CheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(
        cluster_,
        Cluster::create(
            {.world = {.nodes = {kNode},
                       .pods = {{.name = "one", .node = kNode, .addresses = {"10.244.1.11"}}}}}));
    VICINITY_ASSERT_OK(cluster_->world().pod("one").agent());
    serve(kMesh);
  }
  void serve(const std::string& text) {
    const auto file = feed::parse_mesh(text);
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    cluster_->control_plane().set_resources(file.resources);
  }
  void start(const std::vector<std::string>& flags = {}) {
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, flags));
  }
  Ran check(std::vector<std::string> more = {}) {
    more.insert(more.begin(), "check");
    const auto done = cluster_->ctl(kNode, std::move(more));
    if (!done.ok()) return {.text = std::string(done.status().message())};
    return {.exit = done->exit_code, .text = done->out + done->err};
  }
  // Waits until check says all of it; then its exit status.
  void expect(const std::vector<std::string>& texts, int exit) {
    Ran last;
    EXPECT_TRUE(wait_until(
        [&] {
          last = check();
          for (const std::string& text : texts) {
            if (last.text.find(text) == std::string::npos) return false;
          }
          return last.exit == exit;
        },
        15s))
        << "expected " << ::testing::PrintToString(texts) << " and exit " << exit << " in\n"
        << last.text << "exit " << last.exit;
  }

  std::unique_ptr<Cluster> cluster_;
};

// Lets every connect through, as an audit program or Cilium's would be there.
class OtherProgram {
 public:
  OtherProgram(const char* name, const std::string& cgroup) {
    const bpf_insn code[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K,
         .dst_reg = BPF_REG_0,
         .src_reg = 0,
         .off = 0,
         .imm = 1},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    bpf_prog_load_opts options{};
    options.sz = sizeof(options);
    options.expected_attach_type = BPF_CGROUP_INET4_CONNECT;
    program_.reset(bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, name, "GPL", code, 2, &options));
    const base::UniqueFd folder(::open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    link_.reset(bpf_link_create(program_.get(), folder.get(), BPF_CGROUP_INET4_CONNECT, nullptr));
  }
  [[nodiscard]] bool attached() const { return link_.valid(); }

 private:
  base::UniqueFd program_;
  base::UniqueFd link_;
};

TEST_F(CheckTest, AWorkingNodePasses) {
  start();
  // The nodes of these tests have cgroups of their own, below the machine's.
  expect({"ok      daemon", "ok      kernel", "ok      permissions", "ok      pins",
          "note    cgroup", "ok      hooks", "ok      programs", "ok      probe", "ok      feed",
          "ok      place", "ok      tables", "ok      mesh", "ok      dns"},
         0);
  EXPECT_THAT(check({"-o", "json"}).text, HasSubstr("\"check\": \"feed\""));
}

TEST_F(CheckTest, WithoutADaemonItLooksAtTheNode) {
  const Node& node = cluster_->world().node(kNode);
  const Ran ran = check({"--cgroup", node.cgroup().path(), "--pin-dir", node.pin_dir()});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.text, HasSubstr("FAIL    daemon"));
  EXPECT_THAT(ran.text, HasSubstr("-> start vicinityd"));
  EXPECT_THAT(ran.text, HasSubstr("ok      kernel"));
  EXPECT_THAT(ran.text, HasSubstr("ok      pins"));
  EXPECT_THAT(ran.text, HasSubstr("ok      programs"));
  EXPECT_THAT(check({"--cgroup", "/tmp", "--pin-dir", "/tmp/x"}).text,
              HasSubstr("FAIL    cgroup      /tmp: not a cgroup v2 directory"));
  EXPECT_THAT(check({"--cgroup", "/tmp", "--pin-dir", "/tmp/x"}).text,
              HasSubstr("FAIL    pins        /tmp/x: not on a BPF file system"));
}

TEST_F(CheckTest, ADaemonThatDiedIsMissed) {
  start();
  expect({"ok      feed"}, 0);
  VICINITY_ASSERT_OK(cluster_->kill_daemon(kNode));
  const Node& node = cluster_->world().node(kNode);
  const Ran ran = check({"--cgroup", node.cgroup().path(), "--pin-dir", node.pin_dir()});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.text, HasSubstr("tables of an earlier daemon serve until their lease ends"));
}

TEST_F(CheckTest, OtherProgramsAreNamedWithTheSettingThatHelps) {
  start();
  const std::string cgroup = cluster_->world().node(kNode).cgroup().path();
  {
    const OtherProgram cilium("cil_sock4_conn", cgroup);
    ASSERT_TRUE(cilium.attached());
    expect({"FAIL    programs    Cilium's cil_sock4_conn", "socketLB.hostNamespaceOnly=true"}, 1);
  }
  const OtherProgram audit("audit", cgroup);
  ASSERT_TRUE(audit.attached());
  expect({"note    programs    audit runs at connect, too", "-> if services are not balanced"}, 0);
}

TEST_F(CheckTest, AMissingControlPlaneIsToldWithItsAddress) {
  start();
  expect({"ok      feed"}, 0);
  VICINITY_ASSERT_OK(cluster_->replace_control_plane("127.0.0.1:0"));  // somewhere else
  expect({"FAIL    feed", "-> --xds-address: can this node reach istiod there?"}, 1);
}

TEST_F(CheckTest, ARejectedResourceIsNamed) {
  auto file = feed::parse_mesh(kMesh);
  auto bad = file.resources.front();
  bad.name = "a/bad";
  file.resources.push_back(bad);
  cluster_->control_plane().set_resources(file.resources);
  start();
  expect({"FAIL    feed        1 resources are rejected, the first: a/bad"}, 1);
}

TEST_F(CheckTest, ANodeWithoutAPlaceIsTold) {
  serve("service:\n  name: web\n  namespace: a\n  hostname: web.a\n");
  start();
  expect({"FAIL    place", "-> label the node topology.kubernetes.io/region"}, 1);
}

TEST_F(CheckTest, CapturedPodsAndStrictPeersAreNoted) {
  VICINITY_ASSERT_OK(cluster_->world().pod("one").serve({.ports = {15008}}));
  serve(std::string(kMesh) +
        "  authorizationPolicies: [istio-system/istio_converted_static_strict]\n");
  start();
  expect({"note    mesh        ztunnel has captured 1 network namespaces",
          "1 workloads take mTLS only (PeerAuthentication STRICT), e.g. Kubernetes//Pod/a/one",
          "1 are left alone"},
         0);
}

TEST_F(CheckTest, MissingCapabilitiesAreNamed) {
  const auto done =
      run({.argv = {"setpriv", "--bounding-set", "-bpf", "--inh-caps", "-bpf",
                    program_path("vicinityctl"), "check", "--admin-socket", "/nowhere"}},
          20s);
  VICINITY_ASSERT_OK(done);
  EXPECT_EQ(done->exit_code, 1);
  EXPECT_THAT(done->out, HasSubstr("FAIL    permissions this process lacks CAP_BPF"));
}

}  // namespace
}  // namespace vicinity::testing
