// Faults of the control plane, of the kernel and of the clock, with the real feed and engine
// between a server without a network and a data plane in memory. After each: the tables are the
// last good ones, a metric says so, and the log has one line, not thousands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "engine.h"
#include "fake_dataplane.h"
#include "feed/file/mesh_file.h"
#include "feed/xds/xds_feed.h"
#include "xds_fakes.h"

namespace vicinity {
namespace {

using feed::xds::FakeTransport;
using feed::xds::Payload;
using feed::xds::Response;
using testing::FakeDataplane;

constexpr const char* kWeb = "sample/web.example";

std::string web(const std::string& endpoint) {
  return R"(
service:
  name: web
  namespace: sample
  hostname: web.example
  addresses: ["10.96.0.10"]
  ports: [{servicePort: 80, targetPort: 8080}]
---
workload:
  uid: pod
  name: pod
  namespace: sample
  node: n1
  addresses: [")" +
         endpoint + "\"]\n  services: {\"sample/web.example\": {}}\n";
}

// Everything that is logged meanwhile.
class LogCapture {
 public:
  LogCapture() : before_(spdlog::default_logger()->sinks()) {
    spdlog::default_logger()->sinks() = {std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)};
  }
  ~LogCapture() { spdlog::default_logger()->sinks() = before_; }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  [[nodiscard]] int lines_with(const std::string& text) const {
    std::istringstream all(text_.str());
    int count = 0;
    for (std::string line; std::getline(all, line);) {
      count += line.find(text) != std::string::npos ? 1 : 0;
    }
    return count;
  }

 private:
  std::ostringstream text_;
  std::vector<spdlog::sink_ptr> before_;
};

class FaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(feed_.start([] {}).ok());
    run();
    good_ = serve(web("10.244.1.5"));
    ASSERT_EQ(endpoint(), "10.244.1.5");
  }

  void run() {
    while (engine_.step(feed_, questions_, now_) <= now_) {
    }
  }
  void advance(absl::Duration duration) {
    now_ += duration;
    run();
  }
  FakeTransport::Attempt& server() { return *attempts_.back(); }
  Response response_of(const std::string& mesh) {
    Response response;
    response.set_nonce("n" + std::to_string(++nonces_));
    response.set_type_url(std::string(feed::xds::kAddressType));
    for (const auto& resource : feed::parse_mesh(mesh).resources) {
      auto& packed = *response.add_resources();
      packed.set_name(resource.name);
      packed.set_version(std::to_string(nonces_));
      packed.mutable_resource()->PackFrom(resource.address);
    }
    return response;
  }
  void send(const std::string& bytes) {
    server().events->on_message(Payload::of(bytes, 64 << 10), now_);
    run();
  }
  // Returns what was sent.
  Response serve(const std::string& mesh) {
    Response response = response_of(mesh);
    send(response.SerializeAsString());
    return response;
  }
  void end(const absl::Status& status) {
    server().events->on_end({.status = status});
    run();
  }
  std::string endpoint() {
    const auto table = dataplane_.read(kWeb);
    return table && !table->ports.empty() && !table->ports[0].slots.empty()
               ? table->ports[0].slots[0].address.to_string()
               : "none";
  }
  // The next tick's.
  telemetry::Published published() {
    advance(absl::Seconds(1));
    return *cell_.load();
  }
  void await_attempt() {
    for (int i = 0; i < 100 && (attempts_.empty() || !server().open); ++i) {
      advance(absl::Seconds(1));
    }
  }
  // The stream works, and what is served now is published.
  void expect_recovery() {
    await_attempt();
    serve(web("10.244.1.77"));
    EXPECT_EQ(endpoint(), "10.244.1.77");
  }

  LogCapture log_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  std::vector<std::shared_ptr<FakeTransport::Attempt>> attempts_;
  feed::xds::XdsFeed feed_{feed::xds::test_options(), std::make_unique<FakeTransport>(attempts_),
                           [] { return 0.5; }};
  FakeDataplane dataplane_;
  telemetry::PublishedCell cell_;
  admin::ControlQueue questions_{[] {}};
  Engine engine_{{.node = "n1"}, dataplane_, cell_, now_};
  int nonces_ = 0;
  Response good_;
};

TEST_F(FaultTest, TheControlPlaneHangs) {
  const uint64_t renewals = dataplane_.renewals();
  const absl::Time last = published().feed.last_message_at;
  for (int i = 0; i < 600; ++i) advance(absl::Seconds(1));
  EXPECT_EQ(endpoint(), "10.244.1.5");
  EXPECT_GE(dataplane_.renewals(), renewals + 600) << "the tables do not expire";
  EXPECT_EQ(published().feed.last_message_at, last) << "how long it has been silent";
  expect_recovery();
}

