// The daemon that is measured leaves nothing to the next one.
#include "bench/feed/daemon.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "bench/workspace.h"
#include "support/bpffs.h"
#include "support/cgroup.h"
#include "support/gtest_support.h"
#include "support/netns.h"

namespace vicinity::bench {
namespace {

namespace fs = std::filesystem;

// As if it had been killed in the middle of a probe.
TEST(BenchDaemon, LeavesNeitherPinsNorCgroups) {
  VICINITY_ROOT_OR_FAIL();
  VICINITY_ASSERT_OK_AND_ASSIGN(const Workspace workspace, Workspace::create());
  VICINITY_ASSERT_OK_AND_ASSIGN(const testing::Netns netns, testing::Netns::create());
  const std::string pins = workspace.pin_dir("daemon");
  std::string cgroup;
  {
    VICINITY_ASSERT_OK_AND_ASSIGN(const Daemon first, Daemon::create(workspace, netns, 1));
    cgroup = first.cgroup().path();
    ASSERT_TRUE(fs::create_directory(cgroup + "/vicinity-probe"));
    VICINITY_ASSERT_OK(testing::make_pin_dir(pins));
    ASSERT_TRUE(fs::create_directory(pins + "/v1"));
  }
  EXPECT_FALSE(fs::exists(cgroup));
  EXPECT_FALSE(fs::exists(pins));
  VICINITY_EXPECT_OK(Daemon::create(workspace, netns, 1));
}

}  // namespace
}  // namespace vicinity::bench
