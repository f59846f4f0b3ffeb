// A full disk under a real daemon: its log, and the folder of its admin socket.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "e2e/cluster.h"
#include "e2e/web_mesh.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

constexpr const char* kNode = "worker";

class DiskFullTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_, Cluster::create({.world = {.nodes = {kNode}}}));
    serve("10.244.1.5");
  }
  void serve(const std::string& endpoint) {
    cluster_->control_plane().set_resources(
        feed::parse_mesh(web_mesh("10.96.0.10", {endpoint})).resources);
  }
  void expect_endpoint(const std::string& expected) {
    std::string seen;
    EXPECT_TRUE(wait_until(
        [&] { return (seen = web_endpoints(cluster_->tables(kNode))) == expected; }, 20s))
        << seen;
  }
  // vicinityd after `preparation` in a shell, in a mount namespace of its own.
  [[nodiscard]] absl::StatusOr<Process> start_after(const std::string& preparation,
                                                    const std::string& socket) {
    const Node& node = cluster_->world().node(kNode);
    return Process::spawn({.argv = {"unshare",
                                    "-m",
                                    "sh",
                                    "-c",
                                    preparation,
                                    program_path("vicinityd"),
                                    "--node-name",
                                    kNode,
                                    "--xds-address",
                                    cluster_->control_plane().address(),
                                    "--xds-auth",
                                    "plaintext",
                                    "--cgroup",
                                    node.cgroup().path(),
                                    "--pin-dir",
                                    node.pin_dir(),
                                    "--admin-socket",
                                    socket,
                                    "--metrics-address",
                                    ""},
                           .netns = &cluster_->world().netns(),
                           .cgroup = &node.cgroup()});
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(DiskFullTest, ALogThatCannotBeWrittenStopsNothing) {
  VICINITY_ASSERT_OK_AND_ASSIGN(
      auto daemon,
      start_after("exec \"$0\" \"$@\" >/dev/full 2>/dev/full", cluster_->admin_socket(kNode)));
  expect_endpoint("10.244.1.5");
  serve("10.244.1.6");
  expect_endpoint("10.244.1.6");
  EXPECT_TRUE(daemon.running());
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto ended, daemon.stop(10s));
  EXPECT_EQ(ended, ExitStatus{}) << "and it stops as asked";
}

TEST_F(DiskFullTest, ADaemonWithoutRoomForItsSocketSaysSoAndTheTablesServeOn) {
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  expect_endpoint("10.244.1.5");
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  const std::string folder =
      std::filesystem::path(cluster_->admin_socket(kNode)).parent_path() / "full";
  std::filesystem::create_directory(folder);
  VICINITY_ASSERT_OK_AND_ASSIGN(auto daemon, start_after("mount -t tmpfs -o nr_inodes=1 tmpfs " +
                                                             folder + " && exec \"$0\" \"$@\"",
                                                         folder + "/admin.sock"));
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto ended, daemon.wait(10s));
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(daemon.err().find("No space left"), std::string::npos) << daemon.err();
  expect_endpoint("10.244.1.5");
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
  serve("10.244.1.6");
  expect_endpoint("10.244.1.6");
}

}  // namespace
}  // namespace vicinity::testing
