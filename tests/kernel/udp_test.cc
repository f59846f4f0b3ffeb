// UDP: where datagrams go, whom their replies come from, how long a socket keeps its endpoint, and
// what is left of it.
#include <bpf/bpf.h>
#include <vicinity/abi.h>

#include <cerrno>
#include <filesystem>
#include <numeric>

#include "base/unique_fd.h"
#include "kernel/socket_fixture.h"

namespace vicinity::testing {
namespace {

using dataplane::PeerNames;
using model::Family;

class UdpTest : public SocketTest {
 protected:
  void retire_all_of(const std::string& vip) {
    for (const dataplane::Origin& origin : origins()) {
      if (origin.service.address != ip(vip)) continue;
      VICINITY_EXPECT_OK(dataplane_->sockets()->retire(origin));
    }
  }
};

// Of backend 3.
constexpr char kAnswer4[] = "10.244.1.11:5004";
constexpr char kAnswer6[] = "[fd00:10:244:1::11]:5004";

struct SocketRow {
  std::string kind;
  std::string to;
  std::string answer;
};
const std::vector<SocketRow> kRows = {
    {"udp4", kTo4, kAnswer4}, {"udp6", kTo6, kAnswer6}, {"udp6", kToMapped, kAnswer4}};

TEST_F(UdpTest, AConnectedSocketTalksToTheService) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {3})});
  for (const SocketRow& row : kRows) {
    SCOPED_TRACE(row.to);
    play({{"open " + row.kind, "ok"},
          {"connect " + row.to, "ok"},
          {"send", "ok"},
          {"recv", row.answer},
          {"send", "ok"},
          {"recvfrom", row.answer + " from " + row.to},
          {"peer", row.to},
          {"sendto " + row.to, "ok"},
          {"recvfrom", row.answer + " from " + row.to}});
  }
  EXPECT_EQ(world_->decoy()->arrivals().datagrams, 0u);
}

TEST_F(UdpTest, AnUnconnectedSocketTalksToTheService) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {3})});
  for (const SocketRow& row : kRows) {
    SCOPED_TRACE(row.to);
    play({{"open " + row.kind, "ok"},
          {"sendto " + row.to, "ok"},
          {"recvfrom", row.answer + " from " + row.to},
          {"peer", "ENOTCONN"},
          {"sendto " + row.to, "ok"},
          {"recv", row.answer}});
  }
  // An AF_INET address on an IPv6 socket: the reply shows the mapped form.
  play({{"open udp6", "ok"},
        {std::string("sendto ") + kTo4, "ok"},
        {"recvfrom", std::string(kAnswer4) + " from " + kToMapped}});
  EXPECT_EQ(world_->decoy()->arrivals().datagrams, 0u);
}

TEST_F(UdpTest, OneDualStackSocketUsesBothFamiliesOfAService) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {3})});
  SocketScript socket = script();
  EXPECT_EQ(socket.say("open udp6"), "ok");
  for (int round = 0; round < 3; ++round) {
    play(socket, {{std::string("sendto ") + kTo6, "ok"},
                  {"recvfrom", std::string(kAnswer6) + " from " + kTo6},
                  {std::string("sendto ") + kToMapped, "ok"},
                  {"recvfrom", std::string(kAnswer4) + " from " + kToMapped}});
  }
}

// After a mapped connect, send() runs sendmsg4 with the endpoint's address. Here that address is a
// service too.
TEST_F(UdpTest, ASendAfterAMappedConnectIsNotTranslatedAgain) {
  open();
  compile::PortTable elsewhere = backends_table(5004, Family::kIpv4, {9});
  apply({backends_service("ns/a", {kVip4}, {3}),
         service_table("ns/b", {kBackend4}, {std::move(elsewhere)})});
  play({{"open udp6", "ok"},
        {std::string("connect ") + kToMapped, "ok"},
        {"send", "ok"},
        {"recvfrom", std::string(kAnswer4) + " from " + kToMapped},
        {"peer", kToMapped}});
}

// A socket that was left alone when it connected stays so, although send() runs the hook.
TEST_F(UdpTest, ASocketConnectedBeforeItsServiceCameIsLeftAlone) {
  open();
  SocketScript socket = script();
  play(socket, {{"open udp6", "ok"}, {std::string("connect ") + kToMapped, "ok"}});
  apply({backends_service("ns/a", {kVip4}, {3})});
  play(socket, {{"send", "ok"}, {"peer", kToMapped}});
  EXPECT_TRUE(wait_until([&] { return world_->decoy()->arrivals().datagrams == 1; },
                         std::chrono::seconds(5)));
  EXPECT_TRUE(origins().empty());
}

