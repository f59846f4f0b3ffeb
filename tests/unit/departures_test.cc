// Which sockets' endpoints are gone, and what becomes of them and when. Over a data plane and
// sockets in memory.
#include "departures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake_dataplane.h"
#include "feed/decode.h"
#include "feed/file/mesh_file.h"

namespace vicinity {
namespace {

using dataplane::Origin;
using dataplane::SocketEnd;
using dataplane::Terminate;
using dataplane::Transport;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FakeSockets final : public dataplane::Sockets {
 public:
  [[nodiscard]] absl::StatusOr<std::vector<Origin>> origins() const override { return all; }
  [[nodiscard]] dataplane::RecordUsage usage() const override { return {}; }
  [[nodiscard]] absl::Status retire(const Origin& origin) override {
    for (Origin& known : all) known.gone = known.gone || known == origin;
    retired.push_back(origin.cookie);
    return absl::OkStatus();
  }
  void close(std::vector<Origin> sockets) override {
    for (const Origin& socket : sockets) asked_to_close.push_back(socket.cookie);
  }
  [[nodiscard]] dataplane::TerminationCounts closed() const override { return {}; }
  [[nodiscard]] std::string termination() const override { return "fake"; }

  std::vector<Origin> all;
  std::vector<uint64_t> retired;
  std::vector<uint64_t> asked_to_close;
};

SocketEnd end(const std::string& address, uint16_t port) {
  return {.address = *model::IpAddress::parse(address), .port = port};
}

struct OriginSpec {
  uint64_t cookie = 1;
  std::string service = "10.96.0.10";
  std::string backend = "10.244.1.5";
  Transport transport = Transport::kUdp;
  bool connected = true;
};

Origin origin(const OriginSpec& spec) {
  return {.cookie = spec.cookie,
          .transport = spec.transport,
          .service = end(spec.service, 53),
          .backend = end(spec.backend, 5353),
          .connected = spec.connected,
          .netns_cookie = 1};
}

constexpr char kService[] = R"(
service:
  name: dns
  namespace: sample
  hostname: dns.test
  addresses: ["10.96.0.10"]
  ports: [{servicePort: 53, targetPort: 5353}]
)";

// One endpoint; `more` are lines of the workload.
std::string pod(const std::string& address, const std::string& more = "") {
  return "---\nworkload:\n  uid: pod-" + address + "\n  name: p\n  namespace: sample\n  node: n\n" +
         "  addresses: [\"" + address + "\"]\n  services: {\"sample/dns.test\": {ports: " +
         "[{servicePort: 53, targetPort: 5353}]}}\n" + more;
}

class DeparturesTest : public ::testing::Test {
 protected:
  void SetUp() override { options_.drain = absl::Seconds(10); }

  void feed(const std::string& mesh, std::vector<std::string> removed = {}) {
    model::Delta delta;
    delta.removed = std::move(removed);
    const auto file = feed::parse_mesh(mesh);
    ASSERT_TRUE(file.errors.empty()) << file.errors.front().message;
    for (const auto& resource : file.resources) {
      auto decoded = feed::decode_address(resource.address, resource.name, snapshot_.symbols());
      if (auto* service = std::get_if<model::Service>(&*decoded.value)) {
        delta.services.push_back(std::move(*service));
      } else {
        delta.workloads.push_back(std::get<model::Workload>(*std::move(decoded.value)));
      }
    }
    snapshot_.apply(std::move(delta));
    departures().model_changed();
  }
  Departures& departures() {
    if (!departures_) departures_.emplace(options_, dataplane_, sockets_);
    return *departures_;
  }
  void step_at(int64_t seconds) {
    departures().step(snapshot_, absl::FromUnixSeconds(1000 + seconds));
  }

