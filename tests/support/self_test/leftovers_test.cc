// A test that was killed leaves cgroups and pins, which the next world removes; its processes die
// with it.
#include "support/leftovers.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <sstream>
#include <string>

#include "support/gtest_support.h"
#include "support/process.h"
#include "support/program.h"
#include "support/wait.h"
#include "support/world.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

TEST(Leftovers, OfAKilledTestGoWithTheNextWorld) {
  VICINITY_ROOT_OR_FAIL();
  VICINITY_ASSERT_OK_AND_ASSIGN(Process killed,
                                Process::spawn({.argv = {program_path("vic_leave_world")}}));
  VICINITY_ASSERT_OK(killed.wait_for_line("standing", 20s));
  std::istringstream said(killed.out());
  std::string cgroup;
  std::string pin_dir;
  pid_t child = 0;
  said >> cgroup >> pin_dir >> child;
  ASSERT_TRUE(exists(cgroup) && exists(pin_dir) && is_alive(child)) << killed.out();

  // Not while its owner lives.
  VICINITY_ASSERT_OK(remove_leftovers());
  EXPECT_TRUE(exists(cgroup) && exists(pin_dir));

  VICINITY_ASSERT_OK(killed.signal(SIGKILL));
  VICINITY_ASSERT_OK(killed.wait(5s));
  EXPECT_TRUE(wait_until([&] { return !is_alive(child); }, 5s));
  EXPECT_TRUE(exists(cgroup) && exists(pin_dir));
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto world, World::create({}));
  EXPECT_FALSE(exists(cgroup));
  EXPECT_FALSE(exists(pin_dir));
}

}  // namespace
}  // namespace vicinity::testing
