// Random services against a plodding restatement of Kuma's locality rules (semantics section 6),
// host by host and in floating point.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "policy/eligibility.h"
#include "policy/kuma/plan.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using policy::kuma::FailoverRule;
using policy::kuma::LocalityAwareness;
using policy::kuma::ToZones;

constexpr const char* kService = "a/x";
constexpr const char* kOwnZone = "z1";
constexpr std::array kZones = {"z1", "z1", "z2", "z3", "z4"};
constexpr std::array kKeys = {"k1", "k2", "k3"};

class Draws {
 public:
  explicit Draws(uint64_t seed) : engine_(seed) {}
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(engine_() % limit); }
  bool one_in(uint32_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

std::vector<std::string> random_zones(Draws& draws) {
  std::vector<std::string> zones;
  for (uint32_t i = 1 + draws.below(3); i > 0; --i) zones.emplace_back(kZones[draws.below(5)]);
  return zones;
}

FailoverRule random_rule(Draws& draws) {
  FailoverRule rule;
  if (draws.one_in(3)) rule.from = random_zones(draws);
  if (draws.one_in(12)) rule.from.emplace();
  rule.to = static_cast<ToZones>(draws.below(4));
  if (rule.to == ToZones::kOnly || rule.to == ToZones::kAnyExcept) rule.zones = random_zones(draws);
  return rule;
}

LocalityAwareness random_locality(Draws& draws) {
  LocalityAwareness locality;
  if (draws.one_in(3)) locality.disabled = draws.one_in(2);
  if (draws.one_in(2)) {
    auto& zone = locality.local_zone.emplace();
    if (!draws.one_in(4)) {
      auto& tags = zone.affinity_tags.emplace();
      const bool weighted = draws.one_in(2);
      for (uint32_t i = draws.below(4); i > 0; --i) {
        tags.push_back({.key = kKeys[draws.below(3)], .weight = {}});
        if (weighted) tags.back().weight = 1 + draws.below(10000);
      }
    }
  }
  if (draws.one_in(2)) {
    auto& zone = locality.cross_zone.emplace();
    if (!draws.one_in(6)) {
      zone.failover.emplace();
      for (uint32_t i = draws.below(5); i > 0; --i) {
        zone.failover->push_back(random_rule(draws));
      }
    }
    if (draws.one_in(2)) zone.threshold = {.digits = 1 + draws.below(1000), .decimals = 1};
  }
  return locality;
}

WorkloadRow random_host(Draws& draws, int number) {
  WorkloadRow row{.uid = fmt::format("e{:02}", number),
                  .addresses = {fmt::format("10.0.0.{}", number + 1)},
                  .cluster = draws.one_in(10) ? "" : kZones[draws.below(5)],
                  .services = {{kService, {}}},
                  .capacity = draws.one_in(15) ? 0 : 1 + draws.below(3)};
  for (const char* key : kKeys) {
    if (!draws.one_in(3)) row.labels[key] = draws.one_in(2) ? "here" : "there";
  }
  if (draws.one_in(3)) row.health = model::Health::kUnhealthy;
  return row;
}

// What the reference works on.
struct Case {
  LocalityAwareness locality;
  std::vector<WorkloadRow> hosts;
  std::map<std::string, std::string> client;  // labels
  policy::kuma::Options options;
};

Case random_case(uint64_t seed) {
  Draws draws(seed);
  Case result{.locality = random_locality(draws), .hosts = {}, .client = {}, .options = {}};
  const int count = static_cast<int>(draws.below(16));
  for (int i = 0; i < count; ++i) result.hosts.push_back(random_host(draws, i));
  for (const char* key : kKeys) {
    if (!draws.one_in(4)) result.client[key] = "here";
  }
  if (draws.one_in(2)) result.options.threshold = policy::kuma::Threshold::kCompat;
  if (draws.one_in(3)) result.options.panic_percent = 50;
  return result;
}

// uid -> priority and probability in percent.
struct Place {
  uint32_t priority = 0;
  double percent = 0;
};
using Places = std::map<std::string, Place>;

// nullopt: out of reach.
std::optional<uint32_t> priority_of(const Case& one, const WorkloadRow& host) {
  const bool local = host.cluster == kOwnZone;
  if (!one.locality.local_zone && !one.locality.cross_zone) {
    if (one.locality.disabled.value_or(false) || local || host.cluster.empty()) return 0;
    return 1;
  }
  if (local) return 0;
  if (!one.locality.cross_zone) return std::nullopt;
  uint32_t number = 0;
  for (const FailoverRule& rule :
       one.locality.cross_zone->failover.value_or(std::vector<FailoverRule>{})) {
    ++number;
    const auto listed = [](const std::vector<std::string>& zones, const std::string& zone) {
      return std::ranges::count(zones, zone) > 0;
    };
    if (rule.from.has_value() && !listed(*rule.from, kOwnZone)) continue;
    if (rule.to == ToZones::kAny) return number;
    if (rule.to == ToZones::kOnly && listed(rule.zones, host.cluster)) return number;
    if (rule.to == ToZones::kAnyExcept && !listed(rule.zones, host.cluster)) return number;
  }
  return std::nullopt;
}

// The group of a local host: -1 for the rest, else the place of its tag in the list.
int group_of(const Case& one, const WorkloadRow& host) {
  if (!one.locality.local_zone) return -1;
  const auto tags =
      one.locality.local_zone->affinity_tags.value_or(std::vector<policy::kuma::AffinityTag>{});
  for (size_t i = 0; i < tags.size(); ++i) {
    const auto wanted = one.client.find(tags[i].key);
    const auto has = host.labels.find(tags[i].key);
    if (wanted != one.client.end() && has != host.labels.end() && has->second == wanted->second) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

double weight_of(const Case& one, int group) {
  if (group < 0) return 1;
  const auto& tags = *one.locality.local_zone->affinity_tags;
  if (tags[group].weight) return *tags[group].weight;
  return 9 * std::pow(10, static_cast<double>(tags.size()) - 1 - group);
}

int reference_factor(const Case& one) {
  if (!one.locality.local_zone && !one.locality.cross_zone) return 140;
  if (!one.locality.cross_zone || !one.locality.cross_zone->threshold) return 200;
  const auto tenths = static_cast<int>(one.locality.cross_zone->threshold->digits);
  if (one.options.threshold == policy::kuma::Threshold::kCompat) return 1000 / tenths * 100;
  return (100000 + tenths - 1) / tenths;
}

bool usable(const WorkloadRow& host) { return host.health == model::Health::kHealthy; }

// Shares inside one priority, which has `percent` of all.
void share_out(const Case& one, const std::vector<const WorkloadRow*>& hosts, bool panic,
               double percent, Places& places) {
  const bool weighted = one.locality.local_zone && one.locality.local_zone->affinity_tags &&
                        !one.locality.local_zone->affinity_tags->empty() && !panic &&
                        hosts.front()->cluster == kOwnZone;
  std::map<int, std::vector<const WorkloadRow*>> groups;
  for (const WorkloadRow* host : hosts)
    groups[weighted ? group_of(one, *host) : -1].push_back(host);
  std::map<int, double> effective;
  double sum = 0;
  for (const auto& [group, members] : groups) {
    const auto good = static_cast<double>(
        std::ranges::count_if(members, [](const auto* host) { return usable(*host); }));
    const double full = static_cast<double>(members.size());
    effective[group] = weighted ? weight_of(one, group) *
                                      std::min(1.0, reference_factor(one) / 100.0 * good / full)
                                : 1;
    sum += effective[group];
  }
  for (const auto& [group, members] : groups) {
    double capacity = 0;
    for (const auto* host : members) capacity += usable(*host) || panic ? host->capacity : 0;
    for (const auto* host : members) {
      if (!usable(*host) && !panic) continue;
      places[host->uid].percent = percent * effective[group] / sum * host->capacity / capacity;
    }
  }
}

Places reference(const Case& one) {
  std::map<uint32_t, std::vector<const WorkloadRow*>> priorities;
  for (const WorkloadRow& host : one.hosts) {
    const auto priority = priority_of(one, host);
    if (priority && host.capacity > 0) priorities[*priority].push_back(&host);
  }
  std::vector<policy::HostCounts> counts;
  for (const auto& [number, hosts] : priorities) {
    const auto good = std::ranges::count_if(hosts, [](const auto* host) { return usable(*host); });
    counts.push_back(
        {.total = static_cast<uint32_t>(hosts.size()), .healthy = static_cast<uint32_t>(good)});
  }
  const auto loads =
      priority_loads(counts, {.factor_percent = static_cast<uint32_t>(reference_factor(one)),
                              .panic_percent = one.options.panic_percent});
  Places places;
  size_t i = 0;
  for (const auto& [number, hosts] : priorities) {
    const policy::PriorityLoad& load = loads[i++];
    for (const auto* host : hosts) {
      if (usable(*host) || load.panic) places[host->uid] = {.priority = number, .percent = 0};
    }
    if (counts[i - 1].healthy == 0 && !load.panic) continue;
    share_out(one, hosts, load.panic, load.percent(), places);
  }
  return places;
}

Places planned(const Case& one) {
  World world;
  world.apply({.removed = {},
               .services = {{.key = kService, .addresses = {"10.96.0.1"}}},
               .workloads = one.hosts});
  auto& symbols = world.snapshot.symbols();
  model::ClientContext client;
  client.place.cluster = symbols.intern(kOwnZone);
  for (const auto& [key, value] : one.client) {
    client.labels.push_back({symbols.intern(key), symbols.intern(value)});
  }
  std::ranges::sort(client.labels);
  const policy::PortQuery query{.service = world.symbol(kService), .port = 80};
  const policy::Plan plan = policy::kuma::plan(
      {.locality = one.locality, .options = one.options, .on_empty = policy::OnEmpty::kRefuse},
      eligible_endpoints(world.snapshot, query, client, {}), client, symbols);
  Places places;
  for (const policy::Tier& tier : plan.tiers) {
    double sum = 0;
    for (const auto& member : tier.members) sum += static_cast<double>(member.share);
    for (const auto& member : tier.members) {
      const double share = static_cast<double>(member.share) / sum;
      places[plan.endpoints[member.endpoint].workload->uid] = {
          .priority = tier.priority, .percent = tier.load_percent * share};
    }
  }
  // Nobody is lost.
  EXPECT_EQ(places.size() + plan.excluded.size(), one.hosts.size());
  return places;
}

TEST(RandomKuma, PlansAreKumas) {
  size_t spilled = 0;
  size_t grouped = 0;
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    const Case one = random_case(seed);
    const Places expected = reference(one);
    const Places places = planned(one);
    ASSERT_EQ(places.size(), expected.size()) << "seed " << seed;
    std::map<uint32_t, double> by_priority;
    for (const auto& [uid, place] : expected) {
      ASSERT_TRUE(places.contains(uid)) << "seed " << seed << " " << uid;
      ASSERT_EQ(places.at(uid).priority, place.priority) << "seed " << seed << " " << uid;
      ASSERT_NEAR(places.at(uid).percent, place.percent, 1e-6) << "seed " << seed << " " << uid;
      by_priority[place.priority] += place.percent;
    }
    spilled += std::ranges::count_if(by_priority, [](const auto& p) { return p.second > 0; }) > 1;
    grouped += one.locality.local_zone && one.locality.local_zone->affinity_tags ? 1 : 0;
  }
  EXPECT_GT(spilled, 300u);  // the generator is worth something
  EXPECT_GT(grouped, 1000u);
}

}  // namespace
}  // namespace vicinity::testing