TEST_F(UdpTest, AnEmptyServiceIsRefused) {
  open();
  apply({service_table(
      "ns/a", {kVip4, kVip6},
      {backends_table(80, Family::kIpv4, {}), backends_table(80, Family::kIpv6, {})})});
  for (const SocketRow& row : kRows) {
    SCOPED_TRACE(row.to);
    play({{"open " + row.kind, "ok"},
          {"connect " + row.to, "ECONNREFUSED"},
          {"sendto " + row.to, "ECONNREFUSED"}});
  }
  EXPECT_EQ(dataplane_->outcomes().refused_empty, 6u);
  EXPECT_EQ(world_->decoy()->arrivals().datagrams, 0u);
  EXPECT_TRUE(origins().empty());
}

TEST_F(UdpTest, WhatIsNoServiceIsLeftAloneAndNotCountedPerDatagram) {
  open();
  apply({backends_service("ns/a", {kVip4}, {3})});
  play({{"open udp4", "ok"},
        {"sendto 10.244.1.11:5001", "ok"},
        {"recvfrom", "10.244.1.11:5001 from 10.244.1.11:5001"},
        {"connect 10.244.1.11:5002", "ok"},
        {"send", "ok"},
        {"recvfrom", "10.244.1.11:5002 from 10.244.1.11:5002"}});
  EXPECT_EQ(dataplane_->outcomes(), dataplane::Outcomes{.not_a_service = 1});
  EXPECT_TRUE(origins().empty());
}

// They run the same hooks (kernel facts).
TEST_F(UdpTest, PingSocketsAreLeftAlone) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {3})});
  const auto allowed = world_->pod("client").run(
      {"sh", "-c", "echo 0 0 > /proc/sys/net/ipv4/ping_group_range"}, std::chrono::seconds(10));
  VICINITY_ASSERT_OK(allowed);
  ASSERT_EQ(allowed->exit_code, 0) << allowed->err;
  play({{"open ping4", "ok"}, {std::string("connect ") + kTo4, "ok"}, {"peer", kTo4}});
  play({{"open ping6", "ok"}, {std::string("connect ") + kTo6, "ok"}, {"peer", kTo6}});
  EXPECT_EQ(dataplane_->outcomes(), dataplane::Outcomes{});
  EXPECT_TRUE(origins().empty());
}

// Every place for a record is taken, as by sockets that exist.
void fill_origins(const std::string& pins) {
  for (const auto& pin : std::filesystem::recursive_directory_iterator(pins)) {
    if (pin.path().filename() != "vic_origins") continue;
    const base::UniqueFd map(bpf_obj_get(pin.path().c_str()));
    std::vector<uint64_t> cookies(VIC_MAX_ORIGINS);
    std::iota(cookies.begin(), cookies.end(), uint64_t{1} << 62);
    const std::vector<vic_origin> records(cookies.size());
    auto count = static_cast<uint32_t>(cookies.size());
    bpf_map_update_batch(map.get(), cookies.data(), records.data(), &count, nullptr);
    const uint64_t one_more = 1;
    EXPECT_EQ(bpf_map_update_elem(map.get(), &one_more, records.data(), BPF_ANY), -E2BIG);
    return;
  }
  ADD_FAILURE() << "no vic_origins in " << pins;
}

TEST_F(UdpTest, WithoutRoomForARecordASocketIsLeftAloneAndCounted) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {3})});
  SocketScript known = script();
  play(known, {{"open udp4", "ok"}, {std::string("sendto ") + kTo4, "ok"}, {"recv", kAnswer4}});
  fill_origins(pin_dir());
  // Who is in it keeps what it has.
  play(known, {{std::string("sendto ") + kTo4, "ok"}, {"recv", kAnswer4}});
  const uint64_t before = dataplane_->outcomes().unrecorded;
  play({{"open udp4", "ok"}, {std::string("connect ") + kTo4, "ok"}, {"peer", kTo4}});
  play({{"open udp4", "ok"}, {std::string("sendto ") + kTo4, "ok"}});
  EXPECT_EQ(dataplane_->outcomes().unrecorded, before + 2);
  EXPECT_TRUE(wait_until([&] { return world_->decoy()->arrivals().datagrams > 0; },
                         std::chrono::seconds(10)));
  // TCP has no records unless asked for.
  EXPECT_EQ(connect(kVip4).answer, answer_of(3, Family::kIpv4));
}

