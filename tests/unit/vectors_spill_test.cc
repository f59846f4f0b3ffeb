// Envoy's arithmetic against the cases of tests/data/vectors.yaml and the shared collection: what
// no policy can bring about through explain (degraded and excluded hosts, panic) is a row here.
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "policy/spill.h"
#include "unit/vectors_case.h"

namespace vicinity::testing {
namespace {

using policy::HostCounts;

HostCounts counts_of(const YAML::Node& node) {
  const auto field = [&](const char* name) { return node[name] ? node[name].as<uint32_t>() : 0; };
  return {.total = field("total"),
          .healthy = field("healthy"),
          .degraded = field("degraded"),
          .excluded = field("excluded")};
}

class PriorityLoadVector : public ::testing::TestWithParam<VectorCase> {};

TEST_P(PriorityLoadVector, Loads) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node given = GetParam().body["given"];
  const YAML::Node then = GetParam().body["then"];
  policy::SpillRule rule;
  if (given["opf"]) rule.factor_percent = given["opf"].as<uint32_t>();
  if (given["panic_threshold"]) rule.panic_percent = given["panic_threshold"].as<uint32_t>();
  std::vector<HostCounts> priorities;
  for (const YAML::Node& one : given["priorities"]) priorities.push_back(counts_of(one));

  const auto loads = priority_loads(priorities, rule);
  std::vector<uint32_t> healthy;
  std::vector<uint32_t> degraded;
  std::vector<bool> panic;
  for (const policy::PriorityLoad& load : loads) {
    healthy.push_back(load.healthy_percent);
    degraded.push_back(load.degraded_percent);
    panic.push_back(load.panic);
  }
  ASSERT_TRUE(then["load"].IsDefined());
  EXPECT_EQ(healthy, then["load"].as<std::vector<uint32_t>>());
  if (then["degraded_load"]) {
    EXPECT_EQ(degraded, then["degraded_load"].as<std::vector<uint32_t>>());
  }
  if (then["panic"]) {
    EXPECT_EQ(panic, then["panic"].as<std::vector<bool>>());
  }
}

const std::set<std::string> kLoads = {"envoy_priority_load"};
INSTANTIATE_TEST_SUITE_P(Own, PriorityLoadVector,
                         ::testing::ValuesIn(of_kinds(own_cases(), kLoads)), case_name);
INSTANTIATE_TEST_SUITE_P(Shared, PriorityLoadVector,
                         ::testing::ValuesIn(of_kinds(shared_cases(), kLoads)), case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(PriorityLoadVector);

class LocalityWeightVector : public ::testing::TestWithParam<VectorCase> {};

TEST_P(LocalityWeightVector, Shares) {
  SCOPED_TRACE(GetParam().says);
  const YAML::Node given = GetParam().body["given"];
  const uint32_t factor = given["opf"] ? given["opf"].as<uint32_t>() : 140;
  std::vector<policy::Ratio> weights;
  for (const YAML::Node& one : given["localities"]) {
    const HostCounts counts = counts_of(one);
    weights.push_back(policy::scaled_weight(one["weight"].as<uint64_t>(), counts.healthy,
                                            counts.counted(), factor));
  }
  const auto shares = policy::whole_shares(weights);
  const auto sum = static_cast<double>(std::accumulate(shares.begin(), shares.end(), uint64_t{0}));
  const auto percents = GetParam().body["then"]["percent"].as<std::vector<int>>();
  ASSERT_EQ(shares.size(), percents.size());
  // The documented figures are rounded so that they sum to 100: 32.57 and 67.43 are 32 and 68.
  for (size_t i = 0; i < shares.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(shares[i]) * 100 / sum, percents[i], 0.6) << i;
  }
}

const std::set<std::string> kWeights = {"envoy_locality_weight"};
INSTANTIATE_TEST_SUITE_P(Own, LocalityWeightVector,
                         ::testing::ValuesIn(of_kinds(own_cases(), kWeights)), case_name);
INSTANTIATE_TEST_SUITE_P(Shared, LocalityWeightVector,
                         ::testing::ValuesIn(of_kinds(shared_cases(), kWeights)), case_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LocalityWeightVector);

}  // namespace
}  // namespace vicinity::testing
