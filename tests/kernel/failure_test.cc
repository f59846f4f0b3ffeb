// Failure detection in the kernel: what is seen of connections to endpoints that fail in every way
// they can, and what the next connect does about it.
#include <fmt/format.h>

#include <cerrno>
#include <fstream>

#include "contract/plan_table.h"
#include "kernel/dataplane_fixture.h"
#include "support/program.h"
#include "support/socket_script.h"

namespace vicinity::testing {
namespace {

using compile::ServiceTable;
using dataplane::Observation;
using dataplane::SuspicionEvent;
using policy::Algorithm;
using std::chrono::seconds;

constexpr uint16_t kRefusing = 5999;
constexpr uint16_t kSilent = 5900;
constexpr uint16_t kResetting = 5800;
constexpr char kNobody[] = "10.244.1.200";  // on the link, and nobody's
constexpr compile::Watch kWatch = {
    .refused_in_row = 1, .timeouts_in_row = 3, .suspicion_ms = 60'000, .most_suspects = 100};

PlannedTier tier(const std::vector<uint16_t>& ports, uint32_t load_percent = 100) {
  PlannedTier tier{.load_percent = load_percent, .endpoints = {}};
  for (const uint16_t port : ports) tier.endpoints.push_back({.address = kBackend4, .port = port});
  return tier;
}

struct Service {
  std::string name = "ns/a";
  std::string address = kVip4;
  policy::AlgorithmSpec algorithm = {};
  std::optional<compile::Watch> watch = kWatch;
};

ServiceTable service(const std::vector<PlannedTier>& tiers, const Service& spec = {}) {
  compile::PortTable table = planned_table(spec.algorithm, tiers);
  watch(table, spec.watch);
  return service_table(spec.name, {spec.address}, {std::move(table)});
}

class FailureTest : public KernelDataplaneTest {
 protected:
  // What was seen of the endpoint for the service.
  [[nodiscard]] Observation seen(uint16_t port, std::string_view service = "ns/a") {
    dataplane_->maintain();
    for (const auto& endpoint : dataplane_->observed()) {
      if (endpoint.port == port && endpoint.service == service) return endpoint.seen;
    }
    ADD_FAILURE() << "port " << port << " of " << service << " is not watched";
    return {};
  }
  [[nodiscard]] bool is_suspect(uint16_t port, std::string_view service = "ns/a") {
    return seen(port, service).suspected_until_ns != 0;
  }
  [[nodiscard]] int failed_of(int connects, const std::string& address = kVip4) {
    int failed = 0;
    for (int i = 0; i < connects; ++i) failed += connect(address).error != 0 ? 1 : 0;
    return failed;
  }
  // Connects until one fails; how that was.
  [[nodiscard]] int first_error() {
    for (int i = 0; i < 1000; ++i) {
      if (const int error = connect(kVip4).error; error != 0) return error;
    }
    return 0;
  }
  void fail(const char* mode, uint16_t port, int count = 1) {
    VICINITY_ASSERT_OK_AND_ASSIGN(
        Process server, world_->pod("backends")
                            .spawn({.argv = {program_path("vic_failing_server"), mode, kBackend4,
                                             std::to_string(port), std::to_string(count)}}));
    VICINITY_ASSERT_OK(server.wait_for_line("serving", seconds(20)));
    servers_.push_back(std::move(server));
  }
  [[nodiscard]] std::vector<SuspicionEvent> suspicions() {
    dataplane_->maintain();
    return dataplane_->take_suspicions();
  }
  [[nodiscard]] uint64_t saved() { return dataplane_->status().observed.saved; }
  // One connect by a client that waits so long.
  [[nodiscard]] int impatient_connect(std::chrono::milliseconds patience) {
    auto result = world_->pod("client").connect(
        {.address = kVip4, .port = 80, .talk = Talk::kNone, .timeout = patience});
    EXPECT_TRUE(is_ok(result));
    return result.ok() ? result->error : -1;
  }
  void TearDown() override {
    servers_.clear();
    KernelDataplaneTest::TearDown();
  }

  std::vector<Process> servers_;
};

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

TEST_F(FailureTest, TimeoutsOfTheKernelAndOfTheApplicationAreSeen) {
  fail("silent", kSilent);
  open();
  apply({service({tier({kSilent, kSilent})})});  // two slots of one endpoint
  // It waited for a second SYN; it did not.
  EXPECT_EQ(impatient_connect(std::chrono::milliseconds(1300)), ETIMEDOUT);
  EXPECT_EQ(seen(kSilent).timed_out, 1u);
  EXPECT_EQ(impatient_connect(std::chrono::milliseconds(100)), ETIMEDOUT);
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

TEST_F(FailureTest, WithoutDetectionNothingIsLoadedOrSeen) {
  open();
  apply({service({tier({5001, kRefusing})}, {.watch = std::nullopt})});
  EXPECT_GT(failed_of(50), 5);
  EXPECT_TRUE(dataplane_->observed().empty());
  EXPECT_EQ(dataplane_->status().watched_endpoints.capacity, 0u);
}

}  // namespace
}  // namespace vicinity::testing
