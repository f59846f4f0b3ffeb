// What the engine makes of its node: the pods on it, the addresses of its interfaces, host names
// that are looked up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine.h"
#include "fake_dataplane.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Delivers each delta as one message.
class DeltaFeed final : public feed::Feed {
 public:
  std::vector<DeltaRow> pending;
  std::string hostname;  // of workloads without an address

  absl::Status start(std::function<void()>) override { return absl::OkStatus(); }
  bool process(feed::Sink& sink, absl::Time now) override {
    for (const DeltaRow& row : std::exchange(pending, {})) {
      model::Delta delta = to_delta(row, sink.symbols());
      for (auto& workload : delta.workloads) {
        workload.name_space = sink.symbols().intern("a");
        if (workload.addresses.empty()) workload.hostname = sink.symbols().intern(hostname);
      }
      sink.apply(std::move(delta));
      sink.message_end(now);
      sink.in_sync();
    }
    return false;
  }
  [[nodiscard]] absl::Time next_deadline() const override { return absl::InfiniteFuture(); }
  [[nodiscard]] feed::FeedStatus status() const override {
    return {.state = feed::FeedState::kInSync};
  }
  void stop() override {}
};

class FakeNames final : public feed::dns::Names {
 public:
  std::set<std::string> wanted;
  std::vector<feed::dns::Answer> answers;
  void want(std::set<std::string> hostnames) override { wanted = std::move(hostnames); }
  [[nodiscard]] std::vector<feed::dns::Answer> take() override {
    return std::exchange(answers, {});
  }
};

class EngineNodeTest : public ::testing::Test {
 protected:
  EngineNodeTest() {
    options_.node = "here";
    options_.namespaces = [this] { return views_; };
    options_.node_addresses = [this] { return interfaces_; };
    options_.names = &names_;
    options_.probe = [] { return telemetry::ProbeInfo{.translated = true, .problem = {}}; };
  }
  void message(DeltaRow row) {
    feed_.pending.push_back(std::move(row));
    turn();
  }
  void turn() {
    if (!engine_) engine_.emplace(options_, dataplane_, cell_, now_);
    now_ += absl::Seconds(6);
    (void)engine_->step(feed_, questions_, now_);
  }
  void see(NetnsViews views) { views_ = std::make_shared<const NetnsViews>(std::move(views)); }

  std::shared_ptr<const NetnsViews> views_ = std::make_shared<const NetnsViews>();
  absl::flat_hash_set<model::IpAddress> interfaces_;
  FakeNames names_;
  FakeDataplane dataplane_;
  DeltaFeed feed_;
  telemetry::PublishedCell cell_;
  admin::ControlQueue questions_{[] {}};
  EngineOptions options_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  std::optional<Engine> engine_;
};

const WorkloadRow kPod = {
    .uid = "Kubernetes//Pod/a/x", .addresses = {"10.244.1.9"}, .node = "here"};
const ServiceRow kShared = {.key = "b/x", .addresses = {"10.96.0.1"}, .canonical = true};
const ServiceRow kOwn = {.key = "a/x", .addresses = {"10.96.0.1"}};

TEST_F(EngineNodeTest, PodsAreHandedOverOnceTheFeedHasToldWhoTheyAre) {
  see({{.cookie = 7, .addresses = {ip("10.244.1.9")}, .captured = true}});
  turn();
  EXPECT_THAT(dataplane_.pods(), IsEmpty());
  message({.workloads = {kPod}});
  turn();
  ASSERT_THAT(dataplane_.pods(), SizeIs(1));
  EXPECT_EQ(dataplane_.pods().at(7).name_space, "a");
  EXPECT_TRUE(dataplane_.pods().at(7).captured);
  EXPECT_EQ(cell_.load()->pods.known, 1u);
  EXPECT_EQ(cell_.load()->pods.captured, 1u);
  see({});
  turn();
  EXPECT_THAT(dataplane_.pods(), IsEmpty());
}

