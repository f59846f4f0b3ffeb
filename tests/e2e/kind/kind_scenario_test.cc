// tests/e2e/kind/scenario.yaml on the test hosts: the same steps and assertions as run.sh has on a
// kind cluster. Real daemons over xDS; node, pod and policy changes as the Istio of each run sends
// them.
#include <gtest/gtest.h>

#include <cmath>

#include "e2e/kind/test_hosts.h"
#include "support/gtest_support.h"
#include "support/paths.h"
#include "support/wait.h"

namespace vicinity::testing::kind {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kGlance = 20;

std::set<std::string> answers_of(const Tally& tally) {
  std::set<std::string> seen;
  for (const auto& [version, count] : tally.by_answer) seen.insert(version);
  return seen;
}

class KindScenarioTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(
        scenario_, load_scenario((source_dir() / "tests/e2e/kind/scenario.yaml").string()));
    VICINITY_ASSERT_OK_AND_ASSIGN(hosts_, TestHosts::create(scenario_, GetParam()));
  }

  void play(const Step& step) {
    // Where Vicinity is gone there is only the decoy, which does not speak HTTP.
    const Talk talk = step.outcome == Outcome::kUnbalanced ? Talk::kNone : Talk::kHttp;
    if (step.load) VICINITY_ASSERT_OK(hosts_->start_load(talk));
    for (const Action& action : step.actions) VICINITY_ASSERT_OK(hosts_->act(action));
    if (step.outcome == Outcome::kAnswered) expect_shares(step);
    if (step.outcome == Outcome::kRefused) expect_refused();
    if (step.load) expect_no_failure();
    if (step.outcome == Outcome::kUnbalanced) {
      expect_unbalanced();
    } else {
      EXPECT_EQ(hosts_->leaked(), 0U) << "reached the service address";
    }
  }

  // The change needs a moment to arrive; from then on every request counts.
  void expect_shares(const Step& step) {
    std::set<std::string> seen;
    ASSERT_TRUE(wait_until(
        [&] {
          const auto tally = hosts_->ask(kGlance, Talk::kHttp);
          return tally.ok() && tally->failed() == 0 && (seen = answers_of(*tally)) == step.answers;
        },
        20s))
        << ::testing::PrintToString(seen);
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto tally, hosts_->ask(scenario_.requests, Talk::kHttp));
    EXPECT_EQ(tally.failed(), 0U);
    EXPECT_EQ(answers_of(tally), step.answers);
    const double share = 1.0 / static_cast<double>(step.answers.size());
    const double mean = share * static_cast<double>(scenario_.requests);
    for (const auto& [version, count] : tally.by_answer) {
      EXPECT_NEAR(static_cast<double>(count), mean, 5 * std::sqrt(mean * (1 - share))) << version;
    }
  }

  void expect_refused() {
    const auto all_refused = [&](uint64_t count) {
      const auto tally = hosts_->ask(count, Talk::kHttp);
      return tally.ok() && tally->by_error == std::map<int, uint64_t>{{ECONNREFUSED, count}};
    };
    ASSERT_TRUE(wait_until([&] { return all_refused(kGlance); }, 20s));
    EXPECT_TRUE(all_refused(scenario_.requests));
  }

  void expect_no_failure() {
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto tally, hosts_->stop_load());
    EXPECT_GT(tally.attempts, 0U);
    EXPECT_EQ(tally.failed(), 0U) << "under load: " << ::testing::PrintToString(tally.by_error);
  }

  void expect_unbalanced() {
    const auto before = hosts_->leaked();
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto tally, hosts_->ask(kGlance, Talk::kNone));
    EXPECT_EQ(tally.failed(), 0U);
    EXPECT_TRUE(wait_until([&] { return hosts_->leaked() >= before + kGlance; }, 5s));
  }

  Scenario scenario_;
  std::unique_ptr<TestHosts> hosts_;
};

TEST_P(KindScenarioTest, EveryStepHasItsShares) {
  ASSERT_FALSE(scenario_.steps.empty());
  for (const Step& step : scenario_.steps) {
    SCOPED_TRACE(step.name + ": " + step.title);
    play(step);
    if (!HasFailure()) continue;
    ADD_FAILURE() << hosts_->describe();
    break;
  }
  if (!HasFailure()) VICINITY_EXPECT_OK(hosts_->clear());
}

INSTANTIATE_TEST_SUITE_P(Runs, KindScenarioTest, ::testing::Values("prefer-close", "current"),
                         [](const auto& run) {
                           return run.param == "current" ? "Current" : "PreferClose";
                         });

}  // namespace
}  // namespace vicinity::testing::kind
