// Sockets are treated as the map of pods says of their network namespace, and as the node's tables
// say when it says nothing; address ranges, for everyone and for one namespace.
#include <cstdint>
#include <utility>

#include "kernel/dataplane_fixture.h"
#include "kernel/netns_cookie.h"

namespace vicinity::testing {
namespace {

using dataplane::Outcomes;
using dataplane::Pod;
using dataplane::Pods;
using model::Family;

constexpr const char* kDecoy = "decoy";

class PodsTest : public KernelDataplaneTest {
 protected:
  void SetUp() override {
    KernelDataplaneTest::SetUp();
    if (HasFatalFailure()) return;
    client_ = netns_cookie(world_->pod("client").netns());
    ASSERT_NE(client_, 0u);
  }
  void set_client(const Pod& pod) { VICINITY_ASSERT_OK(dataplane_->set_pods({{client_, pod}})); }

  uint64_t client_ = 0;
};

TEST_F(PodsTest, AnUnknownNamespaceFollowsTheNodesTables) {
  open();
  apply({backends_service("ns/a", {kVip4}, {0})});
  VICINITY_ASSERT_OK(dataplane_->set_pods({{client_ + 1, {.opted_out = true}}}));
  EXPECT_EQ(connect(kVip4).answer, answer_of(0, Family::kIpv4));
  EXPECT_EQ(dataplane_->outcomes().translated, 1u);
}

struct LeftAloneRow {
  const char* what;
  Pod pod;
  uint64_t Outcomes::* counted;
};

TEST_F(PodsTest, OptedOutAndCapturedPodsAreLeftAloneAndCounted) {
  const LeftAloneRow rows[] = {
      {"opted out", {.opted_out = true}, &Outcomes::opted_out},
      {"captured", {.captured = true}, &Outcomes::captured},
      {"both", {.opted_out = true, .captured = true}, &Outcomes::opted_out},
  };
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {0})});
  for (const LeftAloneRow& row : rows) {
    SCOPED_TRACE(row.what);
    const uint64_t before = dataplane_->outcomes().*row.counted;
    const uint64_t others = dataplane_->outcomes().not_a_service;
    set_client(row.pod);
    EXPECT_EQ(connect(kVip4).answer, kDecoy);
    EXPECT_EQ(connect(kVip6).answer, kDecoy);
    EXPECT_EQ(connect(kMappedVip).answer, kDecoy);
    EXPECT_EQ(dataplane_->outcomes().*row.counted, before + 3);
    EXPECT_EQ(connect("10.96.0.99").answer, kDecoy);
    EXPECT_EQ(dataplane_->outcomes().not_a_service, others + 1);
    set_client({});
    EXPECT_EQ(connect(kVip4).answer, answer_of(0, Family::kIpv4));
  }
}

TEST_F(PodsTest, OtherPodsAreNotConcerned) {
  open();
  apply({backends_service("ns/a", {kVip4}, {0})});
  set_client({.opted_out = true});
  auto result = world_->pod("backends").connect({.address = kVip4, .port = 80});
  VICINITY_ASSERT_OK(result);
  EXPECT_EQ(result->answer, answer_of(0, Family::kIpv4));
}

TEST_F(PodsTest, ARestartKeepsThemUntilTheyAreLearnedAgain) {
  open();
  apply({backends_service("ns/a", {kVip4}, {0})});
  set_client({.opted_out = true});
  dataplane_.reset();
  open();
  EXPECT_EQ(connect(kVip4).answer, kDecoy);
  VICINITY_ASSERT_OK(dataplane_->set_pods({}));
  EXPECT_EQ(connect(kVip4).answer, answer_of(0, Family::kIpv4));
}

TEST_F(PodsTest, AGrownGenerationKnowsThem) {
  dataplane::KernelOptions small = options();
  small.max_services = 1;
  open(small);
  apply({backends_service("ns/a", {kVip4}, {0})});
  set_client({.opted_out = true});
  std::vector<compile::ServiceTable> many;
  for (int i = 0; i < 200; ++i) {
    many.push_back(backends_service("ns/many-" + std::to_string(i),
                                    {"10.96.1." + std::to_string(i + 1)}, {0}));
  }
  apply(std::move(many));
  ASSERT_GT(dataplane_->status().generation, 1u);
  EXPECT_EQ(connect(kVip4).answer, kDecoy);
  EXPECT_EQ(dataplane_->outcomes().opted_out, 1u);
}

TEST_F(PodsTest, MorePodsThanThereIsRoomForAreAnErrorThatSparesTheOthers) {
  open();
  apply({backends_service("ns/a", {kVip4}, {0})});
  Pods pods = {{client_, {.opted_out = true}}};
  for (uint64_t i = 0; i < 5000; ++i) pods.emplace(client_ + 1 + i, Pod{});
  EXPECT_FALSE(dataplane_->set_pods(pods).ok());
  EXPECT_EQ(connect(kVip4).answer, kDecoy);
  set_client({.opted_out = true});
}

