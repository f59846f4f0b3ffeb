// The image under podman, with exactly the privileges that docs/security.md states: connects of the
// test hosts are balanced, vicinityctl inside answers, and --uninstall removes what was pinned.
// VICINITY_IMAGE names the image, VICINITY_PODMAN_ROOT the store that it is in.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "support/gtest_support.h"
#include "support/paths.h"
#include "support/process.h"
#include "support/wait.h"
#include "support/world.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

using Arguments = std::vector<std::string>;

constexpr const char* kVip = "10.96.0.10";
constexpr const char* kMesh = R"(service:
  name: web
  namespace: sample
  hostname: web.example
  addresses: ["10.96.0.10"]
  ports: [{servicePort: 80, targetPort: 8080}]
---
workload:
  uid: near
  name: near
  namespace: sample
  node: worker
  addresses: ["10.244.1.5"]
  services: {"sample/web.example": {ports: [{servicePort: 80, targetPort: 8080}]}}
)";

// CAP_NET_ADMIN (12), CAP_PERFMON (38), CAP_BPF (39).
constexpr uint64_t kCapabilities = (1ULL << 12) | (1ULL << 38) | (1ULL << 39);

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string seccomp_profile() { return source_dir() / "deploy/seccomp/vicinity.json"; }

std::string image() { return environment("VICINITY_IMAGE"); }

absl::StatusOr<Completed> podman(const Arguments& arguments) {
  const std::string store = environment("VICINITY_PODMAN_ROOT");
  Arguments argv{"podman",
                 "--root=" + store + "/root",
                 "--runroot=" + store + "/run",
                 "--storage-driver=vfs",
                 "--cgroup-manager=cgroupfs",
                 "--runtime=runc"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run({.argv = std::move(argv)}, 120s);
}

// The line of /proc/PID/status, e.g. "CapEff".
std::string process_status(const std::string& pid, const std::string& key) {
  std::ifstream file("/proc/" + pid + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) return line.substr(line.find('\t') + 1);
  }
  return "none";
}

class ImageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    ASSERT_NE(image(), "");
    directory_ = fs::temp_directory_path() / name_;
    fs::create_directories(directory_);
    std::ofstream(directory_ / "mesh.yaml") << kMesh;
    VICINITY_ASSERT_OK_AND_ASSIGN(
        world_,
        World::create({.nodes = {"worker"},
                       .pods = {{.name = "client", .node = "worker", .addresses = {"10.244.1.6"}},
                                {.name = "near", .node = "worker", .addresses = {"10.244.1.5"}}},
                       .decoy = DecoySpec{}}));
    VICINITY_ASSERT_OK(world_->pod("near").serve(
        {.instance = "near", .ports = {8080}, .protocol = ServeProtocol::kBanner}));
  }
  void TearDown() override {
    podman({"rm", "--force", "--ignore", "--time=0", name_}).IgnoreError();
    fs::remove_all(directory_);
    if (world_) VICINITY_EXPECT_OK(world_->shut_down());
  }

  // `podman run OPTIONS IMAGE ARGUMENTS`, as the chart runs it.
  absl::StatusOr<Completed> run_image(Arguments options, const Arguments& arguments) {
    const Node& node = world_->node("worker");
    const fs::path pins = node.pin_dir();
    Arguments command{"run",
                      "--user=0:0",
                      "--cap-drop=ALL",
                      "--cap-add=BPF",
                      "--cap-add=NET_ADMIN",
                      "--cap-add=PERFMON",
                      "--security-opt=no-new-privileges",
                      "--security-opt=seccomp=" + seccomp_profile(),
                      "--read-only",
                      "--read-only-tmpfs=false",
                      "--tmpfs=/run/vicinity",
                      "--network=none",
                      "--ulimit=nofile=1024:1024",
                      "--ulimit=nproc=1000:1000",
                      "--volume=" + node.cgroup().path() + ":/host/sys/fs/cgroup",
                      "--volume=" + pins.parent_path().string() + ":/host/sys/fs/bpf",
                      "--volume=" + directory_.string() + ":/etc/vicinity:ro"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {image(), "--node-name=worker", "--cgroup=/host/sys/fs/cgroup",
                                   "--pin-dir=/host/sys/fs/bpf/" + pins.filename().string(),
                                   "--feed=file:/etc/vicinity/mesh.yaml", "--metrics-address="});
    command.insert(command.end(), arguments.begin(), arguments.end());
    return podman(command);
  }
  std::string logs() {
    const auto done = podman({"logs", name_});
    return done.ok() ? done->out + done->err : std::string(done.status().message());
  }
  std::string inside(const Arguments& command) {
    Arguments arguments{"exec", name_};
    arguments.insert(arguments.end(), command.begin(), command.end());
    const auto done = podman(arguments);
    return done.ok() ? done->out + done->err : std::string(done.status().message());
  }
  std::string connect() {
    const auto result = world_->pod("client").connect({.address = kVip, .port = 80});
    if (!result.ok()) return std::string(result.status().message());
    return result->error == 0 ? result->answer : std::strerror(result->error);
  }
  void expect_privileges() {
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto inspected,
                                  podman({"inspect", "--format={{.State.Pid}}", name_}));
    const std::string pid = inspected.out.substr(0, inspected.out.find('\n'));
    for (const char* set : {"CapPrm", "CapEff", "CapBnd"}) {
      EXPECT_EQ(std::stoull(process_status(pid, set), nullptr, 16), kCapabilities) << set;
    }
    EXPECT_EQ(process_status(pid, "CapAmb"), "0000000000000000");
    EXPECT_EQ(process_status(pid, "NoNewPrivs"), "1");
  }

  const std::string name_ = "vicinity-image-" + std::to_string(getpid());
  fs::path directory_;
  std::unique_ptr<World> world_;
};

TEST_F(ImageTest, BalancesWithTheDocumentedPrivilegesAndUninstalls) {
  EXPECT_EQ(connect(), "decoy") << "nothing is installed yet";
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto started, run_image({"--detach", "--name=" + name_}, {}));
  ASSERT_EQ(started.exit_code, 0) << started.err;

  std::string status;
  ASSERT_TRUE(wait_until(
      [&] {
        status = inside({"vicinityctl", "status"});
        return status.find("in_sync") != std::string::npos;
      },
      20s))
      << status << logs();
  expect_privileges();
  EXPECT_TRUE(wait_until([&] { return connect() == "near"; }, 10s)) << connect();
  EXPECT_NE(inside({"vicinityctl", "endpoints", "sample/web.example"}).find("100.00%"),
            std::string::npos);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(connect(), "near");

  VICINITY_ASSERT_OK_AND_ASSIGN(const auto stopped, podman({"stop", "--time=10", name_}));
  ASSERT_EQ(stopped.exit_code, 0) << stopped.err;
  EXPECT_EQ(connect(), "near") << "what is pinned serves without the daemon";

  VICINITY_ASSERT_OK_AND_ASSIGN(const auto uninstalled, run_image({"--rm"}, {"--uninstall"}));
  EXPECT_EQ(uninstalled.exit_code, 0) << uninstalled.err;
  EXPECT_EQ(connect(), "decoy");
  EXPECT_FALSE(fs::exists(world_->node("worker").pin_dir()));
}

}  // namespace
}  // namespace vicinity::testing
