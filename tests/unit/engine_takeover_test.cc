// Another ABI version's tables serve until ours say all that the feed says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine_fixture.h"

namespace vicinity {
namespace {

class TakeoverTest : public EngineTest {
 protected:
  TakeoverTest() { dataplane_.set_predecessor(); }
};

TEST_F(TakeoverTest, WaitsUntilTheFeedIsInSyncAndQuiet) {
  message(two_zones());
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5") << "our own tables are made at once";
  advance(options_.resync_quiet - absl::Milliseconds(1));
  EXPECT_TRUE(dataplane_.has_predecessor());
  advance(absl::Milliseconds(1));
  EXPECT_FALSE(dataplane_.has_predecessor());
}

TEST_F(TakeoverTest, AFeedThatIsAwayTakesNothingOver) {
  message(two_zones());
  feed_.set_state(feed::FeedState::kBackoff);
  advance(100 * options_.resync_quiet);
  EXPECT_TRUE(dataplane_.has_predecessor());
  EXPECT_GT(dataplane_.renewals(), 0U) << "their lease goes on";
}

TEST_F(TakeoverTest, NothingIsTakenOverBeforeTheFeedSaidAnything) {
  feed_.set_state(feed::FeedState::kConnecting);
  advance(100 * options_.resync_quiet);
  EXPECT_TRUE(dataplane_.has_predecessor());
}

TEST_F(TakeoverTest, ABusyFeedIsTakenOverToo) {
  message(two_zones());
  int messages = 1;
  for (; dataplane_.has_predecessor() && messages < 100; ++messages) {
    now_ += options_.resync_quiet / 2;
    message("");
  }
  EXPECT_GT(messages, 5);
  EXPECT_LT(messages, 30);
}

TEST_F(TakeoverTest, AResourceThatIsRefusedDoesNotKeepTheOldTables) {
  feed_.play([](feed::Sink& sink, absl::Time) {
    sink.reject({.resource = "sample/other", .kind = "service", .message = "bad"});
  });
  turn();
  message(two_zones());
  advance(options_.resync_quiet);
  EXPECT_FALSE(dataplane_.has_predecessor());
}

TEST_F(TakeoverTest, TablesOfAnAttemptThatEndedInTheMiddleAreNotTakenForComplete) {
  message(two_zones());
  restart();
  feed_.set_state(feed::FeedState::kSyncing);
  // Without endpoints, and before the feed is in sync: nothing is refused yet.
  feed_.play([](feed::Sink& sink, absl::Time now) {
    sink.apply(delta_of(R"(
service:
  name: new
  namespace: sample
  hostname: new.example
  addresses: ["10.96.0.11"]
  ports: [{servicePort: 80, targetPort: 8080}]
)",
                        sink.symbols()));
    sink.message_end(now);
  });
  turn();
  EXPECT_EQ(tiers("sample/new.example"), "empty pass");
}

TEST_F(TakeoverTest, AFailureIsSaidAndTriedAgain) {
  dataplane_.set_take_over_status(absl::InternalError("links: no"));
  message(two_zones());
  advance(options_.resync_quiet);
  EXPECT_TRUE(dataplane_.has_predecessor());
  advance(absl::Seconds(1));
  EXPECT_EQ(cell_.load()->last_error, "links: no");
  dataplane_.set_take_over_status(absl::OkStatus());
  advance(absl::Seconds(1));
  EXPECT_FALSE(dataplane_.has_predecessor());
}

}  // namespace
}  // namespace vicinity
