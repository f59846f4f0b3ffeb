// The walk-through of the seed documents, with pods at the recorded addresses, one real vicinityd
// per node over xDS, and real curl in the client pod, after every step.
#include <gtest/gtest.h>

#include <cmath>

#include "e2e/player.h"
#include "support/gtest_support.h"
#include "support/recordings.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kConnections = 600;

class WalkthroughTest : public ::testing::Test {
 protected:
  void SetUp() override { VICINITY_ROOT_OR_FAIL(); }

  void play(std::vector<devcp::Step> steps, const std::string& expected) {
    VICINITY_ASSERT_OK_AND_ASSIGN(auto views, load_expected(expected));
    VICINITY_ASSERT_OK_AND_ASSIGN(
        player_, Player::set_up(walkthrough(), std::move(steps), std::move(views)));
    for (const auto& scene : player_->scenario().scenes) {
      SCOPED_TRACE(scene.step);
      VICINITY_ASSERT_OK(player_->play(scene));
      expect_answers(scene);
      EXPECT_EQ(player_->cluster().world().decoy()->accepts(), 0U) << "leaked to the VIP";
      if (!HasFailure()) continue;
      const auto status = player_->cluster().ctl(player_->scenario().client.node, {"status"});
      ADD_FAILURE() << "the client's node:\n" << (status.ok() ? status->out + status->err : "");
      break;
    }
    VICINITY_EXPECT_OK(player_->clear());
  }

  void expect_answers(const Scene& scene) {
    for (int i = 0; i < 3; ++i) expect_curl(scene);
    if (scene.answers.empty()) {
      expect_refused();
      return;
    }
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto counts, player_->ask(kConnections));
    std::set<std::string> seen;
    for (const auto& [instance, count] : counts) seen.insert(instance);
    EXPECT_EQ(seen, scene.answers);
    expect_even(counts);
  }

  void expect_curl(const Scene& scene) {
    VICINITY_ASSERT_OK_AND_ASSIGN(const auto answer, player_->curl());
    if (scene.answers.empty()) {
      EXPECT_EQ(answer, "refused");
    } else {
      EXPECT_TRUE(scene.answers.contains(instance_of(answer))) << answer;
    }
  }

  void expect_refused() {
    auto& client = player_->cluster().world().pod(player_->scenario().client.name);
    VICINITY_ASSERT_OK_AND_ASSIGN(
        const auto result,
        client.connect({.address = player_->scenario().vip,
                        .port = static_cast<uint16_t>(player_->scenario().port)}));
    EXPECT_EQ(result.error, ECONNREFUSED);
    EXPECT_EQ(result.stage, Stage::kConnect);
  }

  // Each share within five standard deviations of an even one.
  static void expect_even(const std::map<std::string, uint64_t>& counts) {
    const double share = 1.0 / static_cast<double>(counts.size());
    const double mean = share * kConnections;
    const double deviation = std::sqrt(mean * (1 - share));
    for (const auto& [instance, count] : counts) {
      EXPECT_NEAR(static_cast<double>(count), mean, 5 * deviation) << instance;
    }
  }

  std::unique_ptr<Player> player_;
};

TEST_F(WalkthroughTest, Peers_20_FromTheRecordingOfARealIstiod) {
  VICINITY_RECORDINGS_OR_SKIP(const auto recordings);
  const auto directory = recordings / "walkthrough";
  VICINITY_ASSERT_OK_AND_ASSIGN(auto steps, devcp::load_recording(directory));
  play(std::move(steps), (directory / "expected.yaml").string());
}

TEST_F(WalkthroughTest, Peers_20_FromMeshFilesOfOurOwn) {
  const auto directory = test_data_dir() / "walkthrough";
  VICINITY_ASSERT_OK_AND_ASSIGN(auto steps, devcp::load_mesh_steps(directory));
  play(std::move(steps), (directory / "expected.yaml").string());
}

}  // namespace
}  // namespace vicinity::testing
