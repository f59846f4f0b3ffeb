// Closing sockets of other processes, in both ways there are, and only those that are meant.
#include "dataplane/netns_walk.h"
#include "dataplane/object.h"
#include "dataplane/socket_closer.h"
#include "dataplane/terminator.h"
#include "kernel/socket_fixture.h"

namespace vicinity::testing {
namespace {

using dataplane::Origin;
using dataplane::SocketCloser;

struct SocketRow {
  std::string kind;
  std::string to;
  std::string then_send;     // once closed, after the ECONNABORTED
  std::string then_connect;  // on the same descriptor
};
// UDP may connect again; TCP needs AF_UNSPEC first.
const std::vector<SocketRow> kRows = {
    {"udp4", kTo4, "EDESTADDRREQ", "ok"},      {"udp6", kTo6, "EDESTADDRREQ", "ok"},
    {"udp6", kToMapped, "EDESTADDRREQ", "ok"}, {"tcp4", kTo4, "EPIPE", "EISCONN"},
    {"tcp6", kTo6, "EPIPE", "EISCONN"},        {"tcp6", kToMapped, "EPIPE", "EISCONN"}};

class TerminateTest : public SocketTest {
 protected:
  void SetUp() override {
    SocketTest::SetUp();
    // A server that does not end its connections.
    ServeSpec serve = {.instance = "", .ports = {6000}, .protocol = ServeProtocol::kHttp};
    VICINITY_ASSERT_OK(world_->pod("backends").serve(serve));
    open_showing(dataplane::PeerNames::kAll);
    for (const model::Family family : {model::Family::kIpv4, model::Family::kIpv6}) {
      ports_.push_back(port_table(
          80, family,
          {{.address = family == model::Family::kIpv4 ? kBackend4 : kBackend6, .port = 6000}}));
    }
    apply({service_table("ns/a", {kVip4, kVip6}, ports_)});
  }

  [[nodiscard]] static absl::StatusOr<std::unique_ptr<SocketCloser>> iterator_closer() {
    dataplane::LoadPlan plan;
    plan.records.destroy = true;
    auto object = dataplane::Object::load(plan);
    if (!object.ok()) return object.status();
    return dataplane::make_iterator_closer(*object);
  }

  // In the client's namespace.
  uint64_t close_in_pod(SocketCloser& closer, const std::vector<Origin>& sockets) {
    const auto closed =
        run_in(world_->pod("client").netns(), [&] { return closer.close_here(sockets); });
    EXPECT_TRUE(is_ok(closed));
    return closed.value_or(0);
  }

  void closes_each_kind(SocketCloser& closer) {
    for (const SocketRow& row : kRows) {
      SCOPED_TRACE(row.kind + " " + row.to);
      SocketScript doomed = script();
      SocketScript spared = script();
      for (SocketScript* socket : {&doomed, &spared}) {
        play(*socket, {{"open " + row.kind, "ok"}, {"connect " + row.to, "ok"}});
        if (socket == &doomed) marked_ = origins();
      }
      ASSERT_EQ(marked_.size(), 1u);
      EXPECT_EQ(close_in_pod(closer, marked_), 1u);
      play(doomed, {{"recv", "ECONNABORTED"},
                    {"send", row.then_send},
                    {"connect " + row.to, row.then_connect}});
      play(spared, {{"send", "ok"}, {"peer", row.to}});
    }
  }

  // A record that is not true any more closes nothing.
  void leaves_others_alone(SocketCloser& closer) {
    SocketScript socket = script();
    play(socket, {{"open udp4", "ok"}, {std::string("connect ") + kTo4, "ok"}});
    std::vector<Origin> records = origins();
    ASSERT_EQ(records.size(), 1u);
    play(socket, {{"unspec", "ok"}});
    EXPECT_EQ(close_in_pod(closer, records), 0u) << "disconnected";
    play(socket, {{"connect 10.244.1.11:5001", "ok"}});
    EXPECT_EQ(close_in_pod(closer, records), 0u) << "connected to somebody else";
    play(socket, {{"send", "ok"}, {"recv", "10.244.1.11:5001"}});
  }

  std::vector<compile::PortTable> ports_;
  std::vector<Origin> marked_;
};

TEST_F(TerminateTest, BpfSockDestroyClosesEachKindOfSocket) {
  VICINITY_KERNEL_OR_SKIP(dataplane::kernel_destroys_sockets(), 6, 5);
  const auto closer = iterator_closer();
  VICINITY_ASSERT_OK(closer);
  closes_each_kind(**closer);
}

TEST_F(TerminateTest, BpfSockDestroyLeavesOthersAlone) {
  VICINITY_KERNEL_OR_SKIP(dataplane::kernel_destroys_sockets(), 6, 5);
  const auto closer = iterator_closer();
  VICINITY_ASSERT_OK(closer);
  leaves_others_alone(**closer);
}

TEST_F(TerminateTest, SockDiagClosesEachKindOfSocket) {
  const auto closer = dataplane::make_diag_closer();
  VICINITY_ASSERT_OK(closer);
  closes_each_kind(**closer);
}

TEST_F(TerminateTest, SockDiagLeavesOthersAlone) {
  const auto closer = dataplane::make_diag_closer();
  VICINITY_ASSERT_OK(closer);
  leaves_others_alone(**closer);
}

// An object without the iterators is what a kernel without bpf_sock_destroy loads.
TEST_F(TerminateTest, WithoutTheIteratorsTheObjectLoadsAndSockDiagIsTaken) {
  const auto object = dataplane::Object::load({});
  VICINITY_ASSERT_OK(object);
  EXPECT_FALSE(dataplane::make_iterator_closer(*object).ok());
  const auto closer = dataplane::make_socket_closer(*object);
  VICINITY_ASSERT_OK(closer);
  EXPECT_EQ((*closer)->method(), "sock_diag");
}

// Its record is on the socket, where the daemon does not see it: stated, not closed.
TEST_F(TerminateTest, MptcpConnectionsStay) {
  dataplane_.reset();
  dataplane::KernelOptions closing = options();
  closing.terminate = dataplane::Terminate::kAll;
  open(closing);
  EXPECT_THAT(dataplane_->status().termination, ::testing::StartsWith("all but MPTCP, by "));
  SocketScript socket = script();
  play(socket, {{"open mptcp4", "ok"}, {std::string("connect ") + kTo4, "ok"}});
  EXPECT_TRUE(origins().empty());
  play(socket, {{"send", "ok"}});
}

TEST_F(TerminateTest, TheDataPlaneFindsTheSocketInItsPod) {
  dataplane_.reset();
  dataplane::KernelOptions closing = options();
  closing.terminate = dataplane::Terminate::kUdp;
  open(closing);
  const bool by_bpf = dataplane::kernel_destroys_sockets();
  EXPECT_EQ(dataplane_->status().termination,
            by_bpf ? "udp, by bpf_sock_destroy" : "udp, by sock_diag");
  SocketScript socket = script();
  play(socket, {{"open udp4", "ok"}, {std::string("connect ") + kTo4, "ok"}});
  dataplane_->sockets()->close(origins());
  EXPECT_TRUE(wait_until([&] { return dataplane_->status().closed_sockets.destroyed == 1; },
                         std::chrono::seconds(10)));
  play(socket, {{"recv", "ECONNABORTED"}, {"send", "EDESTADDRREQ"}});
}

}  // namespace
}  // namespace vicinity::testing
