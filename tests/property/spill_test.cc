// Random priorities against a plodding restatement of Envoy's arithmetic (semantics section 5), and
// what gradual spill must be like whatever the hosts are.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <vector>

#include "policy/spill_tiers.h"

namespace vicinity::testing {
namespace {

using policy::HostCounts;
using policy::HostHealth;
using policy::LocalityWeighting;
using policy::SpillRule;

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(engine_() % limit); }

 private:
  std::mt19937_64 engine_;
};

HostCounts random_counts(Random& random) {
  HostCounts counts;
  counts.healthy = random.below(3) == 0 ? 0 : random.below(12);
  counts.degraded = random.below(3) == 0 ? random.below(6) : 0;
  counts.excluded = random.below(4) == 0 ? random.below(4) : 0;
  counts.total = counts.healthy + counts.degraded + counts.excluded + random.below(12);
  return counts;
}

SpillRule random_rule(Random& random) {
  constexpr std::array kFactors = {100U, 140U, 143U, 200U, 400U, 1000U};
  constexpr std::array kThresholds = {0U, 0U, 1U, 50U, 100U};
  return {.factor_percent = kFactors[random.below(kFactors.size())],
          .panic_percent = kThresholds[random.below(kThresholds.size())],
          .weighting = static_cast<LocalityWeighting>(random.below(3))};
}

// One percent at a time: each goes to the first priority that has not had its part yet.
std::vector<int> reference_loads(const std::vector<HostCounts>& priorities, const SpillRule& rule) {
  const size_t n = priorities.size();
  std::vector<int> health(2 * n, 0);  // the healthy of all priorities, then the degraded
  for (size_t i = 0; i < n; ++i) {
    const HostCounts& hosts = priorities[i];
    const int counted = static_cast<int>(hosts.total) - static_cast<int>(hosts.excluded);
    if (counted == 0) continue;
    const int factor = static_cast<int>(rule.factor_percent);
    health[i] = std::min(100, factor * static_cast<int>(hosts.healthy) / counted);
    health[n + i] = std::min(100, factor * static_cast<int>(hosts.degraded) / counted);
  }
  const int norm = std::min(100, std::accumulate(health.begin(), health.end(), 0));
  std::vector<int> loads(2 * n, 0);
  if (norm > 0) {
    int left = 100;
    for (size_t i = 0; i < 2 * n; ++i) {
      while (left > 0 && (loads[i] + 1) * norm <= health[i] * 100) {
        ++loads[i];
        --left;
      }
    }
    for (size_t i = 0; i < 2 * n && left > 0; ++i) {
      if (health[i] == 0) continue;
      loads[i] += left;
      left = 0;
    }
  }
  bool all_panic = norm < 100;
  for (const HostCounts& hosts : priorities) {
    const double counted = hosts.total - hosts.excluded;
    const double usable = counted == 0 ? 0 : 100.0 * (hosts.healthy + hosts.degraded) / counted;
    all_panic = all_panic && usable < rule.panic_percent;
  }
  if (all_panic) {
    std::ranges::fill(loads, 0);
    int hosts_of_all = 0;
    for (const HostCounts& hosts : priorities) hosts_of_all += static_cast<int>(hosts.total);
    int given = 0;
    for (size_t i = 0; i < n && hosts_of_all > 0; ++i) {
      loads[i] = 100 * static_cast<int>(priorities[i].total) / hosts_of_all;
      given += loads[i];
    }
    const auto first = std::ranges::find_if(priorities, [](const auto& p) { return p.total > 0; });
    loads[first == priorities.end() ? 0 : first - priorities.begin()] += 100 - given;
  } else if (norm == 0) {
    loads[0] = 100;
  }
  return loads;
}

TEST(RandomSpill, LoadsAreEnvoys) {
  std::map<int, int> spread;  // how many priorities had load
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    Random random(seed);
    const SpillRule rule = random_rule(random);
    std::vector<HostCounts> priorities;
    const uint32_t count = 1 + random.below(5);
    for (uint32_t i = 0; i < count; ++i) priorities.push_back(random_counts(random));

    const auto loads = priority_loads(priorities, rule);
    std::vector<int> flat;
    for (const auto& load : loads) flat.push_back(static_cast<int>(load.healthy_percent));
    for (const auto& load : loads) flat.push_back(static_cast<int>(load.degraded_percent));
    ASSERT_EQ(flat, reference_loads(priorities, rule)) << "seed " << seed;
    ASSERT_EQ(std::accumulate(flat.begin(), flat.end(), 0), 100) << "seed " << seed;
    ++spread[static_cast<int>(
        std::ranges::count_if(loads, [](auto l) { return l.percent() > 0; }))];
  }
  EXPECT_GT(spread[2], 1000);  // the generator is worth something
  EXPECT_GT(spread[3], 1000);
}

// A plan with random hosts and localities; host i is endpoint i.
struct Crowd {
  std::vector<model::Workload> workloads;
  std::vector<policy::SpillPriority> priorities;
  policy::Plan plan;
};

policy::SpillLocality random_locality(Random& random, uint32_t& next) {
  policy::SpillLocality locality{.weight = random.below(4) == 0 ? 0 : random.below(1000),
                                 .hosts = {}};
  constexpr std::array kHealth = {HostHealth::kHealthy, HostHealth::kHealthy,
                                  HostHealth::kUnhealthy, HostHealth::kDegraded};
  for (uint32_t hosts = random.below(5); hosts > 0; --hosts) {
    locality.hosts.push_back({.endpoint = next++,
                              .weight = 1 + random.below(7),
                              .health = kHealth[random.below(kHealth.size())]});
  }
  return locality;
}

