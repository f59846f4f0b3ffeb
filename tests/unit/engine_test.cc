// The engine over a data plane in memory and a feed that plays a script.
#include "engine.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "engine_fixture.h"

namespace vicinity {
namespace {

TEST_F(EngineTest, PublishesWhatAMessageChanged) {
  message(two_zones());
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  message("", {"near"});
  EXPECT_EQ(tiers(), "10.244.2.5");
  EXPECT_EQ(dataplane_.applied().size(), 2U);
}

TEST_F(EngineTest, AnEqualMessagePublishesNothing) {
  const std::string mesh = two_zones();
  message(mesh);
  message(mesh);
  EXPECT_EQ(dataplane_.applied().size(), 1U);
}

TEST_F(EngineTest, Peers_2_FirstPublishWaitsForOwnLocality) {
  const std::string mesh = std::string(kService) + workload("far", "n2", "z2", "10.244.2.5") +
                           workload("other", "n3", "z1", "10.244.3.5");
  message(mesh);
  EXPECT_EQ(tiers(), "none");
  EXPECT_LE(next_, kStart + options_.locality_wait);
  const std::string own = workload("near", "n1", "z1", "10.244.1.5");
  message(own);
  EXPECT_EQ(tiers(), "10.244.1.5 10.244.3.5 | 10.244.2.5");
}

TEST_F(EngineTest, Peers_2_TheWaitForOwnLocalityIsBounded) {
  const std::string mesh = std::string(kService) + workload("far", "n2", "z2", "10.244.2.5");
  message(mesh);
  advance(options_.locality_wait - absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "none");
  advance(absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "10.244.2.5");
}

TEST_F(EngineTest, Peers_2_AChangeOfOwnLocalityReTiersEveryService) {
  const std::string mesh = two_zones();
  message(mesh);
  const std::string moved = workload("near", "n1", "z2", "10.244.1.5");
  message(moved);
  EXPECT_EQ(tiers(), "10.244.1.5 10.244.2.5");
  EXPECT_EQ(dataplane_.load_context()->zone, "z2");
}

TEST_F(EngineTest, Peers_12_ARestartRanksWithTheContextItHadBefore) {
  message(two_zones());
  restart();
  EXPECT_TRUE(engine().snapshot().self_known());
  const std::string far_only = std::string(kService) + workload("far", "n2", "z2", "10.244.2.5") +
                               workload("beside", "n3", "z1", "10.244.3.5");
  message(far_only);
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.3.5 | 10.244.2.5");
}

TEST_F(EngineTest, Peers_12_AnAdoptedEndpointStaysUntilTheFeedIsQuiet) {
  message(two_zones());
  restart();
  const std::string part = std::string(kService) + workload("near", "n1", "z1", "10.244.1.5");
  message(part);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5") << "the rest of the answer may still come";
  advance(options_.resync_quiet - absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  advance(absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5");
}

TEST_F(EngineTest, AnAdoptedEndpointThatTheFeedCallsUnhealthyGoesAtOnce) {
  message(two_zones());
  restart();
  const std::string sick = std::string(kService) +
                           workload("near", "n1", "z1", "10.244.1.5", "  status: UNHEALTHY\n") +
                           workload("far", "n2", "z2", "10.244.2.5");
  message(sick);
  EXPECT_EQ(tiers(), "10.244.2.5");
}

TEST_F(EngineTest, AnAdoptedServiceThatNobodyMentionsGoesWhenTheFeedIsQuiet) {
  message(two_zones());
  restart();
  message(workload("near", "n1", "z1", "10.244.1.5"));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "none");
}

TEST_F(EngineTest, ABusyFeedEndsTheResyncToo) {
  message(two_zones());
  restart();
  message(workload("near", "n1", "z1", "10.244.1.5"));
  int messages = 1;
  while (tiers() != "none" && messages < 100) {
    now_ += options_.resync_quiet / 2;
    message("");
    ++messages;
  }
  EXPECT_GT(messages, 5);
  EXPECT_LT(messages, 30);
}

TEST_F(EngineTest, Peers_12_AFeedThatIsAwayRemovesNothing) {
  message(two_zones());
  restart();
  message(workload("near", "n1", "z1", "10.244.1.5"));
  feed_.set_state(feed::FeedState::kBackoff);
  advance(100 * options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  feed_.set_state(feed::FeedState::kInSync);
  turn();
  advance(options_.resync_quiet - absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  advance(absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "none");
}

TEST_F(EngineTest, Peers_12_ARefusedResourceKeepsWhatWasAdopted) {
  message(two_zones());
  restart();
  message_with_bad("sample/web.example");
  advance(59 * options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  message(std::string(kService) + workload("near", "n1", "z1", "10.244.1.5"));
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.1.5");
}

TEST_F(EngineTest, AResourceThatStaysRefusedDoesNotKeepTablesForEver) {
  message(two_zones());
  restart();
  message(std::string(kService) + workload("near", "n1", "z1", "10.244.1.5"));
  message_with_bad("sample/other.example");
  advance(59 * options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.1.5");
}

// It holds back only what the feed has never told of: the rest follows the feed as ever.
TEST_F(EngineTest, ARefusedResourceKeepsNothingThatTheFeedTookBack) {
  message(two_zones() + workload("lost", "n3", "z1", "10.244.3.5"));
  restart();
  message_with_bad("sample/other.example");
  message(two_zones());
  advance(10 * options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.1.5 10.244.3.5 | 10.244.2.5") << "nobody has told of the third";
  message("", {"far"});
  EXPECT_EQ(tiers(), "10.244.1.5 10.244.3.5 | 10.244.2.5") << "as long as the third is there";
  message(workload("lost", "n3", "z1", "10.244.3.5"));
  EXPECT_EQ(tiers(), "10.244.1.5 10.244.3.5");
  message("", {"lost"});
  EXPECT_EQ(tiers(), "10.244.1.5");
  message(workload("near", "n1", "z1", "10.244.1.6"));
  EXPECT_EQ(tiers(), "10.244.1.6");
  message("", {"sample/web.example"});
  EXPECT_EQ(tiers(), "none");
}

TEST_F(EngineTest, Peers_12_AnAdoptedAddressIsNotGivenAwayBeforeTheFeedHasSpoken) {
  message(two_zones());
  restart();
  const std::string rival =
      "service:\n  name: rival\n  namespace: sample\n  hostname: rival.example\n"
      "  addresses: [\"10.96.0.10\"]\n  ports: [{servicePort: 80, targetPort: 8080}]\n" +
      workload("near", "n1", "z1", "10.244.1.5");
  message(rival);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  EXPECT_EQ(tiers("sample/rival.example"), "none");
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "none");
  EXPECT_EQ(dataplane_.read("sample/rival.example")->addresses.size(), 1U);
}

// The same of a range, which is no address of its own.
TEST_F(EngineTest, Peers_12_AnAdoptedRangeIsNotGivenAwayBeforeTheFeedHasSpoken) {
  const auto ranged = [](const std::string& name) {
    return "service:\n  name: " + name + "\n  namespace: sample\n  hostname: " + name +
           ".example\n  addresses: [\"10.97.0.0/16\"]\n"
           "  ports: [{servicePort: 80, targetPort: 8080}]\n" +
           workload("near", "n1", "z1", "10.244.1.5");
  };
  message(ranged("web"));
  ASSERT_EQ(dataplane_.read("sample/web.example")->scoped.size(), 1U);
  restart();
  // Of equal rights, the smaller name owns it once the feed has spoken.
  message(ranged("a-rival"));
  EXPECT_EQ(tiers(), "10.244.1.5");
  EXPECT_EQ(tiers("sample/a-rival.example"), "none");
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "none");
  EXPECT_EQ(dataplane_.read("sample/a-rival.example")->scoped.size(), 1U);
}

TEST_F(EngineTest, AServiceThatNeverHadAWorkloadPasses) {
  message(std::string(kService) + workload("elsewhere", "n1", "z1", "10.244.1.5") +
          "---\nservice:\n  name: none\n  namespace: sample\n  hostname: none.example\n"
          "  addresses: [\"10.96.0.11\"]\n  ports: [{servicePort: 80, targetPort: 80}]\n");
  EXPECT_EQ(tiers("sample/none.example"), "empty pass");
  message("", {"elsewhere"});
  EXPECT_EQ(tiers(), "empty refuse");
}

TEST_F(EngineTest, NothingIsRefusedBeforeTheFeedWasInSync) {
  const std::string part =
      std::string(kService) + workload("near", "n1", "z1", "10.244.1.5", "  status: UNHEALTHY\n");
  feed_.play([part](feed::Sink& sink, absl::Time now) {
    sink.apply(delta_of(part, sink.symbols()));
    sink.message_end(now);
  });
  turn();
  EXPECT_EQ(tiers(), "empty pass");
  feed_.play([](feed::Sink& sink, absl::Time) { sink.in_sync(); });
  turn();
  EXPECT_EQ(tiers(), "empty refuse");
}

TEST_F(EngineTest, AServiceThatHadAWorkloadBeforeTheRestartStillRefuses) {
  message(two_zones());
  message("", {"near", "far"});
  EXPECT_EQ(tiers(), "empty refuse");
  restart();
  message(std::string(kService));
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "empty refuse");
}

TEST_F(EngineTest, Peers_23_ARefusedServiceIsShownAndComesWhenThereIsRoom) {
  dataplane_.set_limits({.slots = 1});
  message(two_zones());
  EXPECT_EQ(tiers(), "none");
  advance(absl::Seconds(1));
  ASSERT_EQ(cell_.load()->refused.size(), 1U);
  EXPECT_EQ(cell_.load()->refused[0].message,
            "service sample/web.example: publish 2 slots: arena full (0 of 1)");
  EXPECT_EQ(cell_.load()->engine.publishes_refused, 1U);
  dataplane_.set_limits({.slots = 10});
  advance(absl::Seconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  EXPECT_TRUE(cell_.load()->refused.empty());
}

TEST_F(EngineTest, ARefusedTableIsForgottenWhenTheServiceGoesBackToWhatItWas) {
  const std::string one = std::string(kService) + workload("near", "n1", "z1", "10.244.1.5");
  dataplane_.set_limits({.slots = 1});
  message(one);
  message(workload("far", "n2", "z2", "10.244.2.5"));
  EXPECT_EQ(tiers(), "10.244.1.5");
  message("", {"far"});
  dataplane_.set_limits({.slots = 10});
  advance(absl::Seconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5");
}

TEST_F(EngineTest, RenewsTheLeaseEverySecondButNotBeforeItRuns) {
  engine();
  EXPECT_EQ(dataplane_.renewals(), 0U) << "a daemon that cannot start must not keep tables alive";
  turn();
  const auto renewals = dataplane_.renewals();
  for (int i = 0; i < 10; ++i) advance(absl::Seconds(1));
  EXPECT_EQ(dataplane_.renewals(), renewals + 10);
  EXPECT_EQ(dataplane_.lease(), options_.lease);
}

TEST_F(EngineTest, AnAddressOfTwoServicesIsSaidAndWhoServesIt) {
  const std::string other = R"(---
service:
  name: other
  namespace: zoo
  hostname: other.example
  addresses: ["10.96.0.10"]
  ports: [{servicePort: 80, targetPort: 8080}]
)";
  message(two_zones() + other);
  advance(absl::Seconds(1));
  EXPECT_EQ(cell_.load()->engine.address_conflicts, 1U);
  EXPECT_EQ(cell_.load()->conflicts,
            std::vector<std::string>{
                "10.96.0.10: sample/web.example serves it; zoo/other.example does not"});
  message("", {"zoo/other.example"});
  advance(absl::Seconds(1));
  EXPECT_TRUE(cell_.load()->conflicts.empty());
}

TEST_F(EngineTest, RejectedResourcesAreKeptAndCounted) {
  feed_.play([](feed::Sink& sink, absl::Time) {
    sink.reject({.resource = "a/b", .kind = "service", .message = "service.ports[0]: bad"});
  });
  turn();
  advance(absl::Seconds(1));
  const auto published = cell_.load();
  ASSERT_EQ(published->rejected.size(), 1U);
  EXPECT_EQ(published->rejected[0].object, "a/b");
  EXPECT_EQ(published->engine.rejected_kind.at("service"), 1U);
}

}  // namespace
}  // namespace vicinity
