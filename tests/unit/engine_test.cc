// The engine over a data plane in memory and a feed that plays a script.
#include "engine.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "fake_dataplane.h"
#include "feed/decode.h"
#include "feed/file/mesh_file.h"

namespace vicinity {
namespace {

using testing::FakeDataplane;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

// Each process() call plays one action.
class ScriptedFeed final : public feed::Feed {
 public:
  using Action = std::function<void(feed::Sink&, absl::Time)>;

  void play(Action action) { actions_.push_back(std::move(action)); }
  void set_state(feed::FeedState state) { status_.state = state; }

  absl::Status start(std::function<void()>) override { return absl::OkStatus(); }
  bool process(feed::Sink& sink, absl::Time now) override {
    if (actions_.empty()) return false;
    actions_.front()(sink, now);
    actions_.pop_front();
    return !actions_.empty();
  }
  [[nodiscard]] absl::Time next_deadline() const override { return absl::InfiniteFuture(); }
  [[nodiscard]] feed::FeedStatus status() const override { return status_; }
  void stop() override {}

 private:
  std::deque<Action> actions_;
  feed::FeedStatus status_{.state = feed::FeedState::kInSync};
};

// The resources of `mesh` as one delta, with `removed` beside them.
model::Delta delta_of(std::string_view mesh, model::Symbols& symbols,
                      std::vector<std::string> removed = {}) {
  model::Delta delta;
  delta.removed = std::move(removed);
  const auto file = feed::parse_mesh(mesh);
  EXPECT_TRUE(file.errors.empty()) << file.errors.front().message;
  for (const auto& resource : file.resources) {
    auto decoded = feed::decode_address(resource.address, resource.name, symbols);
    if (auto* service = std::get_if<model::Service>(&*decoded.value)) {
      delta.services.push_back(std::move(*service));
    } else {
      delta.workloads.push_back(std::get<model::Workload>(*std::move(decoded.value)));
    }
  }
  return delta;
}

class EngineTest : public ::testing::Test {
 protected:
  Engine& engine() {
    if (!engine_) engine_.emplace(options_, dataplane_, cell_, now_);
    return *engine_;
  }
  // Plays one whole message and one turn of the engine.
  void message(std::string_view mesh, std::vector<std::string> removed = {}) {
    feed_.play([mesh, removed](feed::Sink& sink, absl::Time now) {
      sink.apply(delta_of(mesh, sink.symbols(), removed));
      sink.message_end(now);
      sink.in_sync();
    });
    turn();
  }
  void turn() { next_ = engine().step(feed_, questions_, now_); }
  void advance(absl::Duration duration) {
    now_ += duration;
    turn();
  }
  // "10.244.1.5 | 10.244.2.5 10.244.3.5": the addresses of each tier of the one table.
  std::string tiers(std::string_view service = "sample/web.example") {
    const auto table = dataplane_.read(service);
    if (!table) return "none";
    if (table->ports.size() != 1) return "ports: " + std::to_string(table->ports.size());
    std::string text;
    int tier = 0;
    for (const auto& slot : table->ports[0].slots) {
      if (slot.tier != tier) text += " |";
      tier = slot.tier;
      text += (text.empty() ? "" : " ") + slot.address.to_string();
    }
    return text.empty() ? "empty " + std::string(on_empty_name(table->ports[0].on_empty)) : text;
  }
  void restart() {
    engine_.reset();
    feed_ = ScriptedFeed();
  }

