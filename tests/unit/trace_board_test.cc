// Who is told what of a trace, over a data plane that tells what the test says.
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "admin/trace_board.h"
#include "compile/compile.h"

namespace vicinity::admin {
namespace {

using dataplane::Traced;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FakeTraces : public dataplane::Traces {
 public:
  [[nodiscard]] absl::Status keep_on(absl::Duration /*time*/) override {
    on = true;
    return status;
  }
  void turn_off() override { on = false; }
  [[nodiscard]] std::vector<Traced> take() override { return std::exchange(next, {}); }
  [[nodiscard]] uint64_t lost() const override { return lost_events; }

  bool on = false;
  absl::Status status;
  std::vector<Traced> next;
  uint64_t lost_events = 0;
};

class FakeView : public ControlView {
 public:
  [[nodiscard]] const model::Snapshot& snapshot() const override { return snapshot_; }
  [[nodiscard]] const compile::CompileOptions& options() const override { return options_; }
  [[nodiscard]] std::optional<compile::ServiceTable> kernel_table(
      std::string_view /*service*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] compile::Tables kernel_tables() const override { return {}; }
  void refresh() override {}
  [[nodiscard]] dataplane::Traces* traces() override { return traced_by; }

  FakeTraces tells;
  dataplane::Traces* traced_by = &tells;

 private:
  model::Snapshot snapshot_{"worker", {}};
  compile::CompileOptions options_;
};

Traced choice(uint64_t cookie, std::string_view result = "translated") {
  Traced told;
  told.cookie = cookie;
  told.at_ns = 1000;
  told.verdict = {.result = result, .reason = result == "translated" ? "" : "empty"};
  return told;
}
Traced end(uint64_t cookie, Traced::Kind kind, int error = 0) {
  Traced told;
  told.kind = kind;
  told.cookie = cookie;
  told.at_ns = 2'001'000;
  told.error = error;
  return told;
}

class TraceBoardTest : public ::testing::Test {
 protected:
  TraceBoard::ClientId join(const TraceRequest& request = {}) {
    const auto id = board_.join(request, view_);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or(0);
  }
  // "7 established" of each event.
  std::vector<std::string> told(TraceBoard::ClientId client) {
    std::vector<std::string> lines;
    const TraceReply reply = board_.take(client, view_);
    for (const TraceEvent& event : reply.events()) {
      lines.push_back(std::to_string(event.connection()) + " " +
                      (event.outcome().empty() ? event.result() : event.outcome()));
    }
    return lines;
  }

  FakeView view_;
  TraceBoard board_;
};

TEST_F(TraceBoardTest, AChoiceIsToldWithItsEnd) {
  const auto client = join();
  view_.tells.next = {choice(7), choice(8)};
  EXPECT_THAT(told(client), IsEmpty());
  view_.tells.next = {end(8, Traced::Kind::kEstablished), end(9, Traced::Kind::kEstablished)};
  EXPECT_THAT(told(client), ElementsAre("8 established"));
  view_.tells.next = {end(7, Traced::Kind::kFailed, ECONNREFUSED)};
  const TraceReply reply = board_.take(client, view_);
  ASSERT_EQ(reply.events_size(), 1);
  EXPECT_EQ(reply.events(0).outcome(), "refused");
  EXPECT_DOUBLE_EQ(reply.events(0).connect_seconds(), 0.002);
}

TEST_F(TraceBoardTest, ALongAttemptIsToldTwice) {
  const auto client = join();
  view_.tells.next = {choice(7)};
  std::vector<std::string> lines;
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (lines.empty() && absl::Now() < deadline) lines = told(client);
  EXPECT_THAT(lines, ElementsAre("7 connecting"));
  view_.tells.next = {end(7, Traced::Kind::kFailed, ETIMEDOUT)};
  EXPECT_THAT(told(client), ElementsAre("7 timed out"));
}

TEST_F(TraceBoardTest, WhatHasNoEndIsToldAtOnce) {
  const auto client = join();
  Traced datagram = choice(8);
  datagram.transport = dataplane::Transport::kUdp;
  view_.tells.next = {choice(7, "refused"), datagram};
  EXPECT_THAT(told(client), ElementsAre("7 refused", "8 translated"));
}

TEST_F(TraceBoardTest, EveryClientIsToldAndTheLastOneTurnsItOff) {
  const auto first = join();
  const auto second = join();
  view_.tells.next = {choice(7, "refused")};
  EXPECT_THAT(told(first), ElementsAre("7 refused"));
  EXPECT_THAT(told(second), ElementsAre("7 refused"));
  board_.leave(first);
  EXPECT_TRUE(view_.tells.on);
  board_.leave(second);
  EXPECT_FALSE(view_.tells.on);
  EXPECT_THAT(told(second), IsEmpty());
}

TEST_F(TraceBoardTest, WhatAClientDoesNotFetchIsLostToItAlone) {
  const auto slow = join();
  const auto quick = join();
  for (size_t i = 0; i < TraceBoard::kMostWaiting + 5; ++i) {
    view_.tells.next.push_back(choice(i + 1, "refused"));
    (void)board_.take(quick, view_);
  }
  view_.tells.lost_events = 3;
  EXPECT_EQ(board_.take(quick, view_).lost(), 3u);
  EXPECT_EQ(board_.take(slow, view_).lost(), 8u);
}

TEST_F(TraceBoardTest, ANodeThatCannotTraceSaysSo) {
  view_.tells.status = absl::PermissionDeniedError("no");
  EXPECT_TRUE(absl::IsPermissionDenied(board_.join({}, view_).status()));
  EXPECT_FALSE(view_.tells.on);
  view_.traced_by = nullptr;
  EXPECT_TRUE(absl::IsFailedPrecondition(board_.join({}, view_).status()));
}

struct WantRow {
  const char* what;
  const char* service;
  const char* pod;
  bool refused;
  bool wanted;
};

TEST(TraceFilter, LeavesOutTheRest) {
  TraceEvent event;
  event.set_service("a/web.a");
  event.set_result("translated");
  event.set_outcome("established");
  event.add_pod_addresses("10.1.0.1");
  event.add_pod_addresses("fd00::1");
  const WantRow rows[] = {
      {"everything", "", "", false, true},
      {"the service", "a/web.a", "", false, true},
      {"a pattern", "a/*", "", false, true},
      {"another service", "a/web", "", false, false},
      {"either address", "", "fd00::1", false, true},
      {"another pod", "", "10.1.0.2", false, false},
      {"it did not fail", "", "", true, false},
  };
  for (const WantRow& row : rows) {
    TraceRequest request;
    request.set_service(row.service);
    request.set_pod(row.pod);
    request.set_refused(row.refused);
    EXPECT_EQ(wants(request, event), row.wanted) << row.what;
  }
  TraceRequest failures;
  failures.set_refused(true);
  for (const char* outcome : {"refused", "timed out", "unreachable", "given up", "failed"}) {
    event.set_outcome(outcome);
    EXPECT_TRUE(wants(failures, event)) << outcome;
  }
  event.set_outcome("connecting");
  EXPECT_FALSE(wants(failures, event));
}

}  // namespace
}  // namespace vicinity::admin
