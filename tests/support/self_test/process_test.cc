// Starting programs: what they said, how they ended, and that they end with us.
#include "support/process.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "support/gtest_support.h"
#include "support/spawn.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

struct Row {
  std::vector<std::string> argv;
  int exit_code;
  std::string out;
  std::string err;
};

TEST(Process, RunsAndReports) {
  const std::vector<Row> rows = {
      {{"true"}, 0, "", ""},
      {{"false"}, 1, "", ""},
      {{"sh", "-c", "echo out; echo err >&2; exit 7"}, 7, "out\n", "err\n"},
      {{"sh", "-c", "echo $VICINITY_SAID"}, 0, "said\n", ""},
      // No descriptors but its own three and the one ls opens.
      {{"ls", "/proc/self/fd"}, 0, "0\n1\n2\n3\n", ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.argv.back());
    VICINITY_ASSERT_OK_AND_ASSIGN(const Completed run_result,
                                  run({.argv = row.argv, .env = {"VICINITY_SAID=said"}}, 10s));
    EXPECT_EQ(run_result.exit_code, row.exit_code);
    EXPECT_EQ(run_result.out, row.out);
    EXPECT_EQ(run_result.err, row.err);
  }
}

TEST(Process, MissingProgramFailsAtSpawn) {
  const auto process = Process::spawn({.argv = {"/nowhere/program"}});
  ASSERT_FALSE(process.ok());
  EXPECT_NE(process.status().ToString().find("exec"), std::string::npos)
      << process.status().ToString();
}

TEST(Process, WaitsForALineAndStops) {
  VICINITY_ASSERT_OK_AND_ASSIGN(
      Process process,
      Process::spawn({.argv = {"sh", "-c", "echo one; echo is ready now >&2; exec sleep 60"}}));
  VICINITY_ASSERT_OK_AND_ASSIGN(const std::string line, process.wait_for_line("ready", 5s));
  EXPECT_EQ(line, "is ready now");
  EXPECT_TRUE(process.running());
  VICINITY_ASSERT_OK_AND_ASSIGN(const ExitStatus end, process.stop(5s));
  EXPECT_EQ(end, (ExitStatus{.signal = SIGTERM}));
  EXPECT_FALSE(process.running());
}

TEST(Process, LineThatNeverComesShowsTheOutput) {
  const auto process_result = Process::spawn({.argv = {"sh", "-c", "echo something else"}});
  VICINITY_ASSERT_OK(process_result);
  const auto line = const_cast<Process&>(*process_result).wait_for_line("ready", 10s);
  ASSERT_FALSE(line.ok());
  EXPECT_NE(line.status().ToString().find("something else"), std::string::npos);
}

TEST(Process, StubbornOneIsKilledAtTheDeadline) {
  VICINITY_ASSERT_OK_AND_ASSIGN(
      Process process,
      Process::spawn({.argv = {"sh", "-c",
                               "trap '' TERM; echo ready; while :; do read x < /dev/zero; done"}}));
  VICINITY_ASSERT_OK(process.wait_for_line("ready", 5s));
  VICINITY_ASSERT_OK_AND_ASSIGN(const ExitStatus end, process.stop(50ms));
  EXPECT_EQ(end, (ExitStatus{.signal = SIGKILL}));
}

TEST(Process, OutlivesTheThreadThatStartedIt) {
  absl::StatusOr<Process> process = absl::UnknownError("not started");
  std::thread([&] { process = Process::spawn({.argv = {"sleep", "60"}}); }).join();
  VICINITY_ASSERT_OK(process);
  EXPECT_FALSE(process->wait(50ms).ok());
  EXPECT_TRUE(process->running());
}

}  // namespace
}  // namespace vicinity::testing
