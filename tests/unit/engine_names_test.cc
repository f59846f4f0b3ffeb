// A daemon whose pods never have the same name twice: names are freed as it goes on, and what
// lives keeps its table.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "model/symbols.h"
#include "unit/engine_fixture.h"

namespace vicinity {
namespace {

constexpr int kPerMessage = 5'000;

std::string uid(int message, int number) { return fmt::format("pod-{}-{}", message, number); }

// Pods that have a node, a canonical name and a service of their own.
model::Delta pods(int message, model::Symbols& symbols) {
  model::Delta delta;
  for (int i = 0; i < kPerMessage; ++i) {
    model::Workload& pod = delta.workloads.emplace_back();
    pod.uid = uid(message, i);
    pod.place.node = symbols.intern("node-of-" + pod.uid);
    pod.canonical_name = symbols.intern("canonical-" + pod.uid);
    pod.bindings.push_back({.service = symbols.intern("churn/" + pod.uid), .ports = {}});
    if (message > 0) delta.removed.push_back(uid(message - 1, i));
  }
  return delta;
}

class EngineNames : public EngineTest {
 protected:
  // The most names there were at the end of a turn.
  size_t churn(int messages) {
    size_t most = 0;
    for (int i = 0; i < messages; ++i) {
      feed_.play([i](feed::Sink& sink, absl::Time now) {
        sink.apply(pods(i, sink.symbols()));
        sink.message_end(now);
      });
      advance(absl::Seconds(1));
      most = std::max(most, cell_.load()->engine.names);
    }
    return most;
  }
};

TEST_F(EngineNames, ThatComeAndGoAreFreedAndTheOthersKeepTheirTables) {
  message(two_zones());
  const std::string before = tiers();
  constexpr int kMessages = 40;
  const size_t most = churn(kMessages);
  EXPECT_LT(most, model::Symbols::kFewNames + size_t{8} * 3 * kPerMessage);
  EXPECT_LT(most, size_t{kMessages} * 3 * kPerMessage / 2);
  EXPECT_EQ(tiers(), before);
  EXPECT_EQ(dataplane_.read_all().services.size(), 1U);
  message(workload("new", "n1", "z1", "10.244.1.6"));
  EXPECT_EQ(tiers(), "10.244.1.5 10.244.1.6 | 10.244.2.5");
  message("", {"near", "new"});
  EXPECT_EQ(tiers(), "10.244.2.5");
}

// A service that is held back until the feed has told everything is only known by its symbol.
TEST_F(EngineNames, OfServicesThatWaitForTheWholeFeedStay) {
  message(two_zones());
  restart();
  feed_.set_state(feed::FeedState::kSyncing);
  message(std::string(kService) + workload("near", "n1", "z1", "10.244.1.5"));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  churn(40);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  feed_.set_state(feed::FeedState::kInSync);
  advance(absl::Seconds(1));
  advance(absl::Minutes(2));
  EXPECT_EQ(tiers(), "10.244.1.5");
}

}  // namespace
}  // namespace vicinity