TEST_F(PodsTest, TheHostsNamespaceIsLeftAloneWhenSaidSo) {
  dataplane::KernelOptions leaving = options();
  leaving.host_netns = client_;
  open(leaving);
  apply({backends_service("ns/a", {kVip4, kVip6}, {0})});
  EXPECT_EQ(connect(kVip4).answer, kDecoy);
  EXPECT_EQ(connect(kVip6).answer, kDecoy);
  EXPECT_EQ(dataplane_->outcomes().host_network, 2u);
  auto other = world_->pod("backends").connect({.address = kVip4, .port = 80});
  VICINITY_ASSERT_OK(other);
  EXPECT_EQ(other->answer, answer_of(0, Family::kIpv4));
}

compile::ServiceTable scoped(std::string name, const std::vector<std::string>& prefixes,
                             model::Audience audience, uint16_t backend) {
  compile::ServiceTable table = {.name = std::move(name), .addresses = {}, .ports = {}};
  for (const std::string& prefix : prefixes) {
    const size_t slash = prefix.find('/');
    const model::IpAddress address = ip(prefix.substr(0, slash));
    const auto length = slash == std::string::npos
                            ? model::family_bits(address.family)
                            : static_cast<uint8_t>(std::stoi(prefix.substr(slash + 1)));
    table.scoped.push_back({address, length, audience});
  }
  std::ranges::sort(table.scoped);
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    if (table.has_family(family)) table.ports.push_back(backends_table(80, family, {backend}));
  }
  return table;
}

TEST_F(PodsTest, ANamespaceSeesItsOwnServiceAtASharedAddress) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {0}),
         scoped("other/b", {kVip4, kVip6}, model::Audience::kOwnNamespace, 1)});
  EXPECT_EQ(connect(kVip4).answer, answer_of(0, Family::kIpv4));
  set_client({.name_space = "other"});
  EXPECT_EQ(connect(kVip4).answer, answer_of(1, Family::kIpv4));
  EXPECT_EQ(connect(kVip6).answer, answer_of(1, Family::kIpv6));
  // A port that its own service lacks is unknown, also when the others' service has it.
  EXPECT_EQ(connect(kVip4, 81).answer, kDecoy);
  EXPECT_EQ(dataplane_->outcomes().unknown_port_passed, 1u);
  set_client({.name_space = "third"});
  EXPECT_EQ(connect(kVip4).answer, answer_of(0, Family::kIpv4));
  settle();
}

TEST_F(PodsTest, AServiceOfOneNamespaceIsNoneForTheOthers) {
  open();
  apply({scoped("other/b", {kVip4}, model::Audience::kOwnNamespace, 1)});
  EXPECT_EQ(connect(kVip4).answer, kDecoy);
  EXPECT_EQ(dataplane_->outcomes().not_a_service, 1u);
  // Known before the service was, and a namespace gets its number with its first service.
  set_client({.name_space = "late"});
  EXPECT_EQ(connect(kVip4).answer, kDecoy);
  apply({scoped("late/c", {kVip4}, model::Audience::kOwnNamespace, 2)});
  EXPECT_EQ(connect(kVip4).answer, answer_of(2, Family::kIpv4));
  apply({}, {"late/c"});
  EXPECT_EQ(connect(kVip4).answer, kDecoy);
}

TEST_F(PodsTest, NamespacesKeepTheirNumbersOverARestartAndGrowth) {
  dataplane::KernelOptions small = options();
  small.max_services = 1;
  open(small);
  apply({scoped("first/a", {kVip4}, model::Audience::kOwnNamespace, 1),
         scoped("second/b", {kVip4}, model::Audience::kOwnNamespace, 2)});
  set_client({.name_space = "second"});
  apply({}, {"first/a"});
  dataplane_.reset();
  open(small);
  EXPECT_EQ(connect(kVip4).answer, answer_of(2, Family::kIpv4));
  std::vector<compile::ServiceTable> many;
  for (int i = 0; i < 200; ++i) {
    many.push_back(
        scoped("n" + std::to_string(i) + "/x", {kVip4}, model::Audience::kOwnNamespace, 3));
  }
  apply(std::move(many));
  ASSERT_GT(dataplane_->status().generation, 1u);
  EXPECT_EQ(connect(kVip4).answer, answer_of(2, Family::kIpv4));
}

