// Gradual spill: Envoy's loads, panic and locality weights (semantics section 5), and the tiers
// that come of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "policy/spill_tiers.h"

namespace vicinity::testing {
namespace {

using policy::HostCounts;
using policy::HostHealth;
using policy::LocalityWeighting;
using policy::PriorityLoad;
using policy::Ratio;
using policy::SpillRule;

// Hosts as {total, healthy, degraded, excluded}; loads as {healthy, degraded, panic}.
struct LoadRow {
  const char* what;
  SpillRule rule;
  std::vector<HostCounts> priorities;
  std::vector<PriorityLoad> loads;
};

constexpr SpillRule kEnvoy{};
constexpr SpillRule kCalm{.panic_percent = 0};

std::vector<LoadRow> load_rows() {
  return {
      {"no priority", kEnvoy, {}, {}},
      {"one, all healthy", kEnvoy, {{5, 5}}, {{100, 0}}},
      {"one, one healthy", kCalm, {{5, 1}}, {{100, 0}}},
      {"71 of 100", kEnvoy, {{100, 71}, {1, 1}}, {{99, 0}, {1, 0}}},
      {"72 of 100", kEnvoy, {{100, 72}, {1, 1}}, {{100, 0}, {0, 0}}},
      {"25 of 100", kEnvoy, {{100, 25}, {1, 1}}, {{35, 0}, {65, 0}}},
      {"25, 25, 20: the documentation rounds otherwise",
       kCalm,
       {{100, 25}, {100, 25}, {100, 20}},
       {{37, 0}, {35, 0}, {28, 0}}},
      {"factor 100 spills with the first sick host",
       {.factor_percent = 100, .panic_percent = 50},
       {{10, 9}, {10, 10}},
       {{90, 0}, {10, 0}}},
      {"factor 200 from half on",
       {.factor_percent = 200, .panic_percent = 50},
       {{10, 4}, {10, 10}},
       {{80, 0}, {20, 0}}},
      {"health is rounded down", kCalm, {{3, 1}, {3, 1}}, {{50, 0}, {50, 0}}},
      {"too few to count: nobody is available", kCalm, {{200, 1}, {200, 1}}, {{100, 0}, {0, 0}}},
      {"panic where half is missing, only below 100",
       kEnvoy,
       {{10, 1}, {10, 6}},
       {{15, 0, true}, {85, 0, false}}},
      {"exactly half is no panic", kEnvoy, {{10, 5}}, {{100, 0, false}}},
      {"degraded hosts count against panic", kEnvoy, {{10, 1, 4}}, {{20, 80, false}}},
      {"degraded only: the rest is theirs",
       kEnvoy,
       {{7, 0, 5}, {7, 0, 0}},
       {{0, 100}, {0, 0, false}}},
      {"healthy ones of later priorities come before degraded ones",
       kEnvoy,
       {{10, 0, 10}, {10, 5}},
       {{0, 30}, {70, 0}}},
      {"excluded hosts are in the denominator of total panic only",
       kEnvoy,
       {{4, 0, 0, 2}, {4, 0}},
       {{50, 0, true}, {50, 0, true}}},
      {"total panic without hosts", kEnvoy, {{0, 0}, {0, 0}}, {{100, 0, true}, {0, 0, true}}},
      {"a threshold above 100 is 100",
       {.factor_percent = 50, .panic_percent = 1000},
       {{10, 10}},
       {{100, 0, false}}},
  };
}

TEST(Spill, Loads) {
  for (const LoadRow& row : load_rows()) {
    const auto loads = priority_loads(row.priorities, row.rule);
    ASSERT_EQ(loads.size(), row.loads.size()) << row.what;
    for (size_t i = 0; i < loads.size(); ++i) {
      EXPECT_EQ(loads[i].healthy_percent, row.loads[i].healthy_percent) << row.what << " " << i;
      EXPECT_EQ(loads[i].degraded_percent, row.loads[i].degraded_percent) << row.what << " " << i;
      EXPECT_EQ(loads[i].panic, row.loads[i].panic) << row.what << " " << i;
    }
  }
}

struct ShareRow {
  const char* what;
  std::vector<Ratio> ratios;
  std::vector<uint64_t> shares;
};

TEST(Spill, SharesAreExactWholeNumbers) {
  const std::vector<ShareRow> rows = {
      {"nothing", {}, {}},
      {"nobody", {{0, 1}, {0, 7}}, {0, 0}},
      {"thirds and halves", {{1, 3}, {1, 2}}, {2, 3}},
      {"reduced", {{10, 20}, {15, 20}}, {2, 3}},
      {"26/74 of Envoy's table", {{70, 100}, {200, 100}}, {7, 20}},
      {"beside zero", {{0, 5}, {9, 10}}, {0, 1}},
      {"wide halves that meet", {{policy::Wide{1} << 80, policy::Wide{1} << 80}, {1, 2}}, {2, 1}},
  };
  for (const ShareRow& row : rows) EXPECT_EQ(whole_shares(row.ratios), row.shares) << row.what;
}

TEST(Spill, SharesWithoutACommonDenominatorAreNear) {
  const std::vector<uint64_t> primes = {4294967291, 4294967279, 4294967231, 4294967197};
  std::vector<Ratio> ratios;
  for (const uint64_t prime : primes) ratios.push_back({.over = 1, .under = prime});
  ratios.push_back({.over = 0, .under = 1});
  const auto shares = whole_shares(ratios);
  for (size_t i = 1; i < primes.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(shares[i]) / static_cast<double>(shares[0]),
                static_cast<double>(primes[0]) / static_cast<double>(primes[i]), 1e-12);
  }
  EXPECT_EQ(shares.back(), 0u);
}

TEST(Spill, LocalityWeightFollowsHealth) {
  const auto value = [](uint32_t healthy, uint32_t factor) {
    const Ratio ratio = policy::scaled_weight(3, healthy, 10, factor);
    return static_cast<double>(ratio.over) / static_cast<double>(ratio.under);
  };
  EXPECT_DOUBLE_EQ(value(10, 140), 3);
  EXPECT_DOUBLE_EQ(value(8, 140), 3);
  EXPECT_DOUBLE_EQ(value(7, 140), 3 * 0.98);
  EXPECT_DOUBLE_EQ(value(5, 200), 3);
  EXPECT_DOUBLE_EQ(value(1, 200), 3 * 0.2);
  EXPECT_DOUBLE_EQ(value(0, 200), 0);
  EXPECT_EQ(policy::scaled_weight(3, 0, 0, 140).over, 0u);
}

// Hosts are capitals; "~" before one makes it degraded, "!" unhealthy.
struct LocalityText {
  uint64_t weight;
  std::string hosts;
};
struct TierRow {
  const char* what;
  SpillRule rule;
  std::vector<std::vector<LocalityText>> priorities;
  std::string text;
};

// Host names to endpoints: 'A' is number 0.
struct Scene {
  explicit Scene(const std::vector<std::vector<LocalityText>>& rows) : workloads(26) {
    for (char name = 'A'; name <= 'Z'; ++name) workloads[name - 'A'].uid = std::string(1, name);
    for (const model::Workload& workload : workloads) {
      plan.endpoints.push_back({.workload = &workload, .address = {}, .port = 1});
    }
    for (const auto& localities : rows) {
      auto& priority = priorities.emplace_back();
      priority.number = static_cast<uint32_t>(priorities.size() - 1);
      for (const LocalityText& row : localities) priority.localities.push_back(locality(row));
    }
  }

