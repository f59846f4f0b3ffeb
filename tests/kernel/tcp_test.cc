// TCP in all the ways there are to open a connection, and again on the same socket. Each is either
// translated or left alone.
#include "kernel/socket_fixture.h"

namespace vicinity::testing {
namespace {

using dataplane::PeerNames;
using model::Family;

class TcpTest : public SocketTest {
 protected:
  // Backend 3 behind port 80, nothing behind port 81, a closed port behind 82.
  void publish() {
    std::vector<compile::PortTable> ports;
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      ports.push_back(backends_table(80, family, {3}));
      ports.push_back(backends_table(81, family, {}));
      ports.push_back(
          port_table(82, family,
                     {{.address = family == Family::kIpv4 ? kBackend4 : kBackend6, .port = 4999}}));
    }
    std::ranges::sort(ports);
    apply({service_table("ns/a", {kVip4, kVip6}, std::move(ports))});
  }

  // Of an MPTCP connection to kVip4, which leads to port 7000 of the backends.
  bool has_second_subflow(Pod& from) {
    auto server = SocketScript::start(world_->pod("backends"));
    auto client = SocketScript::start(from);
    if (!server.ok() || !client.ok()) return false;
    play(*server, {{"open mptcp4", "ok"}, {"listen 10.244.1.11:7000", "ok"}});
    play(*client, {{"open mptcp4", "ok"}, {std::string("connect ") + kTo4, "ok"}, {"send", "ok"}});
    play(*server, {{"accept", "ok"}, {"recv", "hello"}, {"send", "ok"}});
    EXPECT_EQ(client->say("recv"), "hello");
    return wait_until([&] { return client->say("subflows") == "1"; }, std::chrono::seconds(5));
  }
};

struct Row {
  std::string kind;
  std::string vip;  // without the port
  std::string answer;
  std::string shown;  // the endpoint, as this socket shows it
};
const std::vector<Row> kRows = {
    {"tcp4", "10.96.0.10", "10.244.1.11:5004", "10.244.1.11:5004"},
    {"tcp6", "[fd00:10:96::10]", "[fd00:10:244:1::11]:5004", "[fd00:10:244:1::11]:5004"},
    {"tcp6", "[::ffff:10.96.0.10]", "10.244.1.11:5004", "[::ffff:10.244.1.11]:5004"},
    {"mptcp4", "10.96.0.10", "10.244.1.11:5004", "10.244.1.11:5004"},
    {"mptcp6", "[fd00:10:96::10]", "[fd00:10:244:1::11]:5004", "[fd00:10:244:1::11]:5004"},
    {"mptcp6", "[::ffff:10.96.0.10]", "10.244.1.11:5004", "[::ffff:10.244.1.11]:5004"}};

TEST_F(TcpTest, EveryWayToConnectIsTranslated) {
  open();
  publish();
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.kind + " " + row.vip);
    const std::string to = row.vip + ":80";
    play({{"open " + row.kind, "ok"}, {"connect " + to, "ok"}, {"recv", row.answer}});
    play({{"open " + row.kind, "ok"},
          {"nonblock", "ok"},
          {"connect " + to, "EINPROGRESS"},
          {"connected", "ok"}});
    play({{"open " + row.kind, "ok"}, {"uring " + to, "ok"}, {"recv", row.answer}});
    play({{"open " + row.kind, "ok"},
          {"no-port " + std::string(row.kind.ends_with('4') ? "10.244.1.9" : "::"), "ok"},
          {"connect " + to, "ok"},
          {"recv", row.answer}});
  }
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
}

TEST_F(TcpTest, FastOpenIsTranslated) {
  open();
  publish();
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.kind + " " + row.vip);
    if (row.kind.starts_with("mptcp")) continue;
    play({{"open " + row.kind, "ok"}, {"fastopen " + row.vip + ":80", "ok"}, {"recv", row.answer}});
    play({{"open " + row.kind, "ok"}, {"fastopen " + row.vip + ":81", "ECONNREFUSED"}});
  }
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
}

TEST_F(TcpTest, EveryWayToConnectIsRefusedAtOnce) {
  open();
  publish();
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.kind + " " + row.vip);
    const std::string to = row.vip + ":81";
    play({{"open " + row.kind, "ok"}, {"connect " + to, "ECONNREFUSED"}});
    play({{"open " + row.kind, "ok"}, {"nonblock", "ok"}, {"connect " + to, "ECONNREFUSED"}});
    play({{"open " + row.kind, "ok"}, {"uring " + to, "ECONNREFUSED"}});
    // And can be used again.
    play({{"open " + row.kind, "ok"},
          {"connect " + to, "ECONNREFUSED"},
          {"connect " + row.vip + ":80", "ok"},
          {"recv", row.answer}});
  }
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
}