TEST_F(FaultTest, TheControlPlaneDoesNotAnswer) {
  end(absl::UnavailableError("connection reset"));
  await_attempt();
  for (int i = 0; i < 25; ++i) advance(absl::Seconds(1));
  EXPECT_EQ(log_.lines_with("no answer for 30s"), 0);
  for (int i = 0; i < 60; ++i) advance(absl::Seconds(1));
  EXPECT_EQ(published().feed.last_error, "no answer for 30s");
  EXPECT_EQ(log_.lines_with("no answer for 30s"), 1);
  EXPECT_EQ(endpoint(), "10.244.1.5");
  expect_recovery();
}

TEST_F(FaultTest, TheControlPlaneClosesInTheMiddleOfAMessage) {
  const std::string whole = response_of(web("10.244.1.6")).SerializeAsString();
  send(whole.substr(0, whole.size() / 2));
  end(absl::UnavailableError("connection reset"));
  EXPECT_EQ(endpoint(), "10.244.1.5");
  const auto state = published();
  EXPECT_EQ(state.feed.nacks, 1U);
  EXPECT_EQ(state.feed.disconnects, 1U);
  EXPECT_EQ(state.feed.last_error, "connection reset");
  EXPECT_EQ(log_.lines_with("malformed"), 1);
  EXPECT_EQ(log_.lines_with("connection reset"), 1);
  expect_recovery();
}

TEST_F(FaultTest, FiftyMegabytesInOneResource) {
  Response response = response_of(web("10.244.1.6"));
  istio::workload::Address huge;
  huge.mutable_workload()->set_uid("huge");
  huge.mutable_workload()->set_canonical_name(std::string(size_t{50} << 20, 'x'));
  auto& packed = *response.add_resources();
  packed.set_name("huge");
  packed.mutable_resource()->PackFrom(huge);
  send(response.SerializeAsString());
  EXPECT_EQ(endpoint(), "10.244.1.6") << "the others apply";
  EXPECT_EQ(published().engine.rejected_kind.at("workload"), 1U);
  EXPECT_EQ(log_.lines_with("workload.canonicalName"), 1);
  EXPECT_LT(server().sent.back().size(), 10000U) << "the NACK does not repeat it";
}

TEST_F(FaultTest, AHundredThousandResourcesOfWhichHalfAreBad) {
  constexpr int kCount = 100'000;
  Response response = response_of(web("10.244.1.6"));
  for (int i = 0; i < kCount; ++i) {
    const std::string uid = "w" + std::to_string(i);
    auto& packed = *response.add_resources();
    packed.set_name(i % 2 == 0 ? uid : "another-name");
    packed.mutable_resource()->PackFrom(feed::xds::workload(uid));
  }
  send(response.SerializeAsString());
  EXPECT_EQ(endpoint(), "10.244.1.6");
  const auto state = published();
  EXPECT_EQ(state.engine.workloads, static_cast<uint64_t>(kCount / 2 + 1));
  EXPECT_EQ(state.engine.rejected_kind.at("workload"), static_cast<uint64_t>(kCount / 2));
  EXPECT_EQ(log_.lines_with("resource rejected"), 1);
  EXPECT_LE(state.rejected.size(), telemetry::Problem::kMaxKept);
  EXPECT_LT(server().sent.back().size(), 2U << 20) << "istiod takes 4 MiB";
}

TEST_F(FaultTest, Garbage) {
  for (int i = 0; i < 50; ++i) send(std::string(100, static_cast<char>(0x80 + i)));
  EXPECT_EQ(endpoint(), "10.244.1.5");
  EXPECT_EQ(published().feed.nacks, 50U);
  EXPECT_EQ(log_.lines_with("resource rejected"), 1);
  advance(absl::Seconds(10));
  send("\xff");
  EXPECT_EQ(log_.lines_with("others_not_logged=49"), 1);
  expect_recovery();
}

TEST_F(FaultTest, OneNameTwiceInAMessage) {
  Response response = response_of(web("10.244.1.6"));
  const Response later = response_of(web("10.244.1.7"));
  response.MergeFrom(later);
  send(response.SerializeAsString());
  EXPECT_EQ(endpoint(), "10.244.1.7") << "the last one counts";
  EXPECT_EQ(published().engine.workloads, 1U);
}

