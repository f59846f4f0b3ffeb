// Who a client is to ring hash, Maglev and session affinity when its sockets are not bound: its
// pod's address where that is known, for TCP and UDP, in both families.
#include <xxhash.h>

#include <algorithm>
#include <map>

#include "compile/choices.h"
#include "compile/maglev.h"
#include "compile/ring.h"
#include "contract/plan_table.h"
#include "kernel/netns_cookie.h"
#include "kernel/socket_fixture.h"
#include "vicinity/layout.h"

namespace vicinity::testing {
namespace {

using dataplane::Pod;
using model::Family;
using policy::Algorithm;
using policy::AlgorithmSpec;

struct FamilyRow {
  Family family;
  const char* vip;
  const char* backend;
  const char* kind;  // of a UDP socket, as scripts name it
  const char* to;
};
constexpr FamilyRow kFamilies[] = {{Family::kIpv4, kVip4, kBackend4, "udp4", kTo4},
                                   {Family::kIpv6, kVip6, kBackend6, "udp6", kTo6}};

// Not the client's own: what counts is what the map says.
const std::vector<std::string> kPods4 = {"10.244.1.9", "10.244.200.113", "192.0.2.1", "10.1.1.1"};
const std::vector<std::string> kPods6 = {"fd00:10:244:1::9", "2001:db8::1:0:0:1",
                                         "fd00::", "2001:db8:1111:2222:3333:4444:5555:6666"};

constexpr uint32_t kMaglevSize = 65537;

uint64_t hash_of(const std::string& address) { return XXH64(address.data(), address.size(), 0); }

class ClientTest : public SocketTest {
 protected:
  void SetUp() override {
    SocketTest::SetUp();
    if (HasFatalFailure()) return;
    cookie_ = netns_cookie(world_->pod("client").netns());
  }

  void publish(const AlgorithmSpec& spec, uint16_t count = kBackends) {
    std::vector<compile::PortTable> tables;
    for (const FamilyRow& row : kFamilies) {
      PlannedTier tier;
      for (uint16_t i = 0; i < count; ++i) {
        tier.endpoints.push_back(
            {.address = row.backend, .port = static_cast<uint16_t>(kFirstPort + i)});
      }
      tables.push_back(planned_table(spec, {tier}, row.family));
    }
    apply({service_table("ns/a", {kVip4, kVip6}, tables)});
    tables_ = std::move(tables);
  }
  void set_pod(const Pod& pod) { VICINITY_ASSERT_OK(dataplane_->set_pods({{cookie_, pod}})); }

  // Where Envoy's table for the same hosts sends that hash.
  std::string expected(const FamilyRow& row, uint64_t hash) const {
    const compile::PortTable& table = tables_.at(row.family == Family::kIpv4 ? 0 : 1);
    const auto hosts = compile::hash_hosts(table.slots);
    size_t host = 0;
    if (table.algorithm.kind == Algorithm::kMaglev) {
      host = compile::maglev_table(hosts, kMaglevSize)[hash % kMaglevSize];
    } else {
      const auto ring = compile::hash_ring(hosts, {});
      const auto entry = std::ranges::lower_bound(ring, hash, {}, &compile::RingEntry::hash);
      host = (entry == ring.end() ? ring.front() : *entry).host;
    }
    return model::endpoint_text(table.slots.at(host).address, table.slots.at(host).port);
  }
  std::string udp_answer(const FamilyRow& row) {
    SocketScript socket = script();
    play(socket, {{std::string("open ") + row.kind, "ok"},
                  {std::string("connect ") + row.to, "ok"},
                  {"send", "ok"}});
    return socket.say("recv");
  }
  // Of a socket that is not connected.
  std::string sendto_answer(const FamilyRow& row) {
    SocketScript socket = script();
    play(socket,
         {{std::string("open ") + row.kind, "ok"}, {std::string("sendto ") + row.to, "ok"}});
    return socket.say("recv");
  }
  void expect_all(const FamilyRow& row, uint64_t hash) {
    EXPECT_EQ(connect(row.vip).answer, expected(row, hash)) << "TCP";
    EXPECT_EQ(udp_answer(row), expected(row, hash)) << "UDP";
    EXPECT_EQ(sendto_answer(row), expected(row, hash)) << "UDP, not connected";
  }

  uint64_t cookie_ = 0;
  std::vector<compile::PortTable> tables_;
};

TEST_F(ClientTest, APodIsHashedByItsAddressThoughItsSocketsAreNotBound) {
  open();
  for (const Algorithm kind : {Algorithm::kMaglev, Algorithm::kRingHash}) {
    publish({.kind = kind});
    for (size_t i = 0; i < kPods4.size(); ++i) {
      SCOPED_TRACE(kPods4[i]);
      set_pod({.ipv4 = model::IpAddress::parse(kPods4[i]).value(),
               .ipv6 = model::IpAddress::parse(kPods6[i]).value()});
      expect_all(kFamilies[0], hash_of(kPods4[i]));
      expect_all(kFamilies[1], hash_of(kPods6[i]));
    }
  }
  EXPECT_EQ(dataplane_->outcomes().internal_error, 0u);
}

TEST_F(ClientTest, WithoutAnAddressOfTheFamilyItsNamespaceStandsForIt) {
  open();
  publish({.kind = Algorithm::kMaglev});
  const __u64 cookie = cookie_;
  const uint64_t by_namespace = vic_hash(&cookie, 1);
  set_pod({.ipv6 = model::IpAddress::parse(kPods6[0]).value()});
  expect_all(kFamilies[0], by_namespace);
  set_pod({.ipv4 = model::IpAddress::parse(kPods4[0]).value()});
  expect_all(kFamilies[1], by_namespace);
}

TEST_F(ClientTest, UdpSocketsOfAClientKeepItsEndpointToo) {
  open();
  for (const Algorithm kind : {Algorithm::kRandom, Algorithm::kRoundRobin, Algorithm::kLeastRequest,
                               Algorithm::kRingHash}) {
    publish({.kind = kind, .affinity_timeout_s = 60});
    for (const FamilyRow& row : kFamilies) {
      const std::string first = udp_answer(row);
      for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(udp_answer(row), first) << policy::algorithm_name(kind);
        EXPECT_EQ(sendto_answer(row), first) << policy::algorithm_name(kind);
      }
      EXPECT_EQ(connect(row.vip).answer, first) << "TCP, " << policy::algorithm_name(kind);
    }
    apply({}, {"ns/a"});
    settle();
  }
  EXPECT_EQ(dataplane_->outcomes().internal_error, 0u);
}

// Which is known only for TCP: a UDP socket does not say when it is done.
TEST_F(ClientTest, LeastRequestCountsNoDatagrams) {
  open();
  publish({.kind = Algorithm::kLeastRequest}, 4);
  SocketScript socket = script();
  play(socket, {{"open udp4", "ok"}, {std::string("connect ") + kTo4, "ok"}});
  std::map<std::string, int> counts;
  for (int i = 0; i < 60; ++i) ++counts[udp_answer(kFamilies[0])];
  EXPECT_EQ(counts.size(), 4u);
  EXPECT_EQ(dataplane_->status().active_connections, 0u);
}

}  // namespace
}  // namespace vicinity::testing
