// The feed over a transport without a network: order of things, bounds, threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "feed/xds/xds_feed.h"
#include "xds_fakes.h"

namespace vicinity::feed::xds {
namespace {

using testing::HasSubstr;

class XdsFeedTest : public testing::Test {
 protected:
  void start() {
    ASSERT_TRUE(feed_->start([this] { ++wakes_; }).ok());
    run();
  }
  void run() {
    while (feed_->process(sink_, now_)) {
    }
  }
  FakeTransport::Attempt& server() { return *attempts_.back(); }
  void message(const ResponseBuilder& response) {
    server().events->on_message(response.payload(), now_);
  }
  void end(absl::Status status) {
    server().events->on_end({.status = std::move(status)});
    run();
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  FakeSink sink_;
  std::vector<std::shared_ptr<FakeTransport::Attempt>> attempts_;
  std::atomic<int> wakes_ = 0;
  std::unique_ptr<XdsFeed> feed_ = std::make_unique<XdsFeed>(
      test_options(), std::make_unique<FakeTransport>(attempts_, &sink_), [] { return 0.0; });
};

TEST_F(XdsFeedTest, ConnectsWhenStarted) {
  EXPECT_FALSE(feed_->process(sink_, now_));
  EXPECT_TRUE(attempts_.empty());
  start();
  EXPECT_GE(wakes_, 1);
  ASSERT_EQ(attempts_.size(), 1U);
  EXPECT_EQ(parse_request(server().sent[0]).node().id().substr(0, 8), "ztunnel~");
  EXPECT_EQ(feed_->status().state, FeedState::kConnecting);
  EXPECT_EQ(feed_->status().source, "xds istiod.istio-system.svc:15012");
}

// Decision 023.
TEST_F(XdsFeedTest, Peers_z1_the_ack_waits_for_the_tables_of_a_small_response_and_no_more) {
  start();
  message(ResponseBuilder("n-1").add(workload("w1")));
  EXPECT_TRUE(feed_->process(sink_, now_));
  EXPECT_EQ(sink_.log, "end sent ");
  ASSERT_EQ(server().sent.size(), 2U);
  EXPECT_EQ(parse_request(server().sent[1]).response_nonce(), "n-1");
}

TEST_F(XdsFeedTest, Peers_z1_the_ack_of_a_large_response_leaves_before_the_tables_are_published) {
  start();
  ResponseBuilder response("n-1");
  for (int i = 0; i < 1000; ++i) response.add(workload("w" + std::to_string(i)));
  message(response);
  run();
  EXPECT_EQ(sink_.log, "sent end ");
  ASSERT_EQ(server().sent.size(), 2U);
  EXPECT_EQ(parse_request(server().sent[1]).response_nonce(), "n-1");
}

TEST_F(XdsFeedTest, ReadsAheadByTwoAndNoMore) {
  start();
  EXPECT_EQ(server().reads, 2);
  message(ResponseBuilder("n-1").add(workload("w1")));
  message(ResponseBuilder("n-2").add(workload("w2")));
  EXPECT_EQ(server().reads, 2);
  EXPECT_TRUE(feed_->process(sink_, now_));
  EXPECT_EQ(server().reads, 3);
  EXPECT_EQ(sink_.messages, 1) << "one message a call";
  run();
  EXPECT_EQ(server().reads, 4);
  EXPECT_EQ(sink_.names(), "w1 w2");
}

TEST_F(XdsFeedTest, WhatCameBeforeTheEndIsApplied) {
  start();
  server().events->on_connected();
  message(ResponseBuilder("n-1").add(workload("w1")));
  end(absl::UnavailableError("restarting"));
  EXPECT_TRUE(sink_.has_workload("w1"));
  EXPECT_EQ(feed_->status().last_error, "restarting");
  EXPECT_EQ(feed_->status().connects, 1U);
  EXPECT_FALSE(server().open);
}

TEST_F(XdsFeedTest, Peers_13_comes_back_after_the_backoff_with_versions) {
  start();
  message(ResponseBuilder("n-1").add(workload("w1"), "ab"));
  end(absl::UnavailableError("restarting"));
  EXPECT_EQ(attempts_.size(), 1U);
  EXPECT_EQ(feed_->next_deadline(), now_ + absl::Seconds(1));
  now_ += absl::Milliseconds(999);
  run();
  EXPECT_EQ(attempts_.size(), 1U);
  now_ += absl::Milliseconds(1);
  run();
  ASSERT_EQ(attempts_.size(), 2U);
  EXPECT_EQ(parse_request(server().sent[0]).initial_resource_versions().at("w1"), "ab");
}

TEST_F(XdsFeedTest, ALivedStreamIsFollowedAtOnce) {
  start();
  message(ResponseBuilder("n-1").add(workload("w1")));
  run();
  now_ += absl::Minutes(30);
  end(absl::OkStatus());
  EXPECT_EQ(attempts_.size(), 2U);
}

// Nothing is bounded by hand here: each failed attempt is one attempt, one wait.
TEST_F(XdsFeedTest, Peers_13_attempts_are_spaced_while_nobody_is_there) {
  start();
  for (int i = 0; i < 3600; ++i) {
    if (server().open) end(absl::UnavailableError("connection refused"));
    now_ += absl::Seconds(1);
    run();
  }
  EXPECT_GT(attempts_.size(), 100U);
  EXPECT_LT(attempts_.size(), 260U);
  EXPECT_EQ(feed_->status().disconnects, 0U);
}

TEST_F(XdsFeedTest, StopsInTheMiddle) {
  start();
  message(ResponseBuilder("n-1").add(workload("w1")));
  feed_->stop();
  EXPECT_FALSE(server().open);
  EXPECT_FALSE(feed_->process(sink_, now_));
  EXPECT_EQ(feed_->status().state, FeedState::kStopped);
  EXPECT_EQ(feed_->next_deadline(), absl::InfiniteFuture());
  EXPECT_EQ(sink_.names(), "");
  feed_->stop();
}

TEST_F(XdsFeedTest, EventsComeFromOtherThreads) {
  start();
  std::thread thread([&] {
    for (int i = 0; i < 200; ++i) {
      message(ResponseBuilder("n").add(workload("w" + std::to_string(i))));
    }
  });
  while (sink_.messages < 200) run();
  thread.join();
  EXPECT_EQ(sink_.snapshot().workload_count(), 200U);
  EXPECT_GE(wakes_, 200);
}

TEST(XdsFeedStart, RefusesWhatNoServerWouldTake) {
  struct Row {
    std::string pod_ip;
    std::string address;
    std::string error;
  };
  const std::vector<Row> rows = {{"", "istiod:15012", "pod address"},
                                 {"nonsense", "istiod:15012", "pod address"},
                                 {"10.0.0.1", "istiod", "HOST:PORT"}};
  for (const Row& row : rows) {
    XdsOptions options = test_options();
    options.node.pod_ip = row.pod_ip;
    options.address = row.address;
    std::vector<std::shared_ptr<FakeTransport::Attempt>> attempts;
    XdsFeed feed(options, std::make_unique<FakeTransport>(attempts), [] { return 0.0; });
    EXPECT_THAT(std::string(feed.start([] {}).message()), HasSubstr(row.error));
  }
}

}  // namespace
}  // namespace vicinity::feed::xds