TEST_F(FaultTest, TheSameNonceAgain) {
  send(good_.SerializeAsString());
  send(good_.SerializeAsString());
  EXPECT_EQ(endpoint(), "10.244.1.5");
  EXPECT_EQ(server().sent.size(), 4U) << "each is answered";
  EXPECT_EQ(published().feed.messages, 3U);
  expect_recovery();
}

TEST_F(FaultTest, RemovalsOfUnknownNames) {
  Response response = response_of("");
  for (const char* name : {"nobody", "sample/nobody", "", "a/b/c"}) {
    response.add_removed_resources(name);
  }
  send(response.SerializeAsString());
  EXPECT_EQ(endpoint(), "10.244.1.5");
  EXPECT_EQ(published().feed.removals, 4U);
  EXPECT_EQ(published().feed.nacks, 0U);
}

TEST_F(FaultTest, AThousandReconnects) {
  const size_t before = attempts_.size();
  const absl::Time begin = now_;
  for (int i = 0; i < 1000; ++i) {
    server().events->on_connected();
    end(absl::UnavailableError(i % 2 == 0 ? "refused" : "unreachable"));
    advance(std::max(feed_.next_deadline() - now_, absl::ZeroDuration()));
  }
  EXPECT_GE(attempts_.size(), before + 1000);
  EXPECT_EQ(endpoint(), "10.244.1.5");
  EXPECT_EQ(published().feed.disconnects, 1000U);
  EXPECT_LE(log_.lines_with("feed error"), (now_ - begin) / absl::Seconds(10) + 1);
  EXPECT_LE(attempts_.back()->sent.front().size(), attempts_[1]->sent.front().size())
      << "a request does not grow with attempts";
  expect_recovery();
}

TEST_F(FaultTest, AQuickSeriesOfErrorsIsLoggedOnce) {
  for (int i = 0; i < 5; ++i) {
    end(absl::UnavailableError(i % 2 == 0 ? "refused" : "unreachable"));
    now_ = feed_.next_deadline();
    if (now_ > absl::FromUnixSeconds(1'700'000'009)) break;
    run();
  }
  EXPECT_EQ(log_.lines_with("feed error"), 1);
}

TEST_F(FaultTest, AMapUpdateIsRefused) {
  dataplane_.set_failure(kWeb, absl::InternalError("vic_slots4: no"));
  serve(web("10.244.1.6"));
  EXPECT_EQ(endpoint(), "10.244.1.5") << "the last good table";
  for (int i = 0; i < 5; ++i) advance(absl::Seconds(1));
  const auto state = published();
  EXPECT_GE(state.engine.publishes_refused, 5U);
  ASSERT_EQ(state.refused.size(), 1U);
  EXPECT_EQ(state.refused[0].message, "vic_slots4: no");
  EXPECT_EQ(log_.lines_with("vic_slots4: no"), 1);
  dataplane_.set_failure(kWeb, absl::OkStatus());
  advance(absl::Seconds(1));
  EXPECT_EQ(endpoint(), "10.244.1.6") << "nothing was lost";
  EXPECT_TRUE(published().refused.empty());
}

TEST_F(FaultTest, TheArenaIsFull) {
  dataplane_.set_limits({.slots = 0});
  serve(web("10.244.1.6"));
  EXPECT_EQ(endpoint(), "10.244.1.5");
  EXPECT_EQ(published().engine.publishes_refused, 1U);
  EXPECT_EQ(log_.lines_with("arena full"), 1);
  dataplane_.set_limits({.slots = 10});
  advance(absl::Seconds(1));
  EXPECT_EQ(endpoint(), "10.244.1.6");
}

// A suspended machine: everything is late at once.
TEST_F(FaultTest, TheClockJumpsAhead) {
  const uint64_t renewals = dataplane_.renewals();
  advance(absl::Hours(24 * 365));
  EXPECT_EQ(endpoint(), "10.244.1.5");
  EXPECT_GT(dataplane_.renewals(), renewals) << "the lease is renewed by the very next step";
  expect_recovery();
}

TEST_F(FaultTest, TheClockJumpsBack) {
  const uint64_t renewals = dataplane_.renewals();
  now_ -= absl::Hours(1);
  run();
  EXPECT_EQ(endpoint(), "10.244.1.5");
  now_ += absl::Hours(1);
  for (int i = 0; i < 5; ++i) advance(absl::Seconds(1));
  EXPECT_GE(dataplane_.renewals(), renewals + 4);
  expect_recovery();
}

}  // namespace
}  // namespace vicinity