TEST_F(EngineNodeTest, NamespacesAreToldApartFromTheFirstPodOnThatIsKnown) {
  message({.services = {kShared, kOwn}, .workloads = {kPod}});
  EXPECT_THAT(dataplane_.read_all().services, SizeIs(1));
  see({{.cookie = 7, .addresses = {ip("10.244.1.9")}}});
  turn();
  ASSERT_TRUE(dataplane_.read("a/x").has_value());
  EXPECT_THAT(dataplane_.read("a/x")->addresses, IsEmpty());
  EXPECT_THAT(dataplane_.read("a/x")->scoped, SizeIs(1));
}

TEST_F(EngineNodeTest, ARestartedDaemonTellsThemApartAtOnce) {
  compile::ServiceTable own = {.name = "a/x", .addresses = {}, .ports = {}};
  own.scoped = {{ip("10.96.0.1"), 32, model::Audience::kOwnNamespace}};
  (void)dataplane_.apply({.upserts = {own}, .removals = {}});
  message({.services = {kShared, kOwn}, .workloads = {kPod}});
  ASSERT_TRUE(dataplane_.read("a/x").has_value());
  EXPECT_THAT(dataplane_.read("a/x")->scoped, SizeIs(1));
}

TEST_F(EngineNodeTest, ClusterDnsIsLeftWhileTheNodeHasItsAddress) {
  const std::string dns = "kube-system/kube-dns.kube-system.svc.cluster.local";
  message({.services = {{.key = dns, .addresses = {"10.96.0.10"}}, kOwn}, .workloads = {kPod}});
  EXPECT_TRUE(dataplane_.read(dns).has_value());
  interfaces_ = {ip("10.96.0.10"), ip("10.96.0.1")};
  turn();
  EXPECT_FALSE(dataplane_.read(dns).has_value());
  EXPECT_TRUE(dataplane_.read("a/x").has_value()) << "another service's address means nothing";
  interfaces_ = {};
  turn();
  EXPECT_TRUE(dataplane_.read(dns).has_value());
}

TEST_F(EngineNodeTest, HostNamesAreLookedUpBesideTheTables) {
  feed_.hostname = "db.example.com";
  message({.services = {kOwn}, .workloads = {kPod, {.uid = "db", .services = {{"a/x", {}}}}}});
  EXPECT_THAT(names_.wanted, ElementsAre("db.example.com"));
  ASSERT_TRUE(dataplane_.read("a/x").has_value());
  EXPECT_THAT(dataplane_.read("a/x")->ports.at(0).slots, IsEmpty());
  names_.answers = {{.hostname = "db.example.com", .addresses = {ip("192.0.2.1")}, .error = {}}};
  turn();
  ASSERT_THAT(dataplane_.read("a/x")->ports.at(0).slots, SizeIs(1));
  EXPECT_EQ(dataplane_.read("a/x")->ports.at(0).slots[0].address, ip("192.0.2.1"));
  names_.answers = {{.hostname = "db.example.com", .addresses = {}, .error = "timeout"}};
  turn();
  EXPECT_THAT(dataplane_.read("a/x")->ports.at(0).slots, SizeIs(1));
  turn();
  EXPECT_THAT(cell_.load()->dns_problems, ElementsAre("db.example.com: timeout"));
  message({.removed = {"db"}});
  EXPECT_THAT(names_.wanted, IsEmpty());
}

TEST_F(EngineNodeTest, ReadyIsWhoHasPublishedAttachedAndProbed) {
  turn();
  turn();
  EXPECT_THAT(telemetry::unready(*cell_.load()),
              ElementsAre("no tables published yet: feed in_sync"));
  message({.services = {kOwn}, .workloads = {kPod}});
  turn();
  EXPECT_THAT(telemetry::unready(*cell_.load()), IsEmpty());
  telemetry::Published published = *cell_.load();
  published.dataplane.attached = false;
  published.dataplane.attach_problem = "cgroup /x: No such file or directory";
  published.probe = {.translated = false, .problem = "a probe connect was not translated"};
  EXPECT_THAT(telemetry::unready(published),
              ElementsAre("the hooks are not attached: cgroup /x: No such file or directory",
                          "a probe connect was not translated"));
}

}  // namespace
}  // namespace vicinity::testing