  static policy::SpillLocality locality(const LocalityText& row) {
    policy::SpillLocality result{.weight = row.weight, .hosts = {}};
    HostHealth health = HostHealth::kHealthy;
    for (const char letter : row.hosts) {
      if (letter == '!') health = HostHealth::kUnhealthy;
      if (letter == '~') health = HostHealth::kDegraded;
      if (letter < 'A' || letter > 'Z') continue;
      const auto endpoint = static_cast<uint32_t>(letter - 'A');
      // C is heavy.
      result.hosts.push_back(
          {.endpoint = endpoint, .weight = letter == 'C' ? 3U : 1U, .health = health});
      health = HostHealth::kHealthy;
    }
    return result;
  }

  [[nodiscard]] std::string text() const {
    std::string result;
    for (const policy::Tier& tier : plan.tiers) {
      result += std::to_string(tier.priority) + "=" + std::to_string(tier.load_percent) + ":";
      for (const policy::Member& member : tier.members) {
        result +=
            " " + plan.endpoints[member.endpoint].workload->uid + std::to_string(member.share);
      }
      result += "; ";
    }
    for (const policy::Excluded& one : plan.excluded) {
      result += one.workload->uid + " " + std::string(exclusion_name(one.reason)) + "; ";
    }
    return result;
  }

