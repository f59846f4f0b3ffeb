// From open connections to tables: the engine over counts that a test sets.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/book/load.h"
#include "unit/engine_fixture.h"

namespace vicinity {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kName = "sample/web.example";

constexpr const char* kPolicy = R"(
apiVersion: vicinity.io/v1alpha1
kind: ConnectionPolicy
metadata: {name: spill, namespace: sample}
spec:
  service: web
  spillByLoad: {maxActivePerCapacity: 10, interval: 5s, step: 20, maxSharePercent: 40}
)";

class Loaded : public EngineTest {
 protected:
  void read_policies(const std::string& text) {
    engine().apply({.status = absl::OkStatus(),
                    .load = policy::book::load(
                        std::vector<policy::book::FileText>{{.file = "p.yaml", .text = text}})});
  }
  void start(const std::string& mesh) {
    read_policies(kPolicy);
    count({"10.244.1.5", "10.244.2.5"});
    message(mesh);
  }
  void count(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses) {
      kernel_.push_back({.id = kernel_.size() + 1,
                         .service = kName,
                         .service_port = 80,
                         .address = *model::IpAddress::parse(address),
                         .port = 8080,
                         .seen = {}});
    }
    dataplane_.set_observed(kernel_);
  }
  void open(const std::string& address, uint64_t connections) {
    for (auto& one : kernel_) {
      if (one.address.to_string() == address) one.seen.active = connections;
    }
    dataplane_.set_observed(kernel_);
  }
  // Second by second.
  void pass(int seconds) {
    for (int i = 0; i < seconds; ++i) advance(absl::Seconds(1));
  }
  // "80 20": the load of each tier of the one table.
  std::string loads() {
    const auto table = dataplane_.read(kName);
    if (!table) return "none";
    std::string text;
    for (const auto& tier : table->ports.at(0).tiers) {
      text += (text.empty() ? "" : " ") + std::to_string(tier.load_percent);
    }
    return text;
  }
  compile::Explanation explanation() {
    const auto& snapshot = engine().snapshot();
    auto explained =
        compile::explain(snapshot,
                         {.query = {.service = *snapshot.symbols().find(kName), .port = 80},
                          .client = snapshot.self()},
                         engine().options());
    EXPECT_TRUE(explained.ok());
    engine().add_states(*explained);
    return *explained;
  }

  std::vector<dataplane::ObservedEndpoint> kernel_;
};

TEST_F(Loaded, GivesAShareToTheNextTierInStepsAndTakesItBack) {
  start(two_zones());
  EXPECT_EQ(loads(), "100 0");
  ASSERT_TRUE(dataplane_.read(kName)->ports[0].watch.has_value());
  EXPECT_EQ(dataplane_.read(kName)->ports[0].watch->most_suspects, 0u);
  open("10.244.1.5", 11);
  pass(5);
  EXPECT_EQ(loads(), "80 20");
  pass(4);
  EXPECT_EQ(loads(), "80 20");
  pass(1);
  EXPECT_EQ(loads(), "60 40");
  pass(60);
  EXPECT_EQ(loads(), "60 40");  // the bound
  EXPECT_EQ(cell_.load()->health.overloaded_tiers, 1u);
  EXPECT_EQ(cell_.load()->health.weighed_tiers, 2u);
  open("10.244.1.5", 5);
  pass(15);
  EXPECT_EQ(loads(), "80 20");
  pass(15);
  EXPECT_EQ(loads(), "100 0");
  pass(1);
  EXPECT_EQ(cell_.load()->health.overloaded_tiers, 0u);
  EXPECT_EQ(cell_.load()->health.load_steps_out, 2u);
  EXPECT_EQ(cell_.load()->health.load_steps_back, 2u);
}

TEST_F(Loaded, TablesChangeNoFasterThanTheInterval) {
  start(two_zones());
  const size_t before = dataplane_.applied().size();
  for (int i = 0; i < 300; ++i) {
    open("10.244.1.5", i % 2 == 0 ? 100 : 0);
    pass(1);
  }
  EXPECT_GE(dataplane_.applied().size(), before + 2);
  EXPECT_LE(dataplane_.applied().size(), before + 300 / 5);
}

TEST_F(Loaded, OnlyTheServiceThatIsOverIsCompiled) {
  start(two_zones() + R"(
---
service:
  name: other
  namespace: sample
  hostname: other.example
  addresses: ["10.96.0.11"]
  ports: [{servicePort: 80, targetPort: 8080}]
)");
  pass(1);
  const auto compiled = cell_.load()->engine.services_compiled;
  open("10.244.1.5", 11);
  pass(10);
  EXPECT_EQ(cell_.load()->engine.services_compiled, compiled + 1);
}

TEST_F(Loaded, WithoutAPolicyNothingIsGiven) {
  count({"10.244.1.5", "10.244.2.5"});
  message(two_zones());
  open("10.244.1.5", 1000);
  pass(20);
  EXPECT_EQ(loads(), "100 0");
  EXPECT_EQ(cell_.load()->health.weighed_tiers, 0u);
}