TEST_F(UdpTest, ASocketKeepsItsEndpointUntilThatIsGone) {
  open();
  std::vector<uint16_t> all;
  for (uint16_t i = 0; i < kBackends; ++i) all.push_back(i);
  apply({backends_service("ns/a", {kVip4}, all)});
  SocketScript socket = script();
  EXPECT_EQ(socket.say("open udp4"), "ok");
  const auto ask = [&] {
    EXPECT_EQ(socket.say(std::string("sendto ") + kTo4), "ok");
    return socket.say("recv");
  };
  const std::string first = ask();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(), first);
  // Less preferred, unhealthy: no longer in the table, and kept.
  const uint16_t other = first == answer_of(5, Family::kIpv4) ? 6 : 5;
  apply({backends_service("ns/a", {kVip4}, {other})});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(), first);
  EXPECT_EQ(socket.say(std::string("connect ") + kTo4), "ok");
  EXPECT_EQ(socket.say("send"), "ok");
  EXPECT_EQ(socket.say("recv"), first);
  EXPECT_EQ(socket.say("unspec"), "ok");
  // Gone.
  const auto records = origins();
  ASSERT_EQ(records.size(), 1u);
  VICINITY_ASSERT_OK(dataplane_->sockets()->retire(records[0]));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(), answer_of(other, Family::kIpv4));
  EXPECT_FALSE(origins().at(0).gone);
}

TEST_F(UdpTest, RetiringIsForTheEndpointThatWasSeen) {
  open();
  apply({backends_service("ns/a", {kVip4}, {3})});
  SocketScript socket = script();
  play(socket, {{"open udp4", "ok"}, {std::string("sendto ") + kTo4, "ok"}});
  dataplane::Origin stale = origins().at(0);
  stale.backend.port = 5010;
  VICINITY_ASSERT_OK(dataplane_->sockets()->retire(stale));
  EXPECT_FALSE(origins().at(0).gone);
}

// Eight services on one socket: more than a record holds.
TEST_F(UdpTest, ASocketKeepsAnEndpointPerService) {
  open();
  const auto vip = [](int i) { return "10.96.1." + std::to_string(i); };
  constexpr int kServices = kBackends / 2;
  std::vector<compile::ServiceTable> services;
  for (uint16_t i = 0; i < kServices; ++i) {
    services.push_back(
        backends_service("ns/s" + std::to_string(i), {vip(i)},
                         {static_cast<uint16_t>(2 * i), static_cast<uint16_t>(2 * i + 1)}));
  }
  apply(services);
  SocketScript socket = script();
  EXPECT_EQ(socket.say("open udp4"), "ok");
  const auto ask = [&](int i) {
    const std::string to = vip(i) + ":80";
    EXPECT_EQ(socket.say("sendto " + to), "ok");
    const std::string answer = socket.say("recvfrom");
    EXPECT_THAT(answer, ::testing::EndsWith(" from " + to));
    return answer;
  };
  std::vector<std::string> kept;
  for (int i = 0; i < kServices; ++i) kept.push_back(ask(i));
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < kServices; ++i) EXPECT_EQ(ask(i), kept[i]);
  }
  EXPECT_EQ(origins().size(), size_t{kServices});
  // Each can be gone alone. What it had stays chosen by chance, so retire until it has moved.
  const auto moves = [&](int i) {
    retire_all_of(vip(i));
    return ask(i) != kept[i];
  };
  for (int i = 0; i < kServices; ++i) {
    EXPECT_TRUE(wait_until([&] { return moves(i); }, std::chrono::seconds(10)));
    for (int other = i + 1; other < kServices; ++other) EXPECT_EQ(ask(other), kept[other]);
  }
  EXPECT_EQ(origins().size(), size_t{kServices});
  EXPECT_EQ(socket.say("close"), "ok");
  EXPECT_TRUE(origins().empty());
  EXPECT_EQ(dataplane_->sockets()->usage().used, 0u);
}

TEST_F(UdpTest, NothingIsLeftOfClosedAndKilledSockets) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {3}),
         backends_service("ns/b", {"10.96.0.11"}, {4})});
  const std::vector<Line> busy = {{"open udp4", "ok"},
                                  {std::string("sendto ") + kTo4, "ok"},
                                  {"sendto 10.96.0.11:80", "ok"},
                                  {"open udp6", "ok"},
                                  {std::string("connect ") + kTo6, "ok"}};
  SocketScript closed = script();
  play(closed, busy);
  EXPECT_EQ(origins().size(), 1u) << "of the socket that is open";
  EXPECT_EQ(closed.say("close"), "ok");
  EXPECT_TRUE(origins().empty());
  {
    SocketScript killed = script();
    play(killed, {{"open udp4", "ok"},
                  {std::string("sendto ") + kTo4, "ok"},
                  {"sendto 10.96.0.11:80", "ok"}});
    EXPECT_EQ(origins().size(), 2u);
  }
  EXPECT_TRUE(wait_until([&] { return origins().empty(); }, std::chrono::seconds(5)));
  EXPECT_EQ(dataplane_->sockets()->usage().used, 0u);
}