  DepartureOptions options_;
  model::Snapshot snapshot_{"n"};
  testing::FakeDataplane dataplane_;
  FakeSockets sockets_;
  std::optional<Departures> departures_;
};

TEST_F(DeparturesTest, AnEndpointThatIsThereKeepsItsSockets) {
  sockets_.all = {origin({})};
  feed(kService + pod("10.244.1.5"));
  step_at(0);
  step_at(100);
  EXPECT_THAT(sockets_.retired, IsEmpty());
  EXPECT_THAT(sockets_.asked_to_close, IsEmpty());
}

TEST_F(DeparturesTest, OneThatIsUnhealthyOrFarKeepsThemToo) {
  sockets_.all = {origin({.cookie = 1}), origin({.cookie = 2, .backend = "10.244.9.9"})};
  feed(kService + pod("10.244.1.5", "  status: UNHEALTHY\n") +
       pod("10.244.9.9", "  locality: {region: far}\n"));
  step_at(0);
  step_at(100);
  EXPECT_THAT(sockets_.retired, IsEmpty());
  EXPECT_THAT(sockets_.asked_to_close, IsEmpty());
}

// A gateway stands in the table for workloads whose own addresses are elsewhere.
TEST_F(DeparturesTest, WhatTheTableHasIsThere) {
  sockets_.all = {origin({.backend = "10.244.7.7"})};
  compile::PortTable port;
  port.port = 53;
  port.slots = {{.address = end("10.244.7.7", 0).address, .port = 5353}};
  compile::Tables tables;
  tables.services["sample/dns.test"] = {
      .name = "sample/dns.test", .addresses = {end("10.96.0.10", 0).address}, .ports = {port}};
  dataplane_.set_tables(tables);
  feed(kService);
  step_at(0);
  step_at(100);
  EXPECT_THAT(sockets_.retired, IsEmpty());
}

TEST_F(DeparturesTest, ARemovedEndpointsSocketsAreToldAtOnceAndClosedAfterTheDrainTime) {
  sockets_.all = {origin({.cookie = 1}), origin({.cookie = 2, .connected = false}),
                  origin({.cookie = 3, .transport = Transport::kTcp}),
                  origin({.cookie = 4, .backend = "10.244.1.6"})};
  feed(kService + pod("10.244.1.5") + pod("10.244.1.6"));
  step_at(0);
  feed("", {"pod-10.244.1.5"});
  step_at(1);
  EXPECT_THAT(sockets_.retired, ElementsAre(1, 2, 3));
  EXPECT_EQ(departures().draining(), 1u);
  step_at(2);
  step_at(10);
  EXPECT_THAT(sockets_.asked_to_close, IsEmpty());
  step_at(11);
  EXPECT_THAT(sockets_.asked_to_close, ElementsAre(1));
  // Each once.
  departures().model_changed();
  step_at(30);
  step_at(31);
  EXPECT_THAT(sockets_.retired, ElementsAre(1, 2, 3));
  EXPECT_THAT(sockets_.asked_to_close, ElementsAre(1));
}

TEST_F(DeparturesTest, TheDrainTimeEndsWhenTheEndpointComesBack) {
  sockets_.all = {origin({})};
  feed(kService);
  step_at(0);
  EXPECT_EQ(departures().draining(), 1u);
  feed(pod("10.244.1.5"));
  step_at(5);
  EXPECT_EQ(departures().draining(), 0u);
  step_at(20);
  EXPECT_THAT(sockets_.asked_to_close, IsEmpty());
}

TEST_F(DeparturesTest, ARecordThatAHookWroteLateIsSeenOnTheNextTurn) {
  feed(kService);
  step_at(0);
  sockets_.all = {origin({})};
  step_at(1);
  EXPECT_THAT(sockets_.retired, ElementsAre(1));
  // And after that nothing is read until the model changes again.
  sockets_.all.push_back(origin({.cookie = 2}));
  step_at(2);
  EXPECT_THAT(sockets_.retired, ElementsAre(1));
}

struct PolicyRow {
  Terminate terminate;
  std::vector<uint64_t> closed;
};

TEST_F(DeparturesTest, ThePolicySaysWhichAreClosed) {
  const std::vector<PolicyRow> rows = {
      {Terminate::kNone, {}}, {Terminate::kUdp, {1}}, {Terminate::kAll, {1, 2}}};
  for (const PolicyRow& row : rows) {
    options_.terminate = row.terminate;
    departures_.reset();
    sockets_ = {};
    sockets_.all = {origin({.cookie = 1}), origin({.cookie = 2, .transport = Transport::kTcp})};
    feed(kService);
    step_at(0);
    step_at(10);
    EXPECT_EQ(sockets_.asked_to_close, row.closed);
    EXPECT_THAT(sockets_.retired, ElementsAre(1, 2)) << "whatever the policy";
  }
}

// The service is deleted: its endpoints may live on, and then so do connections to them.
TEST_F(DeparturesTest, WithoutTheServiceTheWorkloadDecides) {
  sockets_.all = {origin({.cookie = 1}), origin({.cookie = 2, .backend = "10.244.1.6"})};
  feed(kService + pod("10.244.1.5") + pod("10.244.1.6"));
  feed("", {"sample/dns.test", "pod-10.244.1.6"});
  step_at(0);
  step_at(10);
  EXPECT_THAT(sockets_.retired, ElementsAre(1, 2));
  EXPECT_THAT(sockets_.asked_to_close, ElementsAre(2));
}

TEST_F(DeparturesTest, AnAddressThatWentToAnotherServiceTakesItsSocketsAlong) {
  sockets_.all = {origin({})};
  feed(kService + pod("10.244.1.5"));
  feed(R"(
service:
  name: other
  namespace: sample
  hostname: other.test
  addresses: ["10.96.0.10"]
  ports: [{servicePort: 53, targetPort: 5353}]
)",
       {"sample/dns.test"});
  step_at(0);
  EXPECT_THAT(sockets_.retired, ElementsAre(1));
}

}  // namespace
}  // namespace vicinity
