// One connection at a time: what the hooks make of it, and what they count.
#include <algorithm>
#include <cerrno>

#include "kernel/dataplane_fixture.h"
#include "support/program.h"

namespace vicinity::testing {
namespace {

using dataplane::Outcomes;
using model::Family;

class ConnectTest : public KernelDataplaneTest {
 protected:
  // What was counted since the last call.
  Outcomes counted() {
    const Outcomes now = dataplane_->outcomes();
    const Outcomes since = {
        .translated = now.translated - last_.translated,
        .not_a_service = now.not_a_service - last_.not_a_service,
        .refused_empty = now.refused_empty - last_.refused_empty,
        .passed_empty = now.passed_empty - last_.passed_empty,
        .passed_passthrough = now.passed_passthrough - last_.passed_passthrough,
        .unknown_port_passed = now.unknown_port_passed - last_.unknown_port_passed,
        .unknown_port_refused = now.unknown_port_refused - last_.unknown_port_refused,
        .lease_expired = now.lease_expired - last_.lease_expired,
        .own_socket = now.own_socket - last_.own_socket,
        .internal_error = now.internal_error - last_.internal_error,
        .unrecorded = now.unrecorded - last_.unrecorded,
        .passed_waypoint = now.passed_waypoint - last_.passed_waypoint,
        .opted_out = now.opted_out - last_.opted_out,
        .captured = now.captured - last_.captured,
        .host_network = now.host_network - last_.host_network,
        .kernel_socket = now.kernel_socket - last_.kernel_socket};
    last_ = now;
    return since;
  }

  Outcomes last_;
};

constexpr const char* kDecoy = "decoy";

TEST_F(ConnectTest, IsRewrittenInEveryWayThereIs) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {3})});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(connect(kVip4).answer, answer_of(3, Family::kIpv4));
    EXPECT_EQ(connect(kVip6).answer, answer_of(3, Family::kIpv6));
    const ConnectResult mapped = connect(kMappedVip);
    EXPECT_EQ(mapped.error, 0);
    EXPECT_THAT(mapped.answer, ::testing::HasSubstr("10.244.1.11:5004"));
    EXPECT_EQ(counted(), Outcomes{.translated = 3});
    settle();  // now with the prefixes in place
  }
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
}

// Whatever is hinted at is looked up all the same: other services, nothing, places that do not
// exist.
TEST_F(ConnectTest, AWrongHintChangesNothing) {
  open();
  compile::PortTable empty = backends_table(81, Family::kIpv4, {});
  compile::PortTable table = backends_table(80, Family::kIpv4, {3});
  apply({service_table("ns/a", {kVip4}, {table, empty}), backends_service("ns/b", {kVip6}, {5})});
  const dataplane::Pins pins(pin_dir(), dataplane::abi_version());
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto maps, dataplane::Pins::open(pins.generations().front()));
  const __u16 algorithm = VIC_ALGORITHM_MAGLEV << VIC_VIEW_ALGORITHM_SHIFT;
  const std::vector<vic_view> wrong = {
      {.first = 0, .count = 0, .flags = 0},
      {.first = 1, .count = 7, .flags = VIC_VIEW_VALID | VIC_VIEW_WEIGHTED},
      {.first = UINT32_MAX, .count = UINT16_MAX, .flags = VIC_VIEW_VALID},
      {.first = UINT32_MAX, .count = 1, .flags = static_cast<__u16>(VIC_VIEW_VALID | algorithm)},
  };
  (void)counted();
  for (const vic_view& view : wrong) {
    for (const std::string name : {"vic_hints4", "vic_hints6"}) {
      VICINITY_ASSERT_OK_AND_ASSIGN(
          const auto hints,
          dataplane::MappedMap::map(maps.at(name).get(), dataplane::Access::kReadWrite));
      for (vic_hints& line : hints.as<vic_hints>()) std::ranges::fill(line.views, view);
    }
    EXPECT_EQ(connect(kVip4).answer, answer_of(3, Family::kIpv4));
    EXPECT_EQ(connect(kVip6).answer, answer_of(5, Family::kIpv6));
    EXPECT_EQ(connect(kVip4, 81).error, ECONNREFUSED);
    EXPECT_EQ(counted(), (Outcomes{.translated = 2, .refused_empty = 1}));
  }
}

TEST_F(ConnectTest, AnEmptyServiceIsRefusedOrPassedAsItsTableSays) {
  open();
  compile::PortTable refuse = backends_table(80, Family::kIpv4, {});
  compile::PortTable pass = backends_table(81, Family::kIpv4, {});
  pass.on_empty = policy::OnEmpty::kPass;
  apply({service_table("ns/a", {kVip4}, {refuse, pass})});
  const ConnectResult refused = connect(kVip4, 80);
  EXPECT_EQ(refused.error, ECONNREFUSED);
  EXPECT_EQ(refused.stage, Stage::kConnect);
  EXPECT_EQ(counted(), Outcomes{.refused_empty = 1});
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
  EXPECT_EQ(connect(kVip4, 81).answer, kDecoy);
  EXPECT_EQ(counted(), Outcomes{.passed_empty = 1});
  EXPECT_EQ(connect(kMappedVip, 80).error, ECONNREFUSED);
  EXPECT_EQ(counted(), Outcomes{.refused_empty = 1});
}

