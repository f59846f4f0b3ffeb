// The session's rules, row by row: what it asks, what it answers, what it believes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "feed/xds/session.h"
#include "xds_fakes.h"

namespace vicinity::feed::xds {
namespace {

using istio::workload::LoadBalancing;
using testing::ElementsAre;
using testing::HasSubstr;

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

class XdsSession : public testing::Test {
 protected:
  Request open() { return parse_request(session_.open(sink_.snapshot())); }
  Request respond(const ResponseBuilder& response) { return respond(response.payload()); }
  Request respond(const Payload& payload) {
    answer_ = session_.on_response(payload, sink_, now_);
    session_.on_tick(sink_, now_);
    return parse_request(answer_);
  }
  void close(absl::Status status = absl::UnavailableError("gone")) {
    session_.on_close({.status = std::move(status)}, now_);
  }

  absl::Time now_ = kStart;
  FakeSink sink_;
  Session session_{test_options(), [] { return 0.0; }};
  std::string answer_;
};

TEST_F(XdsSession, FirstRequestSaysWhoAsksAndForEverything) {
  const Request request = open();
  EXPECT_EQ(request.node().id(),
            "ztunnel~10.0.0.9~vicinity-x.istio-system~"
            "istio-system.svc.cluster.local");
  EXPECT_EQ(request.type_url(), kAddressType);
  EXPECT_EQ(request.resource_names_subscribe_size(), 0);
  EXPECT_EQ(request.initial_resource_versions_size(), 0);
  EXPECT_TRUE(request.response_nonce().empty());
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : request.node().metadata().fields()) {
    metadata[key] = value.string_value();
  }
  const std::map<std::string, std::string> expected = {{"NAMESPACE", "istio-system"},
                                                       {"CLUSTER_ID", "c1"},
                                                       {"INSTANCE_IPS", "10.0.0.9"},
                                                       {"NODE_NAME", "n1"},
                                                       {"NETWORK", "net1"},
                                                       {"MESH_ID", "m1"},
                                                       {"SERVICE_ACCOUNT", "vicinity"}};
  EXPECT_EQ(metadata, expected);
}

TEST_F(XdsSession, AnAckCarriesTheNonceAndNothingElse) {
  open();
  const Request ack = respond(ResponseBuilder("n-1").add(workload("w1"), "a1"));
  EXPECT_EQ(ack.response_nonce(), "n-1");
  EXPECT_EQ(ack.type_url(), kAddressType);
  EXPECT_FALSE(ack.has_error_detail());
  EXPECT_FALSE(ack.has_node());
  EXPECT_TRUE(sink_.has_workload("w1"));
  EXPECT_EQ(session_.status().last_nonce, "n-1");
  EXPECT_EQ(session_.status().messages, 1U);
  EXPECT_EQ(session_.status().resources, 1U);
}

TEST_F(XdsSession, WhoConnectsAndWantsAnAnswerWaitsHalfAMinuteForIt) {
  const auto error_after = [&](absl::Duration duration) {
    session_.on_tick(sink_, now_);
    now_ += duration;
    session_.on_tick(sink_, now_);
    return session_.status().last_error;
  };
  open();
  session_.on_connected(now_);
  EXPECT_EQ(error_after(absl::Seconds(29)), "");
  EXPECT_EQ(error_after(absl::Seconds(1)), "no answer for 30s");
  respond(ResponseBuilder("n-1").add(workload("w1"), "a1"));
  close();
  // All of it is known: there may be nothing to say.
  open();
  session_.on_connected(now_);
  EXPECT_EQ(error_after(absl::Minutes(5)), "");
  EXPECT_EQ(session_.status().state, FeedState::kInSync);
}

TEST_F(XdsSession, Peers_13_nack_names_each_bad_resource_and_the_good_ones_apply) {
  open();
  ResponseBuilder response("n-1");
  response.add(workload("good1"), "1");
  response.add(service("bad1", {static_cast<LoadBalancing::Scope>(77)}), "2");
  istio::workload::Address bad2 = workload("bad2");
  bad2.mutable_workload()->set_addresses(0, "123");
  bad2.mutable_workload()->set_status(static_cast<istio::workload::WorkloadStatus>(7));
  response.add(bad2, "3").add(workload("good2"), "4");
  const Request nack = respond(response);
  EXPECT_EQ(nack.response_nonce(), "n-1");
  EXPECT_EQ(nack.error_detail().code(), 3);
  EXPECT_THAT(nack.error_detail().message(), HasSubstr("sample/bad1: "));
  EXPECT_THAT(nack.error_detail().message(), HasSubstr("outingPreference[0]"));
  EXPECT_THAT(nack.error_detail().message(), HasSubstr("; bad2: "));
  EXPECT_THAT(nack.error_detail().message(), HasSubstr("addresses[0]"));
  EXPECT_THAT(nack.error_detail().message(), HasSubstr("status"));
  EXPECT_EQ(sink_.names(), "good1 good2");
  ASSERT_EQ(sink_.rejected.size(), 2U);
  EXPECT_EQ(sink_.rejected[0].resource, "sample/bad1");
  EXPECT_EQ(sink_.rejected[0].kind, "service");
  EXPECT_EQ(sink_.rejected[1].kind, "workload");
  EXPECT_EQ(session_.status().nacks, 1U);
}

TEST_F(XdsSession, Peers_z9_unspecified_scope_is_refused_and_the_last_good_version_stays) {
  for (const auto scope :
       {LoadBalancing::UNSPECIFIED_SCOPE, static_cast<LoadBalancing::Scope>(9)}) {
    open();
    respond(ResponseBuilder("n-1").add(service("s1", {LoadBalancing::ZONE}), "1"));
    const Request nack =
        respond(ResponseBuilder("n-2").add(service("s1", {LoadBalancing::REGION, scope}), "2"));
    EXPECT_THAT(nack.error_detail().message(), HasSubstr("sample/s1: "));
    const model::Service* kept = sink_.find_service("sample/s1");
    ASSERT_NE(kept, nullptr);
    EXPECT_THAT(kept->load_balancing.preference, ElementsAre(model::Scope::kZone));
    close();
    // The refused version is not claimed, so the server sends it again.
    EXPECT_EQ(open().initial_resource_versions().at("sample/s1"), "1");
    close();
  }
}

TEST_F(XdsSession, ANackDoesNotGrowOverTheServersLimit) {
  open();
  ResponseBuilder response("n-1");
  for (int i = 0; i < 30'000; ++i) {
    response.add(service("bad" + std::to_string(i), {LoadBalancing::UNSPECIFIED_SCOPE}));
  }
  const Request nack = respond(response.payload(SIZE_MAX));
  EXPECT_LT(answer_.size(), (size_t{1} << 20) + 1000);
  EXPECT_THAT(nack.error_detail().message(), HasSubstr(" more"));
  EXPECT_EQ(sink_.rejected.size(), 30'000U);
}

TEST_F(XdsSession, LastOfEqualNamesWins) {
  open();
  respond(ResponseBuilder("n-1")
              .add(workload("w1", "n1"), "1")
              .add(workload("w2", "n1"), "1")
              .add(workload("w1", "n2"), "2")
              .add(workload("w1", "n3"), "3"));
  EXPECT_EQ(sink_.node_of("w1"), "n3");
  EXPECT_EQ(sink_.names(), "w1 w2");
  close();
  EXPECT_EQ(open().initial_resource_versions().at("w1"), "3");
}

TEST_F(XdsSession, RemovalsGoAndUnknownOnesDoNotMatter) {
  open();
  respond(ResponseBuilder("n-1").add(workload("w1"), "1").add(service("s1"), "2"));
  const Request ack = respond(ResponseBuilder("n-2")
                                  .remove("w1")
                                  .remove("never/there")
                                  .remove("net1/10.0.0.1")
                                  .add(workload("w2"), "3"));
  EXPECT_FALSE(ack.has_error_detail());
  EXPECT_EQ(sink_.names(), "sample/s1 w2");
  EXPECT_EQ(session_.status().removals, 3U);
  close();
  EXPECT_EQ(open().initial_resource_versions().count("w1"), 0U);
}

TEST_F(XdsSession, RemovedAndAddedInOneMessageIsAdded) {
  open();
  respond(ResponseBuilder("n-1").add(workload("w1", "n1"), "1"));
  respond(ResponseBuilder("n-2").remove("w1").add(workload("w1", "n2"), "2"));
  EXPECT_EQ(sink_.node_of("w1"), "n2");
  close();
  EXPECT_EQ(open().initial_resource_versions().at("w1"), "2");
}

TEST_F(XdsSession, TheSameNonceAgainIsAnsweredAgain) {
  open();
  respond(ResponseBuilder("n-1").add(workload("w1", "n1"), "1"));
  const Request ack = respond(ResponseBuilder("n-1").add(workload("w1", "n2"), "2"));
  EXPECT_EQ(ack.response_nonce(), "n-1");
  EXPECT_EQ(sink_.node_of("w1"), "n2");
}

TEST_F(XdsSession, WrongTypeIsRefusedAsAWhole) {
  open();
  ResponseBuilder response("n-1");
  response.add(workload("w1")).message().set_type_url("type.googleapis.com/other.Thing");
  const Request nack = respond(response);
  EXPECT_EQ(nack.response_nonce(), "n-1");
  EXPECT_THAT(nack.error_detail().message(), HasSubstr("type_url: is type.googleapis.com/other"));
  EXPECT_EQ(sink_.names(), "");
  ASSERT_EQ(sink_.rejected.size(), 1U);
  EXPECT_EQ(sink_.rejected[0].kind, "response");
}

TEST_F(XdsSession, WrongTypeOfOneResourceRefusesThatOne) {
  open();
  ResponseBuilder response("n-1");
  response.add(workload("w1")).add(workload("w2"));
  response.message().mutable_resources(0)->mutable_resource()->set_type_url("x/istio.Other");
  EXPECT_THAT(respond(response).error_detail().message(), HasSubstr("w1: resource: type is x/ist"));
  EXPECT_EQ(sink_.names(), "w2");
}

TEST_F(XdsSession, GarbageInOneResourceRefusesThatOne) {
  open();
  ResponseBuilder response("n-1");
  response.add(workload("w1")).add(workload("w2")).add(workload("w3"));
  response.message().mutable_resources(0)->mutable_resource()->set_value("\xff\xff\xff");
  response.message().mutable_resources(2)->clear_name();
  const std::string message = respond(response).error_detail().message();
  EXPECT_THAT(message, HasSubstr("w1: resource: malformed"));
  EXPECT_THAT(message, HasSubstr("resource 2: name: missing"));
  EXPECT_EQ(sink_.names(), "w2");
}

TEST_F(XdsSession, ANameThatIsNotTheResourcesOwnIsRefused) {
  open();
  ResponseBuilder response("n-1");
  response.add(workload("w1")).message().mutable_resources(0)->set_name("other");
  EXPECT_THAT(respond(response).error_detail().message(), HasSubstr("other: "));
  EXPECT_EQ(sink_.names(), "");
}

TEST_F(XdsSession, ATruncatedResponseIsRefusedAndChangesNothing) {
  open();
  ResponseBuilder response("n-1");
  response.add(workload("w1")).add(workload("w2"));
  const std::string bytes = response.message().SerializeAsString();
  session_.on_tick(sink_, now_);
  answer_ = session_.on_response(Payload::of(bytes.substr(0, bytes.size() - 60), 9), sink_, now_);
  EXPECT_EQ(sink_.names(), "");
  ASSERT_EQ(sink_.rejected.size(), 1U);
  EXPECT_THAT(sink_.rejected[0].message, HasSubstr("malformed after"));
}

TEST_F(XdsSession, WithoutANonceThereIsNoAnswer) {
  open();
  EXPECT_EQ(session_.on_response(ResponseBuilder("").add(workload("w1")).payload(), sink_, now_),
            "");
  EXPECT_TRUE(sink_.has_workload("w1"));
}

TEST_F(XdsSession, LargeResponsesComeInPartsOfBoundedSize) {
  open();
  ResponseBuilder response("n-1");
  for (int i = 0; i < 10'000; ++i) response.add(workload("w" + std::to_string(i)), "1");
  respond(response.payload(size_t{16} << 10));
  EXPECT_THAT(sink_.sizes, ElementsAre(4096U, 4096U, 10'000U - 8192U));
  EXPECT_EQ(sink_.snapshot().workload_count(), 10'000U);
  sink_.sizes.clear();
  ResponseBuilder removal("n-2");
  for (int i = 0; i < 5000; ++i) removal.remove("w" + std::to_string(i));
  removal.add(workload("new"));
  respond(removal);
  EXPECT_THAT(sink_.sizes, ElementsAre(4096U, 5001U - 4096U));
  EXPECT_EQ(sink_.snapshot().workload_count(), 5001U);
}

TEST_F(XdsSession, InSyncWhenTheFirstAnswerIsFollowedBySilence) {
  open();
  EXPECT_EQ(session_.status().state, FeedState::kConnecting);
  respond(ResponseBuilder("n-1").add(workload("w1")));
  EXPECT_EQ(session_.status().state, FeedState::kSyncing);
  now_ += absl::Milliseconds(900);
  respond(ResponseBuilder("n-2").add(workload("w2")));
  now_ += absl::Milliseconds(900);
  session_.on_tick(sink_, now_);
  EXPECT_EQ(sink_.syncs, 0);
  EXPECT_EQ(session_.next_deadline(), now_ + absl::Milliseconds(100));
  now_ += absl::Milliseconds(100);
  session_.on_tick(sink_, now_);
  EXPECT_EQ(sink_.syncs, 1);
  EXPECT_EQ(session_.status().state, FeedState::kInSync);
  EXPECT_EQ(session_.next_deadline(), absl::InfiniteFuture());
}

TEST_F(XdsSession, AFeedThatIsNeverSilentIsInSyncAllTheSame) {
  open();
  for (int i = 0; i < 21 && sink_.syncs == 0; ++i, now_ += absl::Milliseconds(500)) {
    respond(ResponseBuilder("n-" + std::to_string(i)).add(workload("w1"), std::to_string(i)));
  }
  EXPECT_EQ(sink_.syncs, 1);
}

// What takes long to work off is not silence of the server.
TEST_F(XdsSession, SilenceCountsFromWhenTheResponseWasWorkedOff) {
  open();
  (void)session_.on_response(ResponseBuilder("n-1").add(workload("w1")).payload(), sink_, now_);
  now_ += absl::Minutes(1);
  session_.on_tick(sink_, now_);
  EXPECT_EQ(sink_.syncs, 0);
  now_ += absl::Seconds(1);
  session_.on_tick(sink_, now_);
  EXPECT_EQ(sink_.syncs, 1);
}

TEST_F(XdsSession, Peers_13_backoff_on_any_end) {
  EXPECT_TRUE(session_.connect_due(now_)) << "the first attempt is at once";
  for (const int wait : {1, 2, 4, 8, 15, 15}) {
    open();
    EXPECT_FALSE(session_.connect_due(now_));
    respond(ResponseBuilder("n").add(workload("w1")));  // opens, answers, and then fails
    close();
    EXPECT_EQ(session_.status().state, FeedState::kBackoff);
    EXPECT_EQ(session_.next_deadline(), now_ + absl::Seconds(wait));
    EXPECT_EQ(session_.status().next_attempt_at, now_ + absl::Seconds(wait));
    EXPECT_FALSE(session_.connect_due(now_));
    now_ += absl::Seconds(wait);
    EXPECT_TRUE(session_.connect_due(now_));
  }
  EXPECT_EQ(session_.status().connects, 6U);
  EXPECT_EQ(session_.status().disconnects, 6U);
}

TEST_F(XdsSession, Peers_13_an_orderly_end_backs_off_too_unless_the_stream_lived) {
  open();
  close(absl::OkStatus());
  EXPECT_EQ(session_.next_deadline(), now_ + absl::Seconds(1));
  now_ += absl::Seconds(1);
  open();
  respond(ResponseBuilder("n").add(workload("w1")));
  now_ += absl::Minutes(30);
  close(absl::OkStatus());
  EXPECT_TRUE(session_.connect_due(now_));
}

TEST_F(XdsSession, AnAttemptThatHungForMinutesDidNotLive) {
  open();
  now_ += absl::Minutes(5);
  close();
  EXPECT_FALSE(session_.connect_due(now_));
}

TEST_F(XdsSession, Peers_13_reconnects_with_the_real_versions) {
  open();
  respond(ResponseBuilder("n-1")
              .add(workload("w1"), "f6519b6aab6fcdd0")
              .add(service("s1"), "text-7")
              .add(workload("w2"), ""));
  close();
  const Request request = open();
  const std::map<std::string, std::string> versions(request.initial_resource_versions().begin(),
                                                    request.initial_resource_versions().end());
  const std::map<std::string, std::string> expected = {
      {"w1", "f6519b6aab6fcdd0"}, {"sample/s1", "text-7"}, {"w2", ""}};
  EXPECT_EQ(versions, expected) << "a name without a version is sent with an empty one";
  EXPECT_TRUE(request.has_node());
  EXPECT_TRUE(request.response_nonce().empty());
  EXPECT_EQ(request.resource_names_subscribe_size(), 0);
}

TEST_F(XdsSession, TheServersWordsAreKeptVerbatim) {
  open();
  close(absl::InvalidArgumentError("ztunnel requires PILOT_ENABLE_AMBIENT=true"));
  EXPECT_EQ(session_.status().last_error, "ztunnel requires PILOT_ENABLE_AMBIENT=true");
  open();
  close(absl::UnauthenticatedError(""));
  EXPECT_THAT(session_.status().last_error, HasSubstr("UNAUTHENTICATED"));
  open();
  respond(ResponseBuilder("n").add(workload("w1")));
  now_ += absl::Seconds(1);
  session_.on_tick(sink_, now_);
  EXPECT_EQ(session_.status().last_error, "") << "in sync again";
}

TEST_F(XdsSession, Peers_z2_oversized_is_said_in_the_status) {
  open();
  session_.on_close({.status = absl::ResourceExhaustedError("Received message larger than max "
                                                            "(2147483 vs. 1073741824)"),
                     .oversized = true},
                    now_);
  EXPECT_EQ(session_.status().oversized, 1U);
  EXPECT_THAT(session_.status().last_error, HasSubstr("over the receive limit of 1073741824"));
  EXPECT_THAT(session_.status().last_error, HasSubstr("Received message larger"));
}

TEST_F(XdsSession, FailedAttemptsDoNotBuildTheRequestAgain) {
  open();
  respond(ResponseBuilder("n-1").add(workload("w1"), "1"));
  close();
  const std::string first = session_.open(sink_.snapshot());
  model::Delta behind;  // would be in a request built anew
  behind.removed = {"w1"};
  sink_.apply(std::move(behind));
  close();
  EXPECT_EQ(session_.open(sink_.snapshot()), first);
}

}  // namespace
}  // namespace vicinity::feed::xds