  std::vector<model::Workload> workloads;
  std::vector<policy::SpillPriority> priorities;
  policy::Plan plan;
};

std::vector<TierRow> tier_rows() {
  constexpr SpillRule kScaled{.panic_percent = 0, .weighting = LocalityWeighting::kScaled};
  constexpr SpillRule kRaw{.panic_percent = 0, .weighting = LocalityWeighting::kRaw};
  return {
      {"even hosts", kCalm, {{{0, "AB"}}, {{0, "D"}}}, "0=100: A1 B1; 1=0: D1; "},
      {"weights of hosts", kCalm, {{{0, "AC"}}}, "0=100: A1 C3; "},
      {"a sick host spills and takes nothing",
       kCalm,
       {{{0, "A!B"}}, {{0, "D"}}},
       "0=70: A1; 1=30: D1; B unhealthy; "},
      {"an empty tier is no tier and keeps its number",
       kCalm,
       {{{0, "!A"}}, {}, {{0, "B"}}},
       "2=100: B1; A unhealthy; "},
      {"nobody at all", kCalm, {{{0, "!A"}}, {{0, "!B"}}}, "A unhealthy; B unhealthy; "},
      {"panic takes all", kEnvoy, {{{0, "A!B!C"}}}, "0=100: A1 B1 C3; "},
      {"panic of all priorities", kEnvoy, {{{0, "!A"}}, {{0, "!B"}}}, "0=50: A1; 1=50: B1; "},
      {"panic forgets the weights of localities",
       {.panic_percent = 50, .weighting = LocalityWeighting::kScaled},
       {{{9, "A!B!D"}, {1, "!E!F"}}},
       "0=100: A1 B1 D1 E1 F1; "},
      {"localities by weight, not by hosts",
       kScaled,
       {{{9, "A"}, {1, "BD"}}},
       "0=100: A18 B1 D1; "},
      {"a locality scaled down to 70 %",
       kScaled,
       {{{1, "A!B"}, {1, "DE"}}},
       "0=100: A7 D5 E5; B unhealthy; "},
      {"raw weights are not", kRaw, {{{1, "A!B"}, {1, "DE"}}}, "0=100: A2 D1 E1; B unhealthy; "},
      {"a locality without anybody", kScaled, {{{9, "!A"}, {1, "B"}}}, "0=100: B1; A unhealthy; "},
      {"no weight beside one with weight",
       kScaled,
       {{{0, "A"}, {1, "B"}}},
       "0=100: B1; A zero_capacity; "},
      {"no weights at all", kScaled, {{{0, "A"}, {0, "BD"}}}, "0=100: A1 B1 D1; "},
      {"only weightless localities are healthy",
       kScaled,
       {{{0, "A"}, {1, "!B"}}},
       "0=100: A1; B unhealthy; "},
      {"hosts of a locality by weight", kScaled, {{{4, "AC"}, {1, "B"}}}, "0=100: A1 B1 C3; "},
      {"degraded beside healthy: 20 and 80",
       kCalm,
       {{{0, "A~B~D~E~F!G!H!I!J!K"}}},
       "0=100: A1 B1 D1 E1 F1; G unhealthy; H unhealthy; I unhealthy; J unhealthy; K unhealthy; "},
      {"two healthy of three leave 7 % to the degraded one",
       kCalm,
       {{{0, "AB~D"}}},
       "0=100: A93 B93 D14; "},
      {"enough are healthy: the degraded one waits",
       kCalm,
       {{{0, "ABEF~D"}}},
       "0=100: A1 B1 E1 F1; D unhealthy; "},
  };
}

TEST(SpillTiers, Rows) {
  for (const TierRow& row : tier_rows()) {
    Scene scene(row.priorities);
    spill(row.rule, scene.priorities, scene.plan);
    EXPECT_EQ(scene.text(), row.text) << row.what;
  }
}

TEST(SpillTiers, SomebodyHealthyIsFoundHoweverFewThereAre) {
  Scene scene({{{0, "!A"}}, {{0, "B"}}});
  auto& crowd = scene.priorities[1].localities[0].hosts;
  for (int i = 0; i < 200; ++i) {
    crowd.push_back({.endpoint = 25, .weight = 1, .health = HostHealth::kUnhealthy});
  }
  spill(kCalm, scene.priorities, scene.plan);
  EXPECT_EQ(scene.text().substr(0, 10), "1=100: B1;");
}

}  // namespace
}  // namespace vicinity::testing
