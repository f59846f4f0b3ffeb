// The feed of a real istiod, played to real daemons: after every step, the tables in the kernel,
// read by another process, and the reasons that explain gives, are those that the recording states.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/json.h"
#include "devcp/recording.h"
#include "e2e/cluster.h"
#include "e2e/expected.h"
#include "e2e/explained.h"
#include "support/gtest_support.h"
#include "support/recordings.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
using devcp::Response;
using devcp::Step;

constexpr const char* kRecordings[] = {"walkthrough", "walkthrough-same-node",
                                       "walkthrough-prefer-close", "kinds", "networks"};

struct Recording {
  std::vector<Step> steps;
  std::vector<ExpectedView> views;
  std::vector<std::string> nodes;
};

absl::StatusOr<Recording> load(const std::string& directory) {
  Recording recording;
  VIC_ASSIGN_OR_RETURN(recording.steps, devcp::load_recording(directory));
  VIC_ASSIGN_OR_RETURN(recording.views, load_expected(directory + "/expected.yaml"));
  std::set<std::string> nodes;
  for (const auto& view : recording.views) nodes.insert(view.node);
  recording.nodes.assign(nodes.begin(), nodes.end());
  return recording;
}

class RecordingsTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_RECORDINGS_OR_SKIP(const auto directory);
    VICINITY_ASSERT_OK_AND_ASSIGN(recording_, load((directory / GetParam()).string()));
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_,
                                  Cluster::create({.world = {.nodes = recording_.nodes},
                                                   .more_flags = {"--locality-wait", "500ms"}}));
    VICINITY_ASSERT_OK(cluster_->start_daemons());
  }

  void TearDown() override {
    if (cluster_ == nullptr) return;
    for (const auto& node : recording_.nodes) VICINITY_EXPECT_OK(cluster_->stop_daemon(node));
    VICINITY_EXPECT_OK(cluster_->world().shut_down());
  }

  void expect_tables(const std::string& step) {
    const auto views = at_step(recording_.views, step);
    ASSERT_FALSE(views.empty()) << step;
    for (const auto& [node, view] : views) {
      ExpectedTables seen;
      const bool equal = wait_until(
          [&] {
            const auto tables = cluster_->tables(node);
            if (tables.ok()) seen = facts_of(*tables);
            return seen == view.tables;
          },
          10s);
      EXPECT_TRUE(equal) << step << " from " << node << "\nexpected\n"
                         << to_text(view.tables) << "in the kernel\n"
                         << to_text(seen);
    }
  }

  void expect_reasons(const std::string& step) {
    for (const auto& [node, view] : at_step(recording_.views, step)) {
      for (const auto& [key, reasons] : view.excluded) {
        VICINITY_ASSERT_OK_AND_ASSIGN(const auto seen, explained_exclusions(*cluster_, node, key));
        EXPECT_EQ(seen, reasons) << step << " from " << node << ": " << key;
      }
    }
  }

  Recording recording_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_P(RecordingsTest, EveryStepLeadsToItsTables) {
  for (const auto& step : recording_.steps) {
    SCOPED_TRACE(step.name);
    // What happened while the stream was down comes as the answer to the versions the client names.
    const bool reconnects = step.name.ends_with("-reconnect");
    if (reconnects) cluster_->control_plane().close_streams("");
    cluster_->control_plane().apply(step);
    expect_tables(step.name);
    expect_reasons(step.name);
    if (HasFailure()) return;
  }
}

TEST_P(RecordingsTest, TheWholeHistoryInOneGoLeadsToTheSameEnd) {
  cluster_->control_plane().play(devcp::squash(recording_.steps));
  expect_tables(recording_.steps.back().name);
  expect_reasons(recording_.steps.back().name);
}

TEST_P(RecordingsTest, TheHistoryInPartsLeadsToTheSameEnd) {
  for (auto& part : devcp::split(devcp::squash(recording_.steps), 7)) {
    cluster_->control_plane().play(std::move(part));
  }
  expect_tables(recording_.steps.back().name);
}

TEST_P(RecordingsTest, TheHistoryShuffledLeadsToTheSameEnd) {
  uint32_t seed = 1;
  for (const auto& step : recording_.steps) {
    for (const auto& response : std::get<std::vector<Response>>(step.content)) {
      cluster_->control_plane().play(devcp::shuffle(response, seed++));
    }
  }
  expect_tables(recording_.steps.back().name);
}

INSTANTIATE_TEST_SUITE_P(All, RecordingsTest, ::testing::ValuesIn(kRecordings),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace vicinity::testing