TEST_F(TcpTest, ASocketThatConnectsAgainIsTranslatedAgain) {
  open_showing(PeerNames::kAll);
  publish();
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.kind + " " + row.vip);
    const std::string service = row.vip + ":80";
    // After a reset in answer to the SYN, after AF_UNSPEC; a connected one stays as it is.
    play({{"open " + row.kind, "ok"},
          {"connect " + row.vip + ":82", "ECONNREFUSED"},
          {"connect " + service, "ok"},
          {"peer", service},
          {"recv", row.answer},
          {"connect " + row.vip + ":81", "EISCONN"},
          {"peer", service},
          {"unspec", "ok"},
          {"peer", "ENOTCONN"},
          {"connect " + service, "ok"},
          {"peer", service},
          {"recv", row.answer}});
  }
}

TEST_F(TcpTest, GetpeernameShowsWhatItIsToldTo) {
  for (const PeerNames names : {PeerNames::kOff, PeerNames::kUdp, PeerNames::kAll}) {
    dataplane_.reset();
    open_showing(names);
    publish();
    for (const Row& row : kRows) {
      SCOPED_TRACE(row.kind + " " + row.vip);
      const std::string service = row.vip + ":80";
      play({{"open " + row.kind, "ok"},
            {"connect " + service, "ok"},
            {"peer", names == PeerNames::kAll ? service : row.shown}});
    }
  }
}

// The endpoint itself, past the service, on a socket that has a record of it.
TEST_F(TcpTest, ARecordDoesNotOutliveItsConnection) {
  open_showing(PeerNames::kAll);
  publish();
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.kind + " " + row.vip);
    play({{"open " + row.kind, "ok"},
          {"connect " + row.vip + ":80", "ok"},
          {"unspec", "ok"},
          {"connect " + row.shown, "ok"},
          {"peer", row.shown}});
    play({{"open " + row.kind, "ok"},
          {"connect " + row.vip + ":80", "ok"},
          {"unspec", "ok"},
          {"connect " + row.vip + ":81", "ECONNREFUSED"},
          {"connect " + row.shown, "ok"},
          {"peer", row.shown}});
  }
}

TEST_F(TcpTest, RecordsAreMadeOnlyWhenAskedForAndLeaveWithTheSocket) {
  open();
  publish();
  SocketScript plain = script();
  play(plain, {{"open tcp4", "ok"}, {std::string("connect ") + kTo4, "ok"}});
  EXPECT_TRUE(origins().empty());
  dataplane_.reset();
  open_showing(PeerNames::kAll);
  SocketScript recorded = script();
  play(recorded, {{"open tcp4", "ok"}, {std::string("connect ") + kTo4, "ok"}});
  const auto records = origins();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].transport, dataplane::Transport::kTcp);
  EXPECT_EQ(model::endpoint_text(records[0].service.address, records[0].service.port), kTo4);
  EXPECT_EQ(model::endpoint_text(records[0].backend.address, records[0].backend.port),
            "10.244.1.11:5004");
  EXPECT_TRUE(records[0].connected);
  EXPECT_NE(records[0].netns_cookie, 0u);
  EXPECT_EQ(recorded.say("close"), "ok");
  EXPECT_TRUE(origins().empty());
}

// A second subflow is connected by a kernel thread, to the endpoint of the first. That address is a
// service here too, with nobody behind it.
TEST_F(TcpTest, FurtherSubflowsOfMptcpAreLeftAlone) {
  auto multihomed = world_->add_pod(
      {.name = "multihomed", .node = "node1", .addresses = {"10.244.1.31", "10.244.1.32"}});
  VICINITY_ASSERT_OK(multihomed);
  for (Pod* pod : {*multihomed, &world_->pod("backends")}) {
    const auto limits =
        pod->run({"ip", "mptcp", "limits", "set", "subflow", "2"}, std::chrono::seconds(10));
    ASSERT_TRUE(limits.ok() && limits->exit_code == 0);
  }
  const auto endpoint = (*multihomed)
                            ->run({"ip", "mptcp", "endpoint", "add", "10.244.1.32", "subflow"},
                                  std::chrono::seconds(10));
  ASSERT_TRUE(endpoint.ok() && endpoint->exit_code == 0);
  open();
  apply({service_table("ns/a", {kVip4},
                       {port_table(80, Family::kIpv4, {{.address = kBackend4, .port = 7000}})}),
         service_table("ns/b", {kBackend4},
                       {port_table(7000, Family::kIpv4, {{.address = kBackend4, .port = 4999}})})});
  // On a busy machine the kernel now and then adds no subflow to a connection, and never tries
  // again.
  uint64_t connections = 1;
  while (!has_second_subflow(**multihomed) && connections < 4) ++connections;
  ASSERT_LT(connections, 4u);
  EXPECT_GE(dataplane_->outcomes().kernel_socket, 1u);
  EXPECT_LE(dataplane_->outcomes().kernel_socket, connections);
  EXPECT_EQ(dataplane_->outcomes().translated, connections);
}

}  // namespace
}  // namespace vicinity::testing
