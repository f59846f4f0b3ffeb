// What the next connect does about an endpoint that just failed.
#include <cerrno>

#include "kernel/failure_fixture.h"

namespace vicinity::testing {
namespace {

using dataplane::Observation;
using dataplane::SuspicionEvent;
using policy::Algorithm;
using std::chrono::seconds;

TEST_F(FailureTest, TheNextConnectAvoidsWhoRefused) {
  open();
  apply({service({tier({5001, 5002, kRefusing})})});
  EXPECT_EQ(first_error(), ECONNREFUSED);
  const Observation after = seen(kRefusing);
  EXPECT_EQ(after.refused, 1u);
  EXPECT_EQ(after.failed_in_row, 1u);
  EXPECT_NE(after.suspected_until_ns, 0u);
  EXPECT_EQ(failed_of(200), 0);
  EXPECT_EQ(seen(kRefusing).refused, 1u);
  EXPECT_GT(saved(), 10u);
  const auto events = suspicions();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, SuspicionEvent::Kind::kSuspected);
  EXPECT_EQ(events[0].cause, SuspicionEvent::Cause::kRefused);
}

TEST_F(FailureTest, EveryAlgorithmAvoidsSuspects) {
  open();
  for (const Algorithm kind : {Algorithm::kRandom, Algorithm::kRoundRobin, Algorithm::kLeastRequest,
                               Algorithm::kRingHash, Algorithm::kMaglev}) {
    SCOPED_TRACE(policy::algorithm_name(kind));
    const policy::AlgorithmSpec spec = {
        .kind = kind, .maglev_size = 251, .hash_input = policy::HashInput::kRandom};
    apply({}, {"ns/a"});
    settle();
    apply({service({tier({5001, 5002, 5003, kRefusing})}, {.algorithm = spec})});
    EXPECT_EQ(first_error(), ECONNREFUSED);
    EXPECT_EQ(failed_of(100), 0);
  }
}

TEST_F(FailureTest, AClientThatKeepsAnEndpointLeavesASuspect) {
  open();
  for (const Algorithm kind : {Algorithm::kRandom, Algorithm::kMaglev}) {
    const policy::AlgorithmSpec spec = {
        .kind = kind, .maglev_size = 251, .affinity_timeout_s = 3600};
    apply({service({tier({kRefusing})}, {.algorithm = spec, .watch = std::nullopt})});
    EXPECT_EQ(connect(kVip4).error, ECONNREFUSED);  // the client keeps it
    apply({service({tier({5001, 5002, 5003, 5004, 5005, kRefusing})}, {.algorithm = spec})});
    EXPECT_EQ(connect(kVip4).error, ECONNREFUSED);
    EXPECT_EQ(failed_of(20), 0);
    apply({}, {"ns/a"});
    settle();
  }
}

TEST_F(FailureTest, ATierOfSuspectsGivesWayToTheNext) {
  fail("silent", kSilent, 4);
  open();
  apply({service({tier({5900, 5901, 5902, 5903}), tier({5001, 5002}, 0), tier({5003}, 0)})});
  int failed = 0;
  // Three timeouts for each of four, at most.
  for (int connects = 0; connects < 13 && failed == connects; ++connects) {
    failed += impatient_connect(std::chrono::milliseconds(1200)) != 0 ? 1 : 0;
  }
  EXPECT_GE(failed, 3);
  for (int i = 0; i < 20 && failed < 12; ++i) {
    failed += impatient_connect(std::chrono::milliseconds(1200)) != 0 ? 1 : 0;
  }
  EXPECT_LE(failed, 12);
  // Nobody is reached there but by the next tier.
  for (int i = 0; i < 20; ++i) {
    const ConnectResult result = connect(kVip4);
    EXPECT_EQ(result.error, 0);
    EXPECT_THAT(result.answer, ::testing::AnyOf(answer_of(0, model::Family::kIpv4),
                                                answer_of(1, model::Family::kIpv4)));
  }
}

TEST_F(FailureTest, NoMoreSuspectsThanAllowed) {
  open();
  compile::Watch watch = kWatch;
  watch.most_suspects = 2;
  apply({service({tier({5991, 5992, 5993, 5994, 5001})}, {.watch = watch})});
  (void)failed_of(100);
  int suspects = 0;
  for (const uint16_t port : std::initializer_list<uint16_t>{5991, 5992, 5993, 5994})
    suspects += is_suspect(port) ? 1 : 0;
  EXPECT_EQ(suspects, 2);
}

TEST_F(FailureTest, NothingIsBlackholedWhenAllAreSuspect) {
  open();
  apply({service({tier({5991, 5992}), tier({5993}, 0)})});
  // Refused by an endpoint, not by us, every time.
  const uint64_t translated = dataplane_->outcomes().translated;
  EXPECT_EQ(failed_of(30), 30);
  EXPECT_EQ(dataplane_->outcomes().translated, translated + 30);
  for (const uint16_t port : std::initializer_list<uint16_t>{5991, 5992, 5993})
    EXPECT_TRUE(is_suspect(port)) << port;
  const uint64_t refused = seen(5991).refused + seen(5992).refused + seen(5993).refused;
  EXPECT_EQ(refused, 30u);
  // As soon as one answers it is no suspect any more.
  fail("answer", 5991);
  EXPECT_TRUE(wait_until([&] { return failed_of(10) == 0; }, seconds(20)));
  EXPECT_FALSE(is_suspect(5991));
}

TEST_F(FailureTest, ASingleEndpointIsNeverSuspected) {
  open();
  compile::Watch watch = kWatch;
  watch.most_suspects = 0;  // as compiled for one endpoint
  apply({service({tier({kRefusing})}, {.watch = watch})});
  EXPECT_EQ(failed_of(10), 10);
  EXPECT_EQ(seen(kRefusing).refused, 10u);
  EXPECT_FALSE(is_suspect(kRefusing));
}

TEST_F(FailureTest, ASuccessBeginsTheStreakAgain) {
  constexpr uint16_t kChanging = 5995;
  open();
  compile::Watch watch = kWatch;
  watch.refused_in_row = 3;
  watch.most_suspects = 1;
  apply({service({tier({kChanging})}, {.watch = watch})});
  EXPECT_EQ(failed_of(2), 2);
  fail("answer", kChanging);
  EXPECT_EQ(failed_of(1), 0);
  servers_.clear();
  EXPECT_EQ(failed_of(2), 2);
  EXPECT_FALSE(is_suspect(kChanging));
  EXPECT_EQ(failed_of(1), 1);
  EXPECT_TRUE(is_suspect(kChanging));
}

TEST_F(FailureTest, ASuspicionEndsWithItsTime) {
  open();
  compile::Watch watch = kWatch;
  watch.suspicion_ms = 300;
  apply({service({tier({5001, kRefusing})}, {.watch = watch})});
  EXPECT_EQ(first_error(), ECONNREFUSED);
  ASSERT_EQ(suspicions().size(), 1u);
  // Whether a connect or the daemon comes first.
  EXPECT_TRUE(wait_until([&] { return first_error() == ECONNREFUSED; }, seconds(10)));
  EXPECT_EQ(seen(kRefusing).refused, 2u);
  EXPECT_TRUE(wait_until([&] { return !is_suspect(kRefusing); }, seconds(10)));
  const auto events = suspicions();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].cause, SuspicionEvent::Cause::kTimeUp);
  EXPECT_EQ(events[1].kind, SuspicionEvent::Kind::kSuspected);
  EXPECT_EQ(events[2].cause, SuspicionEvent::Cause::kTimeUp);
}

