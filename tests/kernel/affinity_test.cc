// Session affinity by real connections: a client keeps its endpoint, for as long as it should.
#include <bpf/bpf.h>
#include <vicinity/abi.h>

#include <chrono>
#include <map>

#include "contract/plan_table.h"
#include "kernel/dataplane_fixture.h"

namespace vicinity::testing {
namespace {

using model::Family;
using policy::Algorithm;
using policy::AlgorithmSpec;

class AffinityTest : public KernelDataplaneTest {
 protected:
  void publish(const AlgorithmSpec& spec, uint16_t first, uint16_t count) {
    std::vector<compile::PortTable> tables;
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      PlannedTier tier;
      for (uint16_t i = 0; i < count; ++i) {
        tier.endpoints.push_back({.address = family == Family::kIpv4 ? kBackend4 : kBackend6,
                                  .port = static_cast<uint16_t>(kFirstPort + first + i)});
      }
      tables.push_back(planned_table(spec, {tier}, family));
    }
    apply({service_table("ns/a", {kVip4, kVip6}, tables)});
  }

  std::map<std::string, uint64_t> answers(const std::string& vip, uint64_t connects) {
    auto agent = world_->pod("client").agent();
    EXPECT_TRUE(agent.ok()) << agent.status();
    auto tally = (*agent)->connect_many({.targets = {{vip, 80}}, .workers = 1, .limit = connects});
    EXPECT_TRUE(tally.ok()) << tally.status();
    EXPECT_EQ(tally->failed(), 0u);
    return tally->by_answer;
  }
};

TEST_F(AffinityTest, AClientKeepsItsEndpointWithEveryAlgorithm) {
  open();
  for (const Algorithm kind :
       {Algorithm::kRandom, Algorithm::kRoundRobin, Algorithm::kLeastRequest, Algorithm::kMaglev}) {
    publish({.kind = kind, .affinity_timeout_s = 60}, 0, kBackends);
    for (const char* vip : {kVip4, kVip6}) {
      const auto first = answers(vip, 30);
      ASSERT_EQ(first.size(), 1u) << policy::algorithm_name(kind);
      // Its place in the table changes, it does not.
      const bool is_first = first.contains(answer_of(0, Family::kIpv4)) ||
                            first.contains(answer_of(0, Family::kIpv6));
      publish({.kind = kind, .affinity_timeout_s = 60}, is_first ? 0 : 1, kBackends - 1);
      EXPECT_EQ(answers(vip, 30), first) << policy::algorithm_name(kind);
      publish({.kind = kind, .affinity_timeout_s = 60}, 0, kBackends);
      EXPECT_EQ(answers(vip, 30), first) << policy::algorithm_name(kind);
    }
    apply({}, {"ns/a"});
    settle();
  }
  EXPECT_EQ(dataplane_->outcomes().internal_error, 0u);
}

TEST_F(AffinityTest, AnEndpointThatIsGoneIsReplacedByAnother) {
  open();
  publish({.affinity_timeout_s = 60}, 0, 8);
  const auto before = answers(kVip4, 20);
  publish({.affinity_timeout_s = 60}, 8, 8);
  const auto after = answers(kVip4, 20);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_NE(after.begin()->first, before.begin()->first);
  // The old one is not remembered beside the new.
  publish({.affinity_timeout_s = 60}, 0, kBackends);
  EXPECT_EQ(answers(kVip4, 20), after);
}

TEST_F(AffinityTest, ClientsAreRememberedOverARestart) {
  open();
  publish({.affinity_timeout_s = 60}, 0, kBackends);
  const auto before = answers(kVip4, 5);
  dataplane_.reset();
  open();
  EXPECT_EQ(answers(kVip4, 5), before);
}

// A tick of the clock comes between one CPU's reading of it and another CPU's connect.
TEST_F(AffinityTest, AConnectOfALaterTickIsNoTimeout) {
  open();
  publish({.affinity_timeout_s = 60}, 0, kBackends);
  const auto first = answers(kVip4, 1);
  const dataplane::Pins pins(pin_dir(), dataplane::abi_version());
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto maps, dataplane::Pins::open(pins.generations().back()));
  const int map = maps.at("vic_affinities").get();
  vic_affinity_key key = {};
  ASSERT_EQ(bpf_map_get_next_key(map, nullptr, &key), 0);
  for (int round = 0; round < 20; ++round) {
    vic_affinity kept = {};
    ASSERT_EQ(bpf_map_lookup_elem(map, &key, &kept), 0);
    kept.used_at += 1'000'000'000;
    ASSERT_EQ(bpf_map_update_elem(map, &key, &kept, BPF_EXIST), 0);
    EXPECT_EQ(answers(kVip4, 1), first) << "round " << round;
  }
}

TEST_F(AffinityTest, EveryConnectBeginsTheTimeoutAnewAndItRunsOut) {
  open();
  publish({.affinity_timeout_s = 1}, 0, kBackends);
  // Two seconds of connects, each well within the timeout of the one before.
  const std::int64_t until = monotonic_ns() + 2'000'000'000;
  const std::string kept = connect(kVip4).answer;
  while (monotonic_ns() < until) ASSERT_EQ(connect(kVip4).answer, kept);
  // Time itself is what is waited for. Then the choice is free: 15 of 16 find another.
  const auto chosen_anew = [&] {
    pause_for(std::chrono::milliseconds(1100));
    return connect(kVip4).answer != kept;
  };
  EXPECT_TRUE(wait_until(chosen_anew, std::chrono::seconds(20)));
}

}  // namespace
}  // namespace vicinity::testing
