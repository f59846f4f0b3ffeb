// What the kernel sees of connections to endpoints that fail, and to those that do not.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "kernel/failure_fixture.h"
#include "support/socket_script.h"

namespace vicinity::testing {
namespace {

using dataplane::Observation;
using policy::Algorithm;
using std::chrono::seconds;

TEST_F(FailureTest, TimeoutsOfTheKernelAndOfTheApplicationAreSeen) {
  fail("silent", kSilent);
  open();
  apply({service({tier({kSilent, kSilent})})});  // two slots of one endpoint
  // The application gave up after a second SYN.
  EXPECT_EQ(impatient_connect(std::chrono::milliseconds(1300)), ETIMEDOUT);
  EXPECT_EQ(seen(kSilent).timed_out, 1u);
  // The kernel gives up after one more SYN, three seconds later.
  auto done = world_->pod("client").run({"sh", "-c", "echo 1 > /proc/sys/net/ipv4/tcp_syn_retries"},
                                        seconds(10));
  VICINITY_ASSERT_OK(done);
  EXPECT_EQ(impatient_connect(std::chrono::milliseconds(10000)), ETIMEDOUT);
  const Observation after = seen(kSilent);
  EXPECT_EQ(after.timed_out, 2u);
  EXPECT_EQ(after.failed_in_row, 2u);
  EXPECT_EQ(after.active, 0u);
  EXPECT_EQ(after.suspected_until_ns, 0u);
}

// Of a SYN that was sent again TCP measures no round trip, or only the last.
TEST_F(FailureTest, AHandshakeTakesAsLongAsItsSynsDo) {
  constexpr uint16_t kLate = 5700;
  constexpr uint64_t kSecondSyn = 900'000'000;  // ns; the first is given a second
  fail("late", kLate);
  open();
  apply({service({tier({kLate})})});
  uint64_t longest = 0;
  for (int i = 0; i < 40 && longest < kSecondSyn; ++i) {
    const uint64_t before = seen(kLate).connect_ns;
    (void)impatient_connect(std::chrono::milliseconds(20000));  // one in thirty gets no answer
    longest = std::max(longest, seen(kLate).connect_ns - before);
  }
  EXPECT_GE(longest, kSecondSyn);
}

// A busy machine may take longer than that over it: then it says nothing, and the next one may.
TEST_F(FailureTest, AnApplicationThatGivesUpBeforeTheSecondSynTellsNothing) {
  constexpr seconds kSecondSyn(1);
  fail("silent", kSilent);
  open();
  apply({service({tier({kSilent})}, {.watch = compile::Watch{}})});
  EXPECT_TRUE(wait_until(
      [&] {
        const uint64_t before = seen(kSilent).timed_out;
        const auto start = std::chrono::steady_clock::now();
        EXPECT_EQ(impatient_connect(std::chrono::milliseconds(100)), ETIMEDOUT);
        const bool quick = std::chrono::steady_clock::now() - start < kSecondSyn;
        if (quick) EXPECT_EQ(seen(kSilent).timed_out, before);
        return quick;
      },
      seconds(60)));
}

TEST_F(FailureTest, AnAddressThatNobodyHasIsUnreachable) {
  open();
  PlannedTier nowhere{.endpoints = {{.address = kNobody, .port = 5001}}};
  apply({service({nowhere})});
  EXPECT_EQ(impatient_connect(std::chrono::milliseconds(20000)), EHOSTUNREACH);
  EXPECT_EQ(seen(5001).unreachable, 1u);
  EXPECT_EQ(seen(5001).timed_out, 0u);
}

TEST_F(FailureTest, AnEarlyResetIsSeen) {
  fail("reset", kResetting);
  open();
  apply({service({tier({kResetting})})});
  for (int i = 0; i < 20; ++i) EXPECT_NE(connect(kVip4).error, 0);
  const Observation after = seen(kResetting);
  EXPECT_EQ(after.established, 20u);
  EXPECT_EQ(after.reset_early, 20u);
  EXPECT_EQ(after.failed_in_row, 0u);
  EXPECT_EQ(after.active, 0u);
  EXPECT_EQ(after.suspected_until_ns, 0u);
}

TEST_F(FailureTest, WhoDisconnectsOrIsAnsweredSawNoReset) {
  open();
  apply({service({tier({5001})})});
  VICINITY_ASSERT_OK_AND_ASSIGN(SocketScript script, SocketScript::start(world_->pod("client")));
  EXPECT_EQ(script.say("open tcp4"), "ok");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(script.say(fmt::format("connect {}:80", kVip4)), "ok");
    EXPECT_EQ(seen(5001).active, 1u);
    EXPECT_EQ(script.say("unspec"), "ok");
    EXPECT_EQ(seen(5001).active, 0u);
  }
  EXPECT_EQ(script.say("close"), "ok");
  const Observation after = seen(5001);
  EXPECT_EQ(after.established, 3u);
  EXPECT_EQ(after.reset_early, 0u);
  EXPECT_GT(after.connect_ns, 0u);
}

TEST_F(FailureTest, ASocketThatGoesElsewhereTellsNothingOfTheEndpoint) {
  open();
  apply(
      {service({tier({kRefusing})}, {.watch = compile::Watch{}}),
       service({tier({5001})}, {.name = "ns/b", .address = "10.96.0.11", .watch = std::nullopt})});
  VICINITY_ASSERT_OK_AND_ASSIGN(SocketScript script, SocketScript::start(world_->pod("client")));
  EXPECT_EQ(script.say("open tcp4"), "ok");
  EXPECT_EQ(script.say(fmt::format("connect {}:80", kVip4)), "ECONNREFUSED");
  EXPECT_EQ(script.say("connect 10.96.0.11:80"), "ok");
  EXPECT_EQ(script.say("close"), "ok");
  EXPECT_EQ(seen(kRefusing).refused, 1u);
  EXPECT_EQ(seen(kRefusing).established, 0u);
  EXPECT_EQ(dataplane_->observed().size(), 1u);  // of ns/b nothing is watched
}

TEST_F(FailureTest, CountsAreExactUnderConcurrencyAndOverRestarts) {
  open();
  compile::Watch watch = {};  // nobody is avoided
  apply({service({tier({5001, 5002, 5003, kRefusing})}, {.watch = watch})});
  auto agent = world_->pod("client").agent();
  VICINITY_ASSERT_OK(agent);
  uint64_t established = 0;
  uint64_t refused = 0;
  for (int round = 0; round < 3; ++round) {
    VICINITY_ASSERT_OK((*agent)->start_load({.targets = {{kVip4, 80}}, .workers = 4}));
    dataplane_.reset();
    open();
    EXPECT_TRUE(wait_until(
        [&] {
          auto tally = (*agent)->load_so_far();
          return tally.ok() && tally->attempts > 3000;
        },
        seconds(60)));
    auto report = (*agent)->stop_load();
    VICINITY_ASSERT_OK(report);
    established += report->tally.attempts - report->tally.failed();
    refused += report->tally.by_error[ECONNREFUSED];
    EXPECT_EQ(report->tally.failed(), report->tally.by_error[ECONNREFUSED]);
    uint64_t counted = 0;
    for (const uint16_t port : std::initializer_list<uint16_t>{5001, 5002, 5003})
      counted += seen(port).established;
    EXPECT_EQ(counted, established);
    EXPECT_EQ(seen(kRefusing).refused, refused);
    EXPECT_EQ(dataplane_->status().active_connections, 0u);
  }
}

TEST_F(FailureTest, OpenConnectionsAreCountedOverRestartsAndLargerMaps) {
  dataplane::KernelOptions small = options();
  small.max_slots = 16;
  open(small);
  apply({service({tier({5001, 5002})})});
  auto held =
      world_->pod("client").spawn({.argv = {program_path("vic_held_client"), kVip4, "80", "100"}});
  VICINITY_ASSERT_OK(held);
  VICINITY_ASSERT_OK(held->wait_for_line("holding", seconds(30)));
  EXPECT_EQ(seen(5001).active + seen(5002).active, 100u);
  dataplane_.reset();
  open(small);
  const uint32_t generation = dataplane_->status().generation;
  for (int i = 0; i < 8; ++i) {
    apply({backends_service("ns/more-" + std::to_string(i), {"10.96.1." + std::to_string(i + 1)},
                            {0, 1, 2, 3, 4, 5, 6, 7})});
  }
  EXPECT_GT(dataplane_->status().generation, generation);
  EXPECT_EQ(seen(5001).active + seen(5002).active, 100u);
  EXPECT_EQ(failed_of(10), 0);
  EXPECT_EQ(seen(5001).established + seen(5002).established, 110u);
  VICINITY_ASSERT_OK(held->signal(SIGKILL));
  EXPECT_TRUE(wait_until([&] { return seen(5001).active + seen(5002).active == 0; }, seconds(20)));
}

TEST_F(FailureTest, AnIcmpErrorOnAConnectedDatagramSocketIsARefusal) {
  open();
  apply({service({tier({5001, kRefusing})})});
  VICINITY_ASSERT_OK_AND_ASSIGN(SocketScript script, SocketScript::start(world_->pod("client")));
  // The first datagram to the one that is not there comes back as an error.
  EXPECT_TRUE(wait_until(
      [&] {
        EXPECT_EQ(script.say("open udp4"), "ok");
        EXPECT_EQ(script.say(fmt::format("connect {}:80", kVip4)), "ok");
        (void)script.say("send");
        (void)script.say("send");
        return seen(kRefusing).refused == 1;
      },
      seconds(20)));
  EXPECT_TRUE(is_suspect(kRefusing));
}

TEST_F(FailureTest, LeastRequestCountsConnectionsToWatchedEndpoints) {
  open();
  apply({service({tier({5001, 5002})}, {.algorithm = {.kind = Algorithm::kLeastRequest}})});
  auto held =
      world_->pod("client").spawn({.argv = {program_path("vic_held_client"), kVip4, "80", "200"}});
  VICINITY_ASSERT_OK(held);
  VICINITY_ASSERT_OK(held->wait_for_line("holding", seconds(30)));
  // At random they would differ by 20 or more in most runs; two choices leave a few.
  const auto first = static_cast<int>(seen(5001).active);
  EXPECT_NEAR(first, 100, 8);
  EXPECT_EQ(first + static_cast<int>(seen(5002).active), 200);
  VICINITY_ASSERT_OK(held->stop(seconds(10)));
}

TEST_F(FailureTest, WithoutDetectionNothingIsLoadedOrSeen) {
  open();
  apply({service({tier({5001, kRefusing})}, {.watch = std::nullopt})});
  EXPECT_GT(failed_of(50), 5);
  EXPECT_TRUE(dataplane_->observed().empty());
  EXPECT_EQ(dataplane_->status().watched_endpoints.capacity, 0u);
}

}  // namespace
}  // namespace vicinity::testing
