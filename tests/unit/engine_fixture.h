// An engine over a data plane in memory and a feed that plays a script, and a mesh to play.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine.h"
#include "fake_dataplane.h"
#include "feed/decode.h"
#include "feed/file/mesh_file.h"

namespace vicinity {

using testing::FakeDataplane;

inline const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

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
inline model::Delta delta_of(std::string_view mesh, model::Symbols& symbols,
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
  // A message in which nothing but a service that cannot be used is told of.
  void message_with_bad(const std::string& service) {
    feed_.play([service](feed::Sink& sink, absl::Time now) {
      sink.reject({.resource = service, .kind = "service", .message = "bad"});
      sink.message_end(now);
      sink.in_sync();
    });
    turn();
  }
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

inline constexpr std::string_view kService = R"(
service:
  name: web
  namespace: sample
  hostname: web.example
  addresses: ["10.96.0.10"]
  ports: [{servicePort: 80, targetPort: 8080}]
  loadBalancing: {mode: FAILOVER, routingPreference: [REGION, ZONE]}
)";

inline std::string workload(std::string_view name, std::string_view node, std::string_view zone,
                            std::string_view address, std::string_view extra = "") {
  return "---\nworkload:\n  uid: " + std::string(name) + "\n  name: " + std::string(name) +
         "\n  namespace: sample\n  node: " + std::string(node) + "\n  addresses: [\"" +
         std::string(address) + "\"]\n  locality: {region: r, zone: " + std::string(zone) +
         "}\n  services: {\"sample/web.example\": {ports: [{servicePort: 80, targetPort: 8080}]}}" +
         "\n" + std::string(extra);
}

inline std::string two_zones() {
  return std::string(kService) + workload("near", "n1", "z1", "10.244.1.5") +
         workload("far", "n2", "z2", "10.244.2.5");
}

}  // namespace vicinity