TEST_F(ConnectTest, SlotsWithoutLoadAreNotChosen) {
  open();
  compile::PortTable table = port_table(
      80, Family::kIpv4,
      {{.address = kBackend4, .port = 5001}, {.address = kBackend4, .port = 5002, .tier = 1}});
  apply({service_table("ns/a", {kVip4}, {table})});
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(connect(kVip4).answer, answer_of(0, Family::kIpv4));
  }
}

TEST_F(ConnectTest, PassthroughIsNeverRewritten) {
  open();
  compile::PortTable table = backends_table(80, Family::kIpv4, {1});
  table.mode = policy::Mode::kPassthrough;
  apply({service_table("ns/a", {kVip4}, {table})});
  EXPECT_EQ(connect(kVip4).answer, kDecoy);
  EXPECT_EQ(counted(), Outcomes{.passed_passthrough = 1});
}

TEST_F(ConnectTest, AServiceLeftToItsWaypointIsCountedAsSuch) {
  open();
  compile::PortTable table = port_table(80, Family::kIpv4, {});
  table.mode = policy::Mode::kPassthrough;
  table.pass = policy::Pass::kWaypoint;
  apply({service_table("ns/a", {kVip4}, {table})});
  EXPECT_EQ(connect(kVip4).answer, kDecoy);
  EXPECT_EQ(counted(), Outcomes{.passed_waypoint = 1});
}

TEST_F(ConnectTest, AnUnknownPortIsNotAnUnknownAddress) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {1})});
  settle();
  EXPECT_EQ(connect(kVip4, 81).answer, kDecoy);
  EXPECT_EQ(connect(kVip6, 81).answer, kDecoy);
  EXPECT_EQ(counted(), Outcomes{.unknown_port_passed = 2});
  EXPECT_EQ(connect("10.96.0.11", 80).answer, kDecoy);
  EXPECT_EQ(connect("fd00:10:96::11", 80).answer, kDecoy);
  EXPECT_EQ(counted(), Outcomes{.not_a_service = 2});
  dataplane_.reset();
  dataplane::KernelOptions refusing = options();
  refusing.unknown_port = dataplane::UnknownPort::kRefuse;
  open(refusing);
  EXPECT_EQ(connect(kVip4, 81).error, ECONNREFUSED);
  EXPECT_EQ(connect(kVip6, 81).error, ECONNREFUSED);
  EXPECT_EQ(counted(), Outcomes{.unknown_port_refused = 2});
}

TEST_F(ConnectTest, WeightsDecideTheShares) {
  open();
  compile::PortTable table = port_table(80, Family::kIpv4,
                                        {{.address = kBackend4, .port = 5001, .weight = 3},
                                         {.address = kBackend4, .port = 5002, .weight = 1}});
  apply({service_table("ns/a", {kVip4}, {table})});
  auto agent = world_->pod("client").agent();
  VICINITY_ASSERT_OK(agent);
  auto tally = (*agent)->connect_many({.targets = {{kVip4, 80}}, .limit = 2000});
  VICINITY_ASSERT_OK(tally);
  // 5 standard deviations of a share of 3/4 in 2000.
  EXPECT_NEAR(static_cast<double>(tally->by_answer[answer_of(0, Family::kIpv4)]), 1500, 5 * 19.4);
  EXPECT_EQ(
      tally->by_answer[answer_of(0, Family::kIpv4)] + tally->by_answer[answer_of(1, Family::kIpv4)],
      2000u);
}

TEST_F(ConnectTest, ChoicesAreCountedByServiceAndTier) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {0}),
         backends_service("ns/b", {"10.96.0.20"}, {1})});
  // The first use asks for a row; from then on every choice is counted.
  EXPECT_EQ(connect(kVip4).error, 0);
  ASSERT_TRUE(wait_until(
      [&] {
        maintain_for(std::chrono::milliseconds(20));
        return !dataplane_->tier_counts().empty();
      },
      std::chrono::seconds(10)));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(connect(kVip4).error, 0);
  EXPECT_EQ(connect(kVip6).error, 0);
  using dataplane::TierCounts;
  EXPECT_THAT(dataplane_->tier_counts(),
              ::testing::ElementsAre(TierCounts{.service = "ns/a", .by_tier = {6}}));
  // The row survives another table and another daemon.
  apply({backends_service("ns/a", {kVip4, kVip6}, {2})});
  EXPECT_EQ(connect(kVip4).error, 0);
  dataplane_.reset();
  open();
  EXPECT_EQ(connect(kVip4).error, 0);
  EXPECT_THAT(dataplane_->tier_counts(),
              ::testing::ElementsAre(TierCounts{.service = "ns/a", .by_tier = {8}}));
  apply({}, {"ns/a"});
  EXPECT_TRUE(dataplane_->tier_counts().empty());
  settle();
  EXPECT_EQ(dataplane_->status().counter_rows.used, 0u);
}

