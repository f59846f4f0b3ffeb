// Questions to the control thread: every one is answered, refused or withdrawn, never lost.
#include <absl/time/time.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "admin/control_queue.h"
#include "compile/compile.h"

namespace vicinity::admin {
namespace {

constexpr absl::Duration kLong = absl::Seconds(20);

class EmptyView : public ControlView {
 public:
  [[nodiscard]] const model::Snapshot& snapshot() const override { return snapshot_; }
  [[nodiscard]] const compile::CompileOptions& options() const override { return options_; }
  [[nodiscard]] std::optional<compile::ServiceTable> kernel_table(
      std::string_view /*service*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] compile::Tables kernel_tables() const override { return {}; }
  void refresh() override { ++refreshed; }
  int refreshed = 0;

 private:
  model::Snapshot snapshot_{"node"};
  compile::CompileOptions options_;
};

// Counts wakes, and lets a thread wait for the next one.
class Wakes {
 public:
  std::function<void()> callback() {
    return [this] {
      ++count_;
      count_.notify_all();
    };
  }
  void wait_for(int count) {
    for (int seen = count_; seen < count; seen = count_) count_.wait(seen);
  }

 private:
  std::atomic<int> count_{0};
};

TEST(ControlQueue, ADrainAnswersEveryQuestionThatWaits) {
  Wakes wakes;
  ControlQueue queue(wakes.callback());
  std::vector<absl::Status> answers(3, absl::UnknownError("not asked"));
  std::vector<std::jthread> askers;
  for (absl::Status& answer : answers) {
    askers.emplace_back([&] { answer = queue.run([](ControlView& v) { v.refresh(); }, kLong); });
  }
  wakes.wait_for(3);
  EmptyView view;
  queue.drain(view);
  askers.clear();
  for (const absl::Status& answer : answers) EXPECT_TRUE(answer.ok()) << answer;
  EXPECT_EQ(view.refreshed, 3);
}

TEST(ControlQueue, AQuestionThatIsNotAnsweredInTimeNeverRuns) {
  ControlQueue queue([] {});
  EmptyView view;
  const absl::Status late = queue.run([](ControlView& v) { v.refresh(); }, absl::Milliseconds(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  queue.drain(view);
  EXPECT_EQ(view.refreshed, 0);
}

TEST(ControlQueue, ARunningQuestionIsWaitedForPastItsDeadline) {
  Wakes wakes;
  ControlQueue queue(wakes.callback());
  std::atomic<bool> returned = false;
  std::atomic<bool> may_end = false;
  absl::Status answer = absl::UnknownError("not asked");
  std::jthread asker([&] {
    answer = queue.run([&](ControlView& /*view*/) { may_end.wait(false); }, absl::Seconds(2));
    returned = true;
  });
  wakes.wait_for(1);
  EmptyView view;
  std::jthread control([&] { queue.drain(view); });
  EXPECT_FALSE(returned);
  may_end = true;
  may_end.notify_all();
  asker.join();
  EXPECT_TRUE(answer.ok()) << answer;
}

TEST(ControlQueue, CloseRefusesWaitingAndLaterQuestions) {
  Wakes wakes;
  ControlQueue queue(wakes.callback());
  absl::Status waiting = absl::UnknownError("not asked");
  std::jthread asker([&] { waiting = queue.run([](ControlView& v) { v.refresh(); }, kLong); });
  wakes.wait_for(1);
  queue.close();
  asker.join();
  EXPECT_TRUE(absl::IsUnavailable(waiting)) << waiting;
  EXPECT_TRUE(absl::IsUnavailable(queue.run([](ControlView& v) { v.refresh(); }, kLong)));
  EmptyView view;
  queue.drain(view);
  EXPECT_EQ(view.refreshed, 0);
}

TEST(ControlQueue, ADrainLeavesQuestionsThatCameMeanwhileToTheNext) {
  Wakes wakes;
  ControlQueue queue(wakes.callback());
  EmptyView view;
  std::jthread second;
  std::jthread first([&] {
    (void)queue.run(
        [&](ControlView& v) {
          second = std::jthread(
              [&] { (void)queue.run([](ControlView& again) { again.refresh(); }, kLong); });
          wakes.wait_for(2);
          v.refresh();
        },
        kLong);
  });
  wakes.wait_for(1);
  queue.drain(view);
  EXPECT_EQ(view.refreshed, 1);
  queue.drain(view);
  EXPECT_EQ(view.refreshed, 2);
}

}  // namespace
}  // namespace vicinity::admin