TEST_F(PodsTest, TheLongestRangeServesAfterTheAddress) {
  open();
  apply(
      {scoped("ns/wide", {"10.96.0.0/16", "fd00:10:96::/48"}, model::Audience::kEveryone, 0),
       scoped("ns/narrow", {"10.96.7.0/24", "fd00:10:96:0:7::/80"}, model::Audience::kEveryone, 1),
       backends_service("ns/host", {"10.96.7.7", "fd00:10:96:0:7::7"}, {2})});
  const std::string wide = answer_of(0, Family::kIpv4);
  const std::string narrow = answer_of(1, Family::kIpv4);
  EXPECT_EQ(connect("10.96.1.1").answer, wide);
  EXPECT_EQ(connect("10.96.7.1").answer, narrow);
  EXPECT_EQ(connect("10.96.7.7").answer, answer_of(2, Family::kIpv4));
  EXPECT_EQ(connect("::ffff:10.96.7.1").error, 0);
  EXPECT_EQ(connect("fd00:10:96:1::1").answer, answer_of(0, Family::kIpv6));
  EXPECT_EQ(connect("fd00:10:96:0:7::1").answer, answer_of(1, Family::kIpv6));
  EXPECT_EQ(connect("fd00:10:96:0:7::7").answer, answer_of(2, Family::kIpv6));
  // A port of the wide range's is not looked for when the narrow one lacks it.
  EXPECT_EQ(connect("10.96.7.1", 81).answer, kDecoy);
  EXPECT_EQ(dataplane_->outcomes().unknown_port_passed, 1u);
  settle();
  EXPECT_EQ(connect("10.96.1.1").answer, wide);
  apply({}, {"ns/narrow"});
  EXPECT_EQ(connect("10.96.7.1").answer, wide);
  EXPECT_EQ(connect("fd00:10:96:0:7::1").answer, answer_of(0, Family::kIpv6));
  apply({}, {"ns/wide"});
  EXPECT_EQ(connect("10.96.1.1").answer, kDecoy);
  EXPECT_EQ(connect("10.96.7.7").answer, answer_of(2, Family::kIpv4));
  settle();
  EXPECT_EQ(dataplane_->status().frontends4.used, 2u);
}

TEST_F(PodsTest, RangesOutliveTheDaemonAndAGrowth) {
  dataplane::KernelOptions small = options();
  small.max_services = 1;
  open(small);
  apply({scoped("ns/wide", {"10.96.0.0/16"}, model::Audience::kEveryone, 0)});
  const compile::Tables before = dataplane_->read_all();
  dataplane_.reset();
  EXPECT_EQ(connect("10.96.1.1").answer, answer_of(0, Family::kIpv4));
  open(small);
  EXPECT_EQ(dataplane_->read_all(), before);
  std::vector<compile::ServiceTable> many;
  for (int i = 0; i < 200; ++i) {
    many.push_back(scoped("ns/many-" + std::to_string(i),
                          {"10.96." + std::to_string(i + 2) + ".0/24"}, model::Audience::kEveryone,
                          1));
  }
  apply(std::move(many));
  ASSERT_GT(dataplane_->status().generation, 1u);
  EXPECT_EQ(connect("10.96.1.1").answer, answer_of(0, Family::kIpv4));
  EXPECT_EQ(connect("10.96.9.1").answer, answer_of(1, Family::kIpv4));
}

TEST_F(PodsTest, ARangeChangesHands) {
  open();
  apply({scoped("ns/a", {"10.96.0.0/16"}, model::Audience::kEveryone, 0)});
  apply({scoped("ns/b", {"10.96.0.0/16"}, model::Audience::kEveryone, 1)}, {"ns/a"});
  EXPECT_EQ(connect("10.96.1.1").answer, answer_of(1, Family::kIpv4));
  settle();
  EXPECT_EQ(connect("10.96.1.1").answer, answer_of(1, Family::kIpv4));
  // Away and back again before the grace period has passed.
  apply({}, {"ns/b"});
  apply({scoped("ns/b", {"10.96.0.0/16"}, model::Audience::kEveryone, 2)});
  settle();
  EXPECT_EQ(connect("10.96.1.1").answer, answer_of(2, Family::kIpv4));
}

TEST_F(PodsTest, TheClientsNamespaceComesFirstInRangesToo) {
  open();
  apply({scoped("ns/narrow", {"10.96.7.0/24"}, model::Audience::kEveryone, 0),
         scoped("other/wide", {"10.96.0.0/16"}, model::Audience::kOwnNamespace, 1)});
  EXPECT_EQ(connect("10.96.7.1").answer, answer_of(0, Family::kIpv4));
  EXPECT_EQ(connect("10.96.8.1").answer, kDecoy);
  set_client({.name_space = "other"});
  EXPECT_EQ(connect("10.96.7.1").answer, answer_of(1, Family::kIpv4));
  EXPECT_EQ(connect("10.96.8.1").answer, answer_of(1, Family::kIpv4));
}

TEST_F(PodsTest, AServiceOfARangeIsCounted) {
  open();
  apply({scoped("other/wide", {"10.96.0.0/16"}, model::Audience::kOwnNamespace, 1)});
  set_client({.name_space = "other"});
  EXPECT_EQ(connect("10.96.8.1").error, 0);
  EXPECT_TRUE(wait_until(
      [&] {
        maintain_for(std::chrono::milliseconds(20));
        return !dataplane_->tier_counts().empty();
      },
      std::chrono::seconds(10)));
}

}  // namespace
}  // namespace vicinity::testing