TEST_F(Loaded, APolicyThatGoesTakesEverythingBack) {
  start(two_zones());
  open("10.244.1.5", 11);
  pass(5);
  ASSERT_EQ(loads(), "80 20");
  read_policies("---\n");
  EXPECT_EQ(loads(), "100 0");
  EXPECT_FALSE(dataplane_.read(kName)->ports[0].watch.has_value());
  read_policies(kPolicy);
  EXPECT_EQ(loads(), "100 0");
}

TEST_F(Loaded, LocalNeverLeavesItsTier) {
  std::string mesh = two_zones();
  const std::string failover = "mode: FAILOVER";
  mesh.replace(mesh.find(failover), failover.size(), "mode: STRICT");
  start(mesh);
  open("10.244.1.5", 1000);
  pass(30);
  EXPECT_EQ(loads(), "100");
  EXPECT_EQ(tiers(), "10.244.1.5");
}

TEST_F(Loaded, AFeedThatTellsEverythingAnewChangesNothing) {
  start(two_zones());
  open("10.244.1.5", 11);
  pass(10);
  ASSERT_EQ(loads(), "60 40");
  message("", {"near", "far", std::string(kName)});
  EXPECT_EQ(loads(), "none");
  pass(5);
  message(two_zones());
  EXPECT_EQ(loads(), "60 40");
  pass(5);
  EXPECT_EQ(loads(), "60 40");
}

TEST_F(Loaded, AServiceThatIsGoneForLongBeginsAnew) {
  start(two_zones());
  open("10.244.1.5", 11);
  pass(10);
  message("", {"near", "far", std::string(kName)});
  pass(61);
  message(two_zones());
  EXPECT_EQ(loads(), "100 0");
}

TEST_F(Loaded, ANearerTierThatComesMeanwhileIsNotTheOneThatGives) {
  start(two_zones());
  open("10.244.1.5", 11);
  pass(5);
  ASSERT_EQ(loads(), "80 20");
  // This node is in zone z1 as "near" is: a third zone comes last, another region after that.
  message(workload("farther", "n3", "z3", "10.244.3.5"));
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5 10.244.3.5");
  EXPECT_EQ(loads(), "80 20");
  message("", {"near"});
  EXPECT_EQ(tiers(), "10.244.2.5 10.244.3.5");
  EXPECT_EQ(loads(), "100");
}

// An endpoint that fails is out, and what its tier has left is weighed by what is left of it.
TEST_F(Loaded, WorksBesideEjection) {
  policy::OutlierSpec outlier;
  outlier.consecutive_5xx.failures = 1;
  outlier.interval_ms = 1000;
  outlier.max_ejection_percent = 100;
  options_.compile.outlier_default = outlier;
  start(two_zones() + workload("near2", "n1", "z1", "10.244.1.6"));
  count({"10.244.1.6"});
  open("10.244.1.5", 11);
  pass(10);
  EXPECT_EQ(loads(), "100 0") << "11 connections, capacity 2";
  kernel_[2].seen.refused = 1;
  kernel_[2].seen.failed_in_row = 1;
  dataplane_.set_observed(kernel_);
  pass(1);
  EXPECT_EQ(tiers(), "10.244.1.5 | 10.244.2.5");
  pass(5);
  EXPECT_EQ(loads(), "80 20");
  // Whoever is left is ejected too: the next tier has everything, nothing is given.
  kernel_[0].seen.refused = 1;
  kernel_[0].seen.failed_in_row = 1;
  dataplane_.set_observed(kernel_);
  pass(1);
  EXPECT_EQ(tiers(), "10.244.2.5");
  EXPECT_EQ(loads(), "100");
}

TEST_F(Loaded, ExplainSaysWhoIsOverloadedAndWhy) {
  start(two_zones());
  const std::string before = to_table(explanation());
  EXPECT_THAT(before, HasSubstr("spills by load: active=10 interval=5s step=20% max=40%\n"));
  EXPECT_THAT(before, Not(HasSubstr("LAST EVENTS")));
  open("10.244.1.5", 11);
  pass(5);
  const auto explained = explanation();
  const std::string text = to_table(explained);
  EXPECT_THAT(text, HasSubstr("note: tier 0 has 80% of connections instead of 100%, by load\n"
                              "note: tier 1 has 20% of connections instead of 0%, by load\n"));
  EXPECT_THAT(text, HasSubstr("10.244.1.5:8080  overloaded  tier 0: active_per_capacity 11, limit "
                              "10, gives 20%  2023-11-14T22:13:25Z tier 0 gives 20% "
                              "(active_per_capacity 11, limit 10)"));
  EXPECT_THAT(compile::to_endpoints_table({&explained, 1}), HasSubstr("overloaded"));
  const std::string json = to_json(explained).pretty();
  EXPECT_THAT(json, HasSubstr("\"state\": \"overloaded\""));
  EXPECT_THAT(json, HasSubstr("\"load_spill\": \"active=10 "));
  // Suspected or ejected says more.
  kernel_[0].seen.suspected_until_ns = UINT64_MAX;
  dataplane_.set_observed(kernel_);
  EXPECT_THAT(to_table(explanation()), HasSubstr("10.244.1.5:8080  suspected"));
}

}  // namespace
}  // namespace vicinity
