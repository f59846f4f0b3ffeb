// After a reconnect: what was not named must reappear, what does not goes after a silence, and a
// server may answer by the difference, by everything, or in parts.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "feed/xds/session.h"
#include "xds_fakes.h"

namespace vicinity::feed::xds {
namespace {

const absl::Duration kQuiet = absl::Seconds(10);

class XdsResync : public testing::Test {
 protected:
  explicit XdsResync(XdsOptions options = test_options()) : session_(options, [] { return 0.0; }) {}

  Request open() { return parse_request(session_.open(sink_.snapshot())); }
  void respond(const ResponseBuilder& response) {
    (void)session_.on_response(response.payload(), sink_, now_);
    session_.on_tick(sink_, now_);
  }
  void tick(absl::Duration later) {
    now_ += later;
    session_.on_tick(sink_, now_);
  }
  // One stream that brings w0..w<count>, each in version "1", and ends.
  void learn(int count) {
    open();
    ResponseBuilder response("n-0");
    for (int i = 0; i < count; ++i) response.add(workload("w" + std::to_string(i)), "1");
    respond(response);
    tick(absl::Seconds(1));
    session_.on_close({.status = absl::UnavailableError("gone")}, now_);
    sink_.syncs = 0;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  FakeSink sink_;
  Session session_;
};

// Room for the node and a handful of versions.
class XdsSmallRequest : public XdsResync {
 protected:
  static constexpr size_t kLimit = 400;
  static XdsOptions options() {
    XdsOptions options = test_options();
    options.max_request_bytes = kLimit;
    return options;
  }
  XdsSmallRequest() : XdsResync(options()) {}
};

TEST_F(XdsResync, TheDifferenceIsAllThatIsNeeded) {
  learn(5);
  EXPECT_EQ(open().initial_resource_versions_size(), 5);
  respond(ResponseBuilder("n-1").add(workload("w1", "n2"), "2").remove("w3"));
  tick(absl::Seconds(1));
  EXPECT_EQ(sink_.syncs, 1);
  tick(absl::Hours(1));
  EXPECT_EQ(sink_.names(), "w0 w1 w2 w4");
  EXPECT_EQ(sink_.node_of("w1"), "n2");
}

TEST_F(XdsResync, NothingNewMayBeAnsweredByNothing) {
  learn(5);
  open();
  tick(kQuiet * 2);
  EXPECT_EQ(sink_.syncs, 0) << "nobody has answered the call";
  session_.on_connected(now_);
  tick(kQuiet);
  EXPECT_EQ(sink_.syncs, 1);
  EXPECT_EQ(sink_.snapshot().workload_count(), 5U);
}

TEST_F(XdsResync, AFirstStreamIsNotInSyncByNothing) {
  open();
  session_.on_connected(now_);
  tick(absl::Hours(1));
  EXPECT_EQ(sink_.syncs, 0);
}

TEST_F(XdsResync, AWholeAnswerRemovesWhatIsNotInIt) {
  learn(5);
  open();
  respond(ResponseBuilder("n-1")
              .add(workload("w0"), "1")  // known in this version: the server does not look at them
              .add(workload("w1", "n2"), "2")
              .add(workload("w9"), "1"));
  tick(kQuiet - absl::Milliseconds(1));
  EXPECT_EQ(sink_.names(), "w0 w1 w2 w3 w4 w9") << "more may come";
  EXPECT_EQ(sink_.syncs, 0);
  tick(absl::Milliseconds(1));
  EXPECT_EQ(sink_.names(), "w0 w1 w9");
  EXPECT_EQ(sink_.messages, 1) << "published";
  EXPECT_EQ(sink_.syncs, 1);
}

TEST_F(XdsResync, AWholeAnswerInPartsRemovesWhatIsInNone) {
  learn(6);
  open();
  respond(ResponseBuilder("n-1").add(workload("w0", "n2"), "2"));  // changed: no hint yet
  for (int i = 1; i < 4; ++i) {
    tick(absl::Milliseconds(500));
    respond(ResponseBuilder("n-2").add(workload("w" + std::to_string(i)), "1"));
  }
  tick(kQuiet);
  EXPECT_EQ(sink_.names(), "w0 w1 w2 w3");
}

// istiod sends a service's workloads again when the service changes, in the version they had.
TEST_F(XdsResync, AFewUnchangedResourcesAfterTheFirstAnswerProveNothing) {
  learn(10);
  open();
  respond(ResponseBuilder("n-1").add(service("s1"), "1"));
  tick(absl::Milliseconds(500));
  respond(ResponseBuilder("n-2").add(workload("w1"), "1").add(workload("w2"), "1"));
  tick(kQuiet * 10);
  EXPECT_EQ(sink_.snapshot().workload_count(), 10U);
  EXPECT_EQ(sink_.syncs, 1);
}

TEST_F(XdsResync, UnchangedResourcesOnceInSyncProveNothing) {
  learn(4);
  open();
  respond(ResponseBuilder("n-1"));
  tick(absl::Seconds(1));
  respond(ResponseBuilder("n-2").add(workload("w1"), "1").add(workload("w2"), "1"));
  tick(kQuiet * 10);
  EXPECT_EQ(sink_.snapshot().workload_count(), 4U);
}

// Before 1.27 istiod sends no versions, sends everything again, and knows what is gone by name.
TEST_F(XdsResync, AnIstiodWithoutVersionsRemovesByName) {
  open();
  respond(ResponseBuilder("n-0").add(workload("w1")).add(workload("w2")));
  session_.on_close({.status = absl::UnavailableError("gone")}, now_);
  const Request request = open();
  EXPECT_EQ(request.initial_resource_versions().at("w1"), "");
  EXPECT_EQ(request.initial_resource_versions().at("w2"), "");
  respond(ResponseBuilder("n-1").add(workload("w1")).remove("w2"));
  tick(absl::Seconds(1));
  EXPECT_EQ(sink_.names(), "w1");
  EXPECT_EQ(sink_.syncs, 1);
}

TEST_F(XdsSmallRequest, Peers_z3_the_first_request_stays_under_its_limit) {
  learn(500);
  const std::string bytes = session_.open(sink_.snapshot());
  const Request request = parse_request(bytes);
  EXPECT_LE(bytes.size(), kLimit);
  EXPECT_GT(bytes.size(), kLimit - 25) << "what fits is sent";
  EXPECT_GT(request.initial_resource_versions_size(), 5);
  EXPECT_TRUE(request.has_node());
}

TEST_F(XdsResync, Peers_z3_the_default_limit_is_three_and_a_half_mebibytes) {
  EXPECT_EQ(XdsOptions().max_request_bytes, 3'670'016U);
  open();
  ResponseBuilder response("n-0");
  const std::string longish(60, 'x');
  for (int i = 0; i < 60'000; ++i) {
    response.add(workload(longish + std::to_string(i)), "f6519b6aab6fcdd0");
  }
  (void)session_.on_response(response.payload(SIZE_MAX), sink_, now_);
  session_.on_close({.status = absl::UnavailableError("gone")}, now_);
  const std::string& request = session_.open(sink_.snapshot());
  EXPECT_LE(request.size(), 3'670'016U);
  EXPECT_GT(request.size(), 3'600'000U);
}

TEST_F(XdsSmallRequest, Peers_z3_names_not_sent_must_reappear) {
  learn(100);
  std::set<std::string> sent;
  const auto request = open();
  for (const auto& [name, version] : request.initial_resource_versions()) sent.insert(name);
  ASSERT_LT(sent.size(), 90U);
  // All but five of those not sent come again, in two parts; the named ones are up to date.
  std::vector<std::string> unsent;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "w" + std::to_string(i);
    if (!sent.contains(name)) unsent.push_back(name);
  }
  ResponseBuilder first("n-1");
  ResponseBuilder second("n-2");
  for (size_t i = 5; i < unsent.size(); ++i) {
    (i % 2 == 0 ? first : second).add(workload(unsent[i]), "1");
  }
  respond(first);
  tick(kQuiet - absl::Seconds(1));
  respond(second);
  tick(kQuiet - absl::Seconds(1));
  EXPECT_EQ(sink_.snapshot().workload_count(), 100U) << "silent for less than resync_quiet";
  EXPECT_EQ(sink_.syncs, 0);
  tick(absl::Seconds(1));
  EXPECT_EQ(sink_.snapshot().workload_count(), 95U);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(sink_.has_workload(unsent[static_cast<size_t>(i)]));
  for (const std::string& name : sent) EXPECT_TRUE(sink_.has_workload(name)) << name;
  EXPECT_EQ(sink_.syncs, 1);
}

TEST_F(XdsSmallRequest, Peers_z3_in_sync_early_when_all_have_reappeared) {
  learn(100);
  open();
  ResponseBuilder response("n-1");
  for (int i = 0; i < 100; ++i) response.add(workload("w" + std::to_string(i), "n2"), "2");
  respond(response);
  tick(absl::Seconds(1));
  EXPECT_EQ(sink_.syncs, 1);
  EXPECT_EQ(sink_.snapshot().workload_count(), 100U);
}

TEST_F(XdsSmallRequest, Peers_z3_a_bad_resource_has_reappeared_all_the_same) {
  learn(100);
  open();
  ResponseBuilder response("n-1");
  for (int i = 0; i < 100; ++i) {
    istio::workload::Address bad = workload("w" + std::to_string(i));
    bad.mutable_workload()->set_addresses(0, "1");
    response.add(bad, "2");
  }
  respond(response);
  tick(kQuiet * 2);
  EXPECT_EQ(sink_.snapshot().workload_count(), 100U);
}

TEST_F(XdsSmallRequest, Peers_z3_nothing_goes_before_the_server_has_answered) {
  learn(100);
  open();
  session_.on_connected(now_);
  tick(absl::Hours(1));
  EXPECT_EQ(sink_.snapshot().workload_count(), 100U);
  EXPECT_EQ(sink_.syncs, 0);
}

TEST_F(XdsSmallRequest, Peers_z3_a_stream_that_ends_first_removes_nothing) {
  learn(100);
  open();
  respond(ResponseBuilder("n-1").add(workload("w99"), "1"));
  session_.on_close({.status = absl::UnavailableError("gone")}, now_);
  tick(absl::Hours(1));
  EXPECT_EQ(sink_.snapshot().workload_count(), 100U);
}

// In a large cluster something always changes: other resources must not keep the missing for ever.
TEST_F(XdsSmallRequest, Peers_z3_a_busy_feed_does_not_keep_the_missing_for_ever) {
  learn(100);
  open();
  for (int second = 0; second < 65 && sink_.syncs == 0; ++second, now_ += absl::Seconds(1)) {
    respond(ResponseBuilder("n-1").add(workload("busy"), std::to_string(second)));
    if (second == 55) {
      EXPECT_EQ(sink_.snapshot().workload_count(), 101U);
    }
  }
  EXPECT_EQ(sink_.syncs, 1);
  EXPECT_LT(sink_.snapshot().workload_count(), 50U);
}

TEST_F(XdsResync, Peers_z3_after_resource_exhausted_no_versions_are_sent) {
  learn(20);
  EXPECT_EQ(open().initial_resource_versions_size(), 20);
  const absl::Status refused = absl::ResourceExhaustedError(
      "grpc: received message larger than "
      "max (4200000 vs. 4194304)");
  session_.on_close({.status = refused}, now_);
  EXPECT_EQ(session_.status().oversized, 0U);
  const Request request = open();
  EXPECT_EQ(request.initial_resource_versions_size(), 0);
  EXPECT_TRUE(request.has_node());
  // A failed attempt in between changes nothing about that.
  session_.on_close({.status = absl::UnavailableError("refused")}, now_);
  EXPECT_EQ(open().initial_resource_versions_size(), 0);
  ResponseBuilder response("n-1");
  for (int i = 0; i < 15; ++i) response.add(workload("w" + std::to_string(i)), "1");
  respond(response);
  EXPECT_EQ(sink_.snapshot().workload_count(), 20U);
  tick(kQuiet);
  EXPECT_EQ(sink_.snapshot().workload_count(), 15U);
  session_.on_close({.status = absl::UnavailableError("gone")}, now_);
  EXPECT_EQ(open().initial_resource_versions_size(), 15) << "tried again";
}

TEST_F(XdsResync, Peers_z2_an_answer_over_our_own_limit_keeps_the_versions) {
  learn(20);
  open();
  session_.on_close({.status = absl::ResourceExhaustedError("(5 vs. 4)"), .oversized = true}, now_);
  EXPECT_EQ(open().initial_resource_versions_size(), 20);
}

}  // namespace
}  // namespace vicinity::feed::xds