TEST_F(UdpTest, GetpeernameShowsWhatItIsToldTo) {
  for (const PeerNames names : {PeerNames::kOff, PeerNames::kUdp, PeerNames::kAll}) {
    dataplane_.reset();
    open_showing(names);
    apply({backends_service("ns/a", {kVip4, kVip6}, {3})});
    const bool shows = names != PeerNames::kOff;
    const std::string mapped = std::string("[::ffff:10.244.1.11]:5004");
    play({{"open udp4", "ok"},
          {std::string("connect ") + kTo4, "ok"},
          {"peer", shows ? kTo4 : kAnswer4}});
    play({{"open udp6", "ok"},
          {std::string("connect ") + kTo6, "ok"},
          {"peer", shows ? kTo6 : kAnswer6}});
    play({{"open udp6", "ok"},
          {std::string("connect ") + kToMapped, "ok"},
          {"peer", shows ? kToMapped : mapped}});
  }
}

// The record of an earlier connection must not speak for a later one.
TEST_F(UdpTest, ARecordDoesNotOutliveItsConnection) {
  open();
  apply({backends_service("ns/a", {kVip4}, {3}), backends_service("ns/b", {"10.96.0.11"}, {4})});
  SocketScript socket = script();
  play(socket, {{"open udp4", "ok"},
                {std::string("connect ") + kTo4, "ok"},
                {"peer", kTo4},
                {"unspec", "ok"},
                {"peer", "ENOTCONN"},
                // The endpoint itself, past the service.
                {std::string("connect ") + kAnswer4, "ok"},
                {"peer", kAnswer4},
                {"send", "ok"},
                {"recvfrom", std::string(kAnswer4) + " from " + kAnswer4}});
  EXPECT_TRUE(origins().empty());
  play(socket, {{"connect 10.96.0.11:80", "ok"},
                {"peer", "10.96.0.11:80"},
                {"send", "ok"},
                {"recvfrom", "10.244.1.11:5005 from 10.96.0.11:80"},
                {std::string("connect ") + kTo4, "ok"},
                {"peer", kTo4}});
  EXPECT_EQ(origins().size(), 1u);
}

// A connect() that the kernel refuses after the hook leaves the socket with its peer of before.
TEST_F(UdpTest, ARecordOfAConnectThatFailedIsNotShown) {
  open();
  apply({service_table("ns/a", {kVip4},
                       {port_table(80, Family::kIpv4, {{.address = "203.0.113.9", .port = 9}})})});
  SocketScript socket = script();
  play(socket, {{"open udp4", "ok"},
                {std::string("connect ") + kAnswer4, "ok"},
                {std::string("connect ") + kTo4, "ENETUNREACH"},
                {"peer", kAnswer4}});
  EXPECT_EQ(origins().size(), 1u) << "the hook had made its record";
}

// The services an unconnected socket had are still its own after it was connected for a while.
TEST_F(UdpTest, ConnectingDoesNotForgetTheOtherServices) {
  open();
  apply({backends_service("ns/a", {kVip4}, {3, 5, 7, 9, 11, 13}),
         backends_service("ns/b", {"10.96.0.11"}, {4})});
  SocketScript socket = script();
  play(socket, {{"open udp4", "ok"}, {std::string("sendto ") + kTo4, "ok"}});
  const std::string kept = socket.say("recv");
  play(socket, {{"connect 10.96.0.11:80", "ok"},
                {"send", "ok"},
                {"recvfrom", "10.244.1.11:5005 from 10.96.0.11:80"},
                {"unspec", "ok"},
                {std::string("sendto ") + kTo4, "ok"},
                {"recvfrom", kept + " from " + kTo4}});
}

TEST_F(UdpTest, TheLeaseEndsForKeptEndpointsToo) {
  open();
  apply({backends_service("ns/a", {kVip4}, {3})});
  SocketScript socket = script();
  play(socket, {{"open udp4", "ok"}, {std::string("sendto ") + kTo4, "ok"}, {"recv", kAnswer4}});
  dataplane_->renew_lease(absl::Nanoseconds(1));
  EXPECT_TRUE(wait_until(
      [&] {
        return socket.say(std::string("sendto ") + kTo4) == "ok" &&
               dataplane_->outcomes().lease_expired > 0;
      },
      std::chrono::seconds(5)));
  // A datagram may be lost while the way to the decoy is looked for.
  EXPECT_TRUE(wait_until(
      [&] {
        return socket.say(std::string("sendto ") + kTo4) == "ok" &&
               world_->decoy()->arrivals().datagrams > 0;
      },
      std::chrono::seconds(5)));
}

}  // namespace
}  // namespace vicinity::testing