  EngineOptions options_{.node = "n1"};
  FakeDataplane dataplane_;
  telemetry::PublishedCell cell_;
  admin::ControlQueue questions_{[] {}};
  ScriptedFeed feed_;
  absl::Time now_ = kStart;
  absl::Time next_;
  std::optional<Engine> engine_;
};

constexpr std::string_view kService = R"(
service:
  name: web
  namespace: sample
  hostname: web.example
  addresses: ["10.96.0.10"]
  ports: [{servicePort: 80, targetPort: 8080}]
  loadBalancing: {mode: FAILOVER, routingPreference: [REGION, ZONE]}
)";

std::string workload(std::string_view name, std::string_view node, std::string_view zone,
                     std::string_view address, std::string_view extra = "") {
  return "---\nworkload:\n  uid: " + std::string(name) + "\n  name: " + std::string(name) +
         "\n  namespace: sample\n  node: " + std::string(node) + "\n  addresses: [\"" +
         std::string(address) + "\"]\n  locality: {region: r, zone: " + std::string(zone) +
         "}\n  services: {\"sample/web.example\": {ports: [{servicePort: 80, targetPort: 8080}]}}" +
         "\n" + std::string(extra);
}

std::string two_zones() {
  return std::string(kService) + workload("near", "n1", "z1", "10.244.1.5") +
         workload("far", "n2", "z2", "10.244.2.5");
}

TEST_F(EngineTest, PublishesWhatAMessageChanged) {
  message(two_zones());
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  message("", {"near"});
  EXPECT_EQ(tiers(), "10.244.2.5");
  EXPECT_EQ(dataplane_.applied().size(), 2U);
}

TEST_F(EngineTest, AnEqualMessagePublishesNothing) {
  const std::string mesh = two_zones();
  message(mesh);
  message(mesh);
  EXPECT_EQ(dataplane_.applied().size(), 1U);
}

TEST_F(EngineTest, Peers_2_FirstPublishWaitsForOwnLocality) {
  const std::string mesh = std::string(kService) + workload("far", "n2", "z2", "10.244.2.5") +
                           workload("other", "n3", "z1", "10.244.3.5");
  message(mesh);
  EXPECT_EQ(tiers(), "none");
  EXPECT_LE(next_, kStart + options_.locality_wait);
  const std::string own = workload("near", "n1", "z1", "10.244.1.5");
  message(own);
  EXPECT_EQ(tiers(), "10.244.1.5 10.244.3.5 | 10.244.2.5");
}

TEST_F(EngineTest, Peers_2_TheWaitForOwnLocalityIsBounded) {
  const std::string mesh = std::string(kService) + workload("far", "n2", "z2", "10.244.2.5");
  message(mesh);
  advance(options_.locality_wait - absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "none");
  advance(absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "10.244.2.5");
}

TEST_F(EngineTest, Peers_2_AChangeOfOwnLocalityReTiersEveryService) {
  const std::string mesh = two_zones();
  message(mesh);
  const std::string moved = workload("near", "n1", "z2", "10.244.1.5");
  message(moved);
  EXPECT_EQ(tiers(), "10.244.1.5 10.244.2.5");
  EXPECT_EQ(dataplane_.load_context()->zone, "z2");
}

TEST_F(EngineTest, Peers_12_ARestartRanksWithTheContextItHadBefore) {
  message(two_zones());
  restart();
  EXPECT_TRUE(engine().snapshot().self_known());
  const std::string far_only = std::string(kService) + workload("far", "n2", "z2", "10.244.2.5") +
                               workload("beside", "n3", "z1", "10.244.3.5");
  message(far_only);
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.3.5 | 10.244.2.5");
}

TEST_F(EngineTest, Peers_12_AnAdoptedEndpointStaysUntilTheFeedIsQuiet) {
  message(two_zones());
  restart();
  const std::string part = std::string(kService) + workload("near", "n1", "z1", "10.244.1.5");
  message(part);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5") << "the rest of the answer may still come";
  advance(options_.resync_quiet - absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  advance(absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5");
}

TEST_F(EngineTest, AnAdoptedEndpointThatTheFeedCallsUnhealthyGoesAtOnce) {
  message(two_zones());
  restart();
  const std::string sick = std::string(kService) +
                           workload("near", "n1", "z1", "10.244.1.5", "  status: UNHEALTHY\n") +
                           workload("far", "n2", "z2", "10.244.2.5");
  message(sick);
  EXPECT_EQ(tiers(), "10.244.2.5");
}

TEST_F(EngineTest, AnAdoptedServiceThatNobodyMentionsGoesWhenTheFeedIsQuiet) {
  message(two_zones());
  restart();
  message(workload("near", "n1", "z1", "10.244.1.5"));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "none");
}

TEST_F(EngineTest, ABusyFeedEndsTheResyncToo) {
  message(two_zones());
  restart();
  message(workload("near", "n1", "z1", "10.244.1.5"));
  int messages = 1;
  while (tiers() != "none" && messages < 100) {
    now_ += options_.resync_quiet / 2;
    message("");
    ++messages;
  }
  EXPECT_GT(messages, 5);
  EXPECT_LT(messages, 30);
}

TEST_F(EngineTest, Peers_12_AFeedThatIsAwayRemovesNothing) {
  message(two_zones());
  restart();
  message(workload("near", "n1", "z1", "10.244.1.5"));
  feed_.set_state(feed::FeedState::kBackoff);
  advance(100 * options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  feed_.set_state(feed::FeedState::kInSync);
  turn();
  advance(options_.resync_quiet - absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  advance(absl::Milliseconds(1));
  EXPECT_EQ(tiers(), "none");
}

TEST_F(EngineTest, Peers_12_ARefusedResourceKeepsWhatWasAdopted) {
  message(two_zones());
  restart();
  feed_.play([](feed::Sink& sink, absl::Time now) {
    sink.reject({.resource = "sample/web.example", .kind = "service", .message = "bad"});
    sink.message_end(now);
    sink.in_sync();
  });
  turn();
  advance(100 * options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  message(std::string(kService) + workload("near", "n1", "z1", "10.244.1.5"));
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "10.244.1.5");
}

TEST_F(EngineTest, Peers_12_AnAdoptedAddressIsNotGivenAwayBeforeTheFeedHasSpoken) {
  message(two_zones());
  restart();
  const std::string rival =
      "service:\n  name: rival\n  namespace: sample\n  hostname: rival.example\n"
      "  addresses: [\"10.96.0.10\"]\n  ports: [{servicePort: 80, targetPort: 8080}]\n" +
      workload("near", "n1", "z1", "10.244.1.5");
  message(rival);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  EXPECT_EQ(tiers("sample/rival.example"), "none");
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "none");
  EXPECT_EQ(dataplane_.read("sample/rival.example")->addresses.size(), 1U);
}

TEST_F(EngineTest, AServiceThatNeverHadAWorkloadPasses) {
  message(std::string(kService) + workload("elsewhere", "n1", "z1", "10.244.1.5") +
          "---\nservice:\n  name: none\n  namespace: sample\n  hostname: none.example\n"
          "  addresses: [\"10.96.0.11\"]\n  ports: [{servicePort: 80, targetPort: 80}]\n");
  EXPECT_EQ(tiers("sample/none.example"), "empty pass");
  message("", {"elsewhere"});
  EXPECT_EQ(tiers(), "empty refuse");
}

TEST_F(EngineTest, NothingIsRefusedBeforeTheFeedWasInSync) {
  const std::string part =
      std::string(kService) + workload("near", "n1", "z1", "10.244.1.5", "  status: UNHEALTHY\n");
  feed_.play([part](feed::Sink& sink, absl::Time now) {
    sink.apply(delta_of(part, sink.symbols()));
    sink.message_end(now);
  });
  turn();
  EXPECT_EQ(tiers(), "empty pass");
  feed_.play([](feed::Sink& sink, absl::Time) { sink.in_sync(); });
  turn();
  EXPECT_EQ(tiers(), "empty refuse");
}

TEST_F(EngineTest, AServiceThatHadAWorkloadBeforeTheRestartStillRefuses) {
  message(two_zones());
  message("", {"near", "far"});
  EXPECT_EQ(tiers(), "empty refuse");
  restart();
  message(std::string(kService));
  advance(options_.resync_quiet);
  EXPECT_EQ(tiers(), "empty refuse");
}

TEST_F(EngineTest, Peers_23_ARefusedServiceIsShownAndComesWhenThereIsRoom) {
  dataplane_.set_limits({.slots = 1});
  message(two_zones());
  EXPECT_EQ(tiers(), "none");
  advance(absl::Seconds(1));
  ASSERT_EQ(cell_.load()->refused.size(), 1U);
  EXPECT_EQ(cell_.load()->refused[0].message,
            "service sample/web.example: publish 2 slots: arena full (0 of 1)");
  EXPECT_EQ(cell_.load()->engine.publishes_refused, 1U);
  dataplane_.set_limits({.slots = 10});
  advance(absl::Seconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  EXPECT_TRUE(cell_.load()->refused.empty());
}

TEST_F(EngineTest, ARefusedTableIsForgottenWhenTheServiceGoesBackToWhatItWas) {
  const std::string one = std::string(kService) + workload("near", "n1", "z1", "10.244.1.5");
  dataplane_.set_limits({.slots = 1});
  message(one);
  message(workload("far", "n2", "z2", "10.244.2.5"));
  EXPECT_EQ(tiers(), "10.244.1.5");
  message("", {"far"});
  dataplane_.set_limits({.slots = 10});
  advance(absl::Seconds(1));
  EXPECT_EQ(tiers(), "10.244.1.5");
}

TEST_F(EngineTest, RenewsTheLeaseEverySecondButNotBeforeItRuns) {
  engine();
  EXPECT_EQ(dataplane_.renewals(), 0U) << "a daemon that cannot start must not keep tables alive";
  turn();
  const auto renewals = dataplane_.renewals();
  for (int i = 0; i < 10; ++i) advance(absl::Seconds(1));
  EXPECT_EQ(dataplane_.renewals(), renewals + 10);
  EXPECT_EQ(dataplane_.lease(), options_.lease);
}

TEST_F(EngineTest, RejectedResourcesAreKeptAndCounted) {
  feed_.play([](feed::Sink& sink, absl::Time) {
    sink.reject({.resource = "a/b", .kind = "service", .message = "service.ports[0]: bad"});
  });
  turn();
  advance(absl::Seconds(1));
  const auto published = cell_.load();
  ASSERT_EQ(published->rejected.size(), 1U);
  EXPECT_EQ(published->rejected[0].object, "a/b");
  EXPECT_EQ(published->engine.rejected_kind.at("service"), 1U);
}

}  // namespace
}  // namespace vicinity