TEST_F(ConnectTest, RefusalsAreCountedByService) {
  dataplane::KernelOptions refusing = options();
  refusing.unknown_port = dataplane::UnknownPort::kRefuse;
  refusing.max_services = 1;
  open(refusing);
  apply({backends_service("ns/empty", {kVip4, kVip6}, {}),
         backends_service("ns/other", {"10.96.0.20", "fd00:10:96::20"}, {0})});
  // As with choices, the first one of a service asks for its row.
  const auto wait_for_rows = [&](size_t rows) {
    EXPECT_TRUE(wait_until(
        [&] {
          maintain_for(std::chrono::milliseconds(20));
          return dataplane_->tier_counts().size() == rows;
        },
        std::chrono::seconds(10)));
  };
  EXPECT_EQ(connect(kVip4).error, ECONNREFUSED);
  wait_for_rows(1);
  EXPECT_EQ(connect("10.96.0.20", 81).error, ECONNREFUSED);
  wait_for_rows(2);
  for (const char* vip : {kVip4, kVip6, kMappedVip}) EXPECT_EQ(connect(vip).error, ECONNREFUSED);
  EXPECT_EQ(connect("fd00:10:96::20", 81).error, ECONNREFUSED);
  EXPECT_EQ(connect("10.96.0.20").error, 0);
  using dataplane::TierCounts;
  const auto are = [](uint64_t empty, uint64_t other) {
    return ::testing::ElementsAre(
        TierCounts{.service = "ns/empty", .by_tier = {}, .refused = empty},
        TierCounts{.service = "ns/other", .by_tier = {1}, .refused = other});
  };
  EXPECT_THAT(dataplane_->tier_counts(), are(3, 1));
  // Another table, and another daemon.
  apply({backends_service("ns/empty", {kVip4}, {})});
  EXPECT_EQ(connect(kVip4).error, ECONNREFUSED);
  dataplane_.reset();
  open(refusing);
  EXPECT_EQ(connect(kVip4).error, ECONNREFUSED);
  EXPECT_THAT(dataplane_->tier_counts(), are(5, 1));
  // Larger maps.
  const uint32_t generation = dataplane_->status().generation;
  std::vector<compile::ServiceTable> many;
  for (int i = 1; i <= 200; ++i) {
    many.push_back(
        backends_service("ns/many-" + std::to_string(i), {"10.96.1." + std::to_string(i)}, {0}));
  }
  apply(std::move(many));
  ASSERT_GT(dataplane_->status().generation, generation);
  EXPECT_EQ(connect(kVip4).error, ECONNREFUSED);
  EXPECT_THAT(dataplane_->tier_counts(), are(6, 1));
  // Whoever gets the row next begins at 0.
  apply({}, {"ns/empty", "ns/other"});
  settle();
  apply({backends_service("ns/next", {kVip4}, {})});
  EXPECT_EQ(connect(kVip4).error, ECONNREFUSED);
  wait_for_rows(1);
  EXPECT_EQ(dataplane_->tier_counts().front().refused, 0u);
}

TEST_F(ConnectTest, WithoutCountersNothingIsCounted) {
  dataplane::KernelOptions quiet = options();
  quiet.counting = dataplane::Counting::kOff;
  open(quiet);
  apply({backends_service("ns/a", {kVip4}, {0})});
  EXPECT_EQ(connect(kVip4).answer, answer_of(0, Family::kIpv4));
  EXPECT_EQ(counted(), Outcomes{});
}

TEST_F(ConnectTest, TheLeaseRunsOutAndTrafficPasses) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {0})});
  dataplane_->renew_lease(absl::Minutes(1));
  EXPECT_EQ(connect(kVip4).answer, answer_of(0, Family::kIpv4));
  dataplane_->renew_lease(absl::Milliseconds(100));
  EXPECT_TRUE(
      wait_until([&] { return connect(kVip4).answer == kDecoy; }, std::chrono::seconds(10)));
  EXPECT_EQ(connect(kVip6).answer, kDecoy);
  EXPECT_GE(dataplane_->outcomes().lease_expired, 2u);
  dataplane_->renew_lease(absl::ZeroDuration());
  EXPECT_EQ(connect(kVip4).answer, answer_of(0, Family::kIpv4));
  EXPECT_EQ(connect(kVip6).answer, answer_of(0, Family::kIpv6));
}

TEST_F(ConnectTest, TheOwnProcessIsNeverTranslated) {
  auto publisher = world_->pod("client").spawn(
      {.argv = {program_path("vic_test_publisher"), options().cgroup, pin_dir(), "own-socket"}});
  VICINITY_ASSERT_OK(publisher);
  VICINITY_ASSERT_OK(
      publisher->wait_for_line("own socket reached decoy", std::chrono::seconds(20)));
  VICINITY_ASSERT_OK(
      publisher->wait_for_line("child reached 10.244.1.11", std::chrono::seconds(20)));
  VICINITY_ASSERT_OK(publisher->wait(std::chrono::seconds(10)));
}

}  // namespace
}  // namespace vicinity::testing