TEST_F(FailureTest, AnEndpointIsJudgedForEachServiceAlone) {
  open();
  apply({service({tier({5001, kRefusing})}),
         service({tier({5001, kRefusing})}, {.name = "ns/b", .address = "10.96.0.11"})});
  EXPECT_EQ(first_error(), ECONNREFUSED);
  EXPECT_TRUE(is_suspect(kRefusing, "ns/a"));
  EXPECT_FALSE(is_suspect(kRefusing, "ns/b"));
  EXPECT_EQ(failed_of(50), 0);
  EXPECT_EQ(failed_of(100, "10.96.0.11"), 1);
}

TEST_F(FailureTest, ASuspicionOutlivesItsTableAndNotItsService) {
  open();
  apply({service({tier({5001, kRefusing})})});
  EXPECT_EQ(first_error(), ECONNREFUSED);
  apply({service({tier({5001, 5002, 5003, kRefusing})})});
  settle();
  EXPECT_EQ(seen(kRefusing).refused, 1u);
  EXPECT_EQ(failed_of(50), 0);
  apply({}, {"ns/a"});
  settle();
  EXPECT_TRUE(wait_until(
      [&] {
        maintain_for(std::chrono::milliseconds(20));
        return dataplane_->status().watched_endpoints.used == 0;
      },
      seconds(20)));
  apply({service({tier({5001, kRefusing})})});
  EXPECT_EQ(seen(kRefusing), Observation{});
  EXPECT_EQ(first_error(), ECONNREFUSED);
}

TEST_F(FailureTest, Ipv6AndMappedAddressesAreSeenAsWell) {
  open();
  const PlannedTier tier6{.endpoints = {{.address = kBackend6, .port = 5001},
                                        {.address = kBackend6, .port = 5002},
                                        {.address = kBackend6, .port = kRefusing}}};
  compile::PortTable ipv6 = planned_table({}, {tier6}, model::Family::kIpv6);
  compile::PortTable ipv4 = planned_table({}, {tier({5001, 5002, kRefusing})});
  for (compile::PortTable* table : {&ipv6, &ipv4}) watch(*table, kWatch);
  apply({service_table("ns/a", {kVip6, kVip4}, {ipv4, ipv6})});
  EXPECT_TRUE(wait_until([&] { return connect(kVip6).error == ECONNREFUSED; }, seconds(20)));
  EXPECT_EQ(failed_of(100, kVip6), 0);
  // The families' tables are judged alone; a mapped address is the IPv4 one's.
  EXPECT_TRUE(wait_until([&] { return connect(kMappedVip).error == ECONNREFUSED; }, seconds(20)));
  EXPECT_EQ(failed_of(100, kMappedVip), 0);
  EXPECT_EQ(failed_of(100, kVip4), 0);
  dataplane_->maintain();
  uint64_t refused = 0;
  uint64_t active = 0;
  for (const auto& endpoint : dataplane_->observed()) {
    refused += endpoint.seen.refused;
    active += endpoint.seen.active;
  }
  EXPECT_EQ(refused, 2u);
  EXPECT_EQ(active, 0u);
}

}  // namespace
}  // namespace vicinity::testing
