// Random services against an independent, plodding restatement of ztunnel's choice (semantics 2.1),
// and what every table must be like whatever was asked for.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "property/random_world.h"

namespace vicinity::testing {
namespace {

using model::Scope;

std::string field(Scope scope, const model::Place& place, const model::Symbols& symbols) {
  const std::map<Scope, model::SymbolId> fields = {
      {Scope::kRegion, place.region},   {Scope::kZone, place.zone},
      {Scope::kSubzone, place.subzone}, {Scope::kNode, place.node},
      {Scope::kCluster, place.cluster}, {Scope::kNetwork, place.network}};
  return std::string(symbols.name(fields.at(scope)));
}

struct Score {
  size_t rank = 0;     // higher is nearer
  size_t matches = 0;  // without the bonus
};

// A walk over the list, as the source does it: a match counts one, a mismatch ends the walk, but a
// leading NETWORK is skipped on mismatch and worth N - 1 more on match.
Score walk(const std::vector<Scope>& scopes, const model::Place& self, const model::Place& place,
           const model::Symbols& symbols) {
  Score score;
  for (size_t i = 0; i < scopes.size(); ++i) {
    const bool leading = i == 0 && scopes[0] == Scope::kNetwork;
    if (field(scopes[i], self, symbols) == field(scopes[i], place, symbols)) {
      score.rank += leading ? scopes.size() : 1;
      ++score.matches;
    } else if (!leading) {
      break;
    }
  }
  return score;
}

// One world with one service, and the same facts as rows.
struct Scene {
  World world;
  ServiceRow service;
  std::vector<WorkloadRow> workloads;
};

Scene scene(uint64_t seed) {
  RandomRows rows(seed);
  Scene result{.world = World({}), .service = rows.service(0), .workloads = {}};
  const int count = static_cast<int>(rows.below(30));
  for (int i = 0; i < count; ++i) result.workloads.push_back(rows.workload(i));
  result.world.apply({.services = {result.service}, .workloads = {anchor()}});
  result.world.apply({.workloads = result.workloads});
  return result;
}

// uid -> probability, by ztunnel's rule, for one port over IPv4.
std::map<std::string, double> oracle(Scene& scene, int port) {
  const auto& symbols = scene.world.snapshot.symbols();
  const auto& service = scene.service;
  const auto service_target = std::ranges::find(service.ports, port, &PortRow::first)->second;
  std::map<std::string, double> capacities;
  size_t best = 0;
  for (const WorkloadRow& row : scene.workloads) {
    const auto membership = row.services.find(service.key);
    if (membership == row.services.end()) continue;
    const auto own = std::ranges::find(membership->second, port, &PortRow::first);
    const int target =
        own != membership->second.end() && own->second != 0 ? own->second : service_target;
    const bool ipv4 = std::ranges::any_of(
        row.addresses, [](const std::string& text) { return text.find(':') == text.npos; });
    const bool sick = row.health == model::Health::kUnhealthy &&
                      service.health_policy == model::HealthPolicy::kOnlyHealthy;
    const model::Place& self = scene.world.snapshot.self().place;
    const model::Place& place = scene.world.snapshot.find_workload(row.uid)->place;
    const bool away = place.network != self.network && row.gateway;
    if (target == 0 || !ipv4 || sick || away) continue;
    Score score = walk(service.preference, self, place, symbols);
    if (service.mode == model::RoutingMode::kUnspecified) score = {};
    if (service.mode == model::RoutingMode::kStrict && score.matches != service.preference.size()) {
      continue;
    }
    if (score.rank > best) capacities.clear();
    best = std::max(best, score.rank);
    if (score.rank == best) capacities[row.uid] = row.capacity;
  }
  double sum = 0;
  for (const auto& [uid, capacity] : capacities) sum += capacity;
  if (service.mode == model::RoutingMode::kPassthrough || sum == 0) return {};
  for (auto& [uid, capacity] : capacities) capacity /= sum;
  std::erase_if(capacities, [](const auto& one) { return one.second == 0; });
  return capacities;
}

TEST(RandomPlans, SharesAreZtunnels) {
  size_t not_empty = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Scene random = scene(seed);
    for (const auto& [port, target] : random.service.ports) {
      const auto expected = oracle(random, port);
      const auto shares = random.world.shares(random.service.key, port);
      ASSERT_EQ(shares.size(), expected.size()) << "seed " << seed << " port " << port;
      for (const auto& [uid, share] : expected) {
        ASSERT_TRUE(shares.contains(uid)) << "seed " << seed << " port " << port << " " << uid;
        ASSERT_NEAR(shares.at(uid), share * 100, 1e-3) << "seed " << seed << " " << uid;
      }
      not_empty += expected.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(not_empty, 500u);  // the generator is worth something
}

void check_tiers(const compile::PortTable& table) {
  std::vector<uint16_t> counts(table.tiers.size(), 0);
  for (size_t i = 0; i < table.slots.size(); ++i) {
    const compile::Slot& slot = table.slots[i];
    ASSERT_LT(slot.tier, table.tiers.size());
    ++counts[slot.tier];
    ASSERT_EQ(table.tiers[slot.tier].load_percent > 0, i < table.loaded);
    ASSERT_EQ(slot.address.family, table.family);
    ASSERT_NE(slot.port, 0);
    if (i < table.loaded) ASSERT_LT(slot.other, table.loaded);
  }
  int load = 0;
  for (size_t i = 0; i < table.tiers.size(); ++i) {
    ASSERT_GT(table.tiers[i].count, 0);
    ASSERT_EQ(table.tiers[i].count, counts[i]);
    load += table.tiers[i].load_percent;
  }
  ASSERT_EQ(load, table.slots.empty() ? 0 : 100);
}

TEST(RandomPlans, EveryTableIsWellFormed) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Scene random = scene(seed);
    const compile::Tables tables = random.world.tables();
    for (const auto& [name, service] : tables.services) {
      ASSERT_FALSE(service.addresses.empty() && service.scoped.empty());
      ASSERT_TRUE(std::ranges::is_sorted(service.addresses));
      ASSERT_TRUE(std::ranges::is_sorted(service.scoped));
      for (const compile::PortTable& table : service.ports) {
        check_tiers(table);
        const auto shares = slot_shares(table);
        const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
        ASSERT_NEAR(sum, table.loaded == 0 ? 0 : 1, 1e-9);
      }
    }
  }
}

TEST(RandomPlans, EveryWorkloadOfTheServiceIsShownOrExcluded) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Scene random = scene(seed);
    if (random.service.mode == model::RoutingMode::kPassthrough) continue;
    std::set<std::string> expected;
    for (const WorkloadRow& row : random.workloads) {
      if (row.services.contains(random.service.key)) expected.insert(row.uid);
    }
    for (const auto family : {model::Family::kIpv4, model::Family::kIpv6}) {
      const auto explanation = random.world.explanation(random.service.key, 80, family);
      std::multiset<std::string> seen;
      for (const auto& tier : explanation.tiers) {
        for (const auto& endpoint : tier.endpoints) seen.insert(endpoint.workload);
      }
      for (const auto& one : explanation.excluded) seen.insert(one.workload);
      ASSERT_EQ(seen, std::multiset<std::string>(expected.begin(), expected.end()))
          << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace vicinity::testing