Crowd random_crowd(Random& random) {
  Crowd crowd;
  uint32_t next = 0;
  for (uint32_t number = random.below(2); number < 4; number += 1 + random.below(2)) {
    policy::SpillPriority priority{.number = number, .localities = {}};
    for (uint32_t i = random.below(4); i > 0; --i) {
      priority.localities.push_back(random_locality(random, next));
    }
    crowd.priorities.push_back(std::move(priority));
  }
  crowd.workloads.resize(next);
  for (uint32_t i = 0; i < next; ++i) {
    crowd.workloads[i].uid = fmt::format("e{:03}", i);
    crowd.plan.endpoints.push_back({.workload = &crowd.workloads[i], .address = {}, .port = 1});
  }
  return crowd;
}

// The probability of each endpoint inside its tier, in floating point, the way a load balancer
// picks: healthy or degraded, then a locality, then a host.
std::map<uint32_t, double> reference_shares(const policy::SpillPriority& priority,
                                            const policy::PriorityLoad& load,
                                            const SpillRule& rule) {
  std::map<uint32_t, double> shares;
  const auto add = [&](auto picks, double part) {
    std::vector<double> weights;
    for (const auto& locality : priority.localities) {
      double usable = 0;
      double counted = 0;
      for (const auto& host : locality.hosts) {
        counted += host.health == HostHealth::kExcluded ? 0 : 1;
        usable += picks(host.health) ? 1 : 0;
      }
      const double scale =
          counted == 0 ? 0 : std::min(1.0, rule.factor_percent / 100.0 * usable / counted);
      const bool raw = rule.weighting == LocalityWeighting::kRaw;
      weights.push_back(static_cast<double>(locality.weight) *
                        (raw ? (usable > 0 ? 1 : 0) : scale));
    }
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    const bool weighted = rule.weighting != LocalityWeighting::kNone && !load.panic && sum > 0;
    double all = 0;
    for (const auto& locality : priority.localities) {
      for (const auto& host : locality.hosts) all += picks(host.health) ? host.weight : 0;
    }
    for (size_t i = 0; i < priority.localities.size(); ++i) {
      const auto& hosts = priority.localities[i].hosts;
      double inside = 0;
      for (const auto& host : hosts) inside += picks(host.health) ? host.weight : 0;
      for (const auto& host : hosts) {
        if (!picks(host.health)) continue;
        shares[host.endpoint] +=
            part * (weighted ? weights[i] / sum * host.weight / inside : host.weight / all);
      }
    }
  };
  if (load.panic) {
    add([](HostHealth) { return true; }, 1);
  } else {
    add([](HostHealth health) { return health == HostHealth::kHealthy; },
        load.healthy_percent / static_cast<double>(load.percent()));
    add([](HostHealth health) { return health == HostHealth::kDegraded; },
        load.degraded_percent / static_cast<double>(load.percent()));
  }
  std::erase_if(shares, [](const auto& one) { return one.second == 0; });
  return shares;
}

TEST(RandomSpill, SharesAreThoseOfPickingStepByStep) {
  size_t compared = 0;
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    Random random(seed);
    const SpillRule rule = random_rule(random);
    Crowd crowd = random_crowd(random);
    spill(rule, crowd.priorities, crowd.plan);
    std::vector<HostCounts> counts;
    for (const auto& priority : crowd.priorities) {
      HostCounts& one = counts.emplace_back();
      for (const auto& locality : priority.localities) {
        for (const auto& host : locality.hosts) {
          ++one.total;
          one.healthy += host.health == HostHealth::kHealthy ? 1 : 0;
          one.degraded += host.health == HostHealth::kDegraded ? 1 : 0;
        }
      }
    }
    const auto loads = priority_loads(counts, rule);
    for (size_t i = 0; i < loads.size(); ++i) {
      const auto number = crowd.priorities[i].number;
      const auto tier = std::ranges::find(crowd.plan.tiers, number, &policy::Tier::priority);
      if (loads[i].percent() == 0 || tier == crowd.plan.tiers.end()) continue;
      const auto expected = reference_shares(crowd.priorities[i], loads[i], rule);
      ASSERT_EQ(tier->load_percent, loads[i].percent()) << "seed " << seed;
      ASSERT_EQ(tier->members.size(), expected.size()) << "seed " << seed;
      double sum = 0;
      for (const auto& member : tier->members) sum += static_cast<double>(member.share);
      for (const auto& member : tier->members) {
        ASSERT_TRUE(expected.contains(member.endpoint)) << "seed " << seed;
        ASSERT_NEAR(static_cast<double>(member.share) / sum, expected.at(member.endpoint), 1e-9)
            << "seed " << seed;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 10000u);
}

TEST(RandomSpill, EveryHostIsInOneTierOrExcluded) {
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    Random random(seed);
    const SpillRule rule = random_rule(random);
    Crowd crowd = random_crowd(random);
    spill(rule, crowd.priorities, crowd.plan);
    std::multiset<const model::Workload*> seen;
    uint32_t load = 0;
    for (const policy::Tier& tier : crowd.plan.tiers) {
      load += tier.load_percent;
      ASSERT_FALSE(tier.members.empty()) << "seed " << seed;
      for (const auto& member : tier.members) {
        seen.insert(crowd.plan.endpoints[member.endpoint].workload);
        ASSERT_GT(member.share, 0u) << "seed " << seed;
      }
    }
    ASSERT_EQ(load, crowd.plan.tiers.empty() ? 0u : 100u) << "seed " << seed;
    for (const auto& one : crowd.plan.excluded) seen.insert(one.workload);
    ASSERT_EQ(seen.size(), crowd.workloads.size()) << "seed " << seed;
    for (const auto& workload : crowd.workloads) ASSERT_EQ(seen.count(&workload), 1u);
  }
}

}  // namespace
}  // namespace vicinity::testing
