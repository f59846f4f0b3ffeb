// Random DestinationRules against an independent, plodding restatement of Istio's locality rules
// and Envoy's arithmetic, over text and doubles (semantics sections 4 and 5).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "unit/model_rows.h"
#include "unit/policy_rows.h"

namespace vicinity::testing {
namespace {

constexpr const char* kKey = "ns/svc.ns.svc.cluster.local";
constexpr const char* kHost = "svc.ns.svc.cluster.local";

using Labels = std::map<std::string, std::string>;

struct Host {
  std::string region;
  std::string zone;
  Labels labels;
  uint32_t weight = 1;
  bool healthy = true;
  [[nodiscard]] std::string locality() const { return region + "/" + zone; }
};

struct To {
  std::string locality;
  int percent = 0;
};

struct Rule {
  bool gate = false;
  int min_health = 0;
  std::vector<std::pair<std::string, std::vector<To>>> distribute;
  std::vector<std::pair<std::string, std::string>> failover;
  std::vector<std::string> priority;
};

struct Scene {
  Host client;
  std::vector<Host> hosts;
  Rule rule;
};

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  int below(int bound) { return static_cast<int>(random_() % static_cast<uint64_t>(bound)); }
  bool one_in(int n) { return below(n) == 0; }
  std::string pick(const std::vector<std::string>& from) {
    return from[static_cast<size_t>(below(static_cast<int>(from.size())))];
  }

 private:
  std::mt19937_64 random_;
};

Host random_host(Dice& dice) {
  Host host{.region = dice.pick({"r1", "r2", "r3", ""}), .zone = dice.pick({"a", "b", ""})};
  if (host.region.empty()) host.zone.clear();
  for (const char* key : {"x", "y"}) {
    if (dice.one_in(2)) host.labels[key] = dice.pick({"1", "2"});
  }
  host.labels["topology.istio.io/network"] = dice.pick({"n1", "n2"});
  host.weight = static_cast<uint32_t>(1 + dice.below(4));
  host.healthy = !dice.one_in(3);
  return host;
}

// Every pattern of one list is of another region, so that none overlap.
std::vector<To> random_to(Dice& dice) {
  const int first = 1 + dice.below(99);
  const std::string level = dice.pick({"", "/*", "/a"});
  return {{"r1" + level, first}, {dice.pick({"r2", "r2/b", "r3/*"}), 100 - first}};
}

Rule random_rule(Dice& dice) {
  Rule rule{.gate = !dice.one_in(4), .min_health = dice.one_in(5) ? 30 : 0};
  const int kind = dice.below(5);
  if (kind == 0) {
    for (const char* from : {"r1/a", "r1", "r2/*", "*"}) {
      if (dice.one_in(2)) rule.distribute.emplace_back(from, random_to(dice));
    }
  }
  if (kind == 1 || kind == 3) {
    rule.failover.emplace_back("r1", dice.pick({"r2", "r3", "r9"}));
    if (dice.one_in(2)) rule.failover.emplace_back("r2", "r1");
  }
  if (kind == 2 || kind == 3) {
    const std::vector<std::string> names = {"topology.istio.io/network", "x", "y", "y=2",
                                            "topology.istio.io/network=n2"};
    for (int i = dice.below(4); i >= 0; --i) rule.priority.push_back(dice.pick(names));
  }
  return rule;
}

Scene random_scene(uint64_t seed) {
  Dice dice(seed);
  Scene scene{.client = random_host(dice)};
  for (int i = 1 + dice.below(12); i > 0; --i) scene.hosts.push_back(random_host(dice));
  scene.rule = random_rule(dice);
  return scene;
}

// --- the restatement ---

// Whether "region/zone" matches "region[/zone[/subzone]]" with "*" for anything.
bool match(const std::string& locality, const std::string& pattern) {
  const auto part = [](const std::string& text, int level) {
    std::string rest = text;
    for (; level > 0; --level) {
      const size_t slash = rest.find('/');
      rest = slash == std::string::npos ? "" : rest.substr(slash + 1);
    }
    return rest.substr(0, rest.find('/'));
  };
  const std::string region = part(pattern, 0);
  if (region != "*" && region != part(locality, 0)) return false;
  const std::string zone = part(pattern, 1);
  return zone.empty() || zone == "*" || zone == part(locality, 1);
}

std::string name_of(const std::string& entry) { return entry.substr(0, entry.find('=')); }

std::string wanted(const Rule& rule, const std::string& name, const Host& client) {
  for (const std::string& entry : rule.priority) {
    if (name_of(entry) == name && entry != name) return entry.substr(name.size() + 1);
  }
  const auto own = client.labels.find(name);
  return own == client.labels.end() ? "" : own->second;
}

int label_rank(const Scene& scene, const Host& host) {
  const auto& list = scene.rule.priority;
  const int all = static_cast<int>(list.size());
  const std::string network = "topology.istio.io/network";
  const bool overridden = std::ranges::find(list, network + "=n2") != list.end();
  int more = 0;
  for (int i = 0; i < all; ++i) {
    const std::string name = name_of(list[static_cast<size_t>(i)]);
    const auto has = host.labels.find(name);
    if ((has == host.labels.end() ? "" : has->second) == wanted(scene.rule, name, scene.client)) {
      continue;
    }
    if (i == 0 && list[0] == network && !overridden) {
      more = all;
      continue;
    }
    return more + all - i;
  }
  return more;
}

int region_rank(const Scene& scene, const Host& host) {
  if (host.region == scene.client.region) return host.zone == scene.client.zone ? 0 : 2;
  for (const auto& [from, to] : scene.rule.failover) {
    if (from == scene.client.region) return host.region == to ? 3 : 4;
  }
  return 3;
}

struct Outcome {
  std::map<std::string, int> priority;  // uid of those with a tier
  std::map<std::string, double> share;  // percent, above 0
};

std::string uid(size_t i) { return fmt::format("h{}", i); }

// What distribute makes of locality weights; nullopt: nothing.
std::optional<std::map<std::string, double>> distributed(
    const Scene& scene, const std::map<std::string, double>& weights) {
  for (const auto& [from, to] : scene.rule.distribute) {
    if (!match(scene.client.locality(), from)) continue;
    std::map<std::string, double> result;
    for (const To& one : to) {
      double sum = 0;
      for (const auto& [locality, weight] : weights) {
        if (match(locality, one.locality)) sum += weight;
      }
      for (const auto& [locality, weight] : weights) {
        if (match(locality, one.locality)) result[locality] = std::ceil(weight * one.percent / sum);
      }
    }
    return result;
  }
  return std::nullopt;
}

std::vector<int> envoy_loads(const std::vector<std::pair<int, int>>& healthy_of_total) {
  std::vector<int> health;
  int sum = 0;
  for (const auto& [healthy, total] : healthy_of_total) {
    health.push_back(total == 0 ? 0 : std::min(100, 140 * healthy / total));
    sum += health.back();
  }
  const int norm = std::min(100, sum);
  std::vector<int> loads;
  int left = 100;
  for (const int one : health) {
    loads.push_back(norm == 0 ? 0 : std::min(left, one * 100 / norm));
    left -= loads.back();
  }
  const auto first = std::ranges::find_if(health, [](int one) { return one > 0; });
  if (first != health.end()) loads[static_cast<size_t>(first - health.begin())] += left;
  return loads;
}

Outcome restate(const Scene& scene) {
  const Rule& rule = scene.rule;
  std::map<int, std::vector<size_t>> tiers;
  std::map<std::string, double> weights;
  for (size_t i = 0; i < scene.hosts.size(); ++i) {
    const Host& host = scene.hosts[i];
    if (rule.gate && rule.min_health > 0 && !host.healthy) continue;
    weights[host.locality()] += host.weight;
  }
  const auto shared_out = distributed(scene, weights);
  const bool ranked = rule.gate && rule.distribute.empty();
  for (size_t i = 0; i < scene.hosts.size(); ++i) {
    const Host& host = scene.hosts[i];
    if (rule.gate && rule.min_health > 0 && !host.healthy) continue;
    if (shared_out && !shared_out->contains(host.locality())) continue;
    int rank = 0;
    if (ranked && !rule.priority.empty()) rank = label_rank(scene, host);
    if (ranked && (rule.priority.empty() || !rule.failover.empty())) {
      rank = rank * 5 + region_rank(scene, host);
    }
    tiers[rank].push_back(i);
  }
  const bool weighted =
      !rule.distribute.empty() || (ranked && (!rule.failover.empty() || !rule.priority.empty()));
  std::vector<std::pair<int, int>> counts;
  for (const auto& [rank, hosts] : tiers) {
    counts.emplace_back(0, hosts.size());
    for (const size_t i : hosts) counts.back().first += scene.hosts[i].healthy ? 1 : 0;
  }
  const std::vector<int> loads = envoy_loads(counts);
  Outcome outcome;
  int number = 0;
  for (const auto& [rank, hosts] : tiers) {
    struct Sums {
      double weight = 0;
      double healthy_weight = 0;
      int healthy = 0;
      int total = 0;
    };
    std::map<std::string, Sums> localities;
    for (const size_t i : hosts) {
      const Host& host = scene.hosts[i];
      Sums& sums = localities[weighted ? host.locality() : ""];
      sums.weight += host.weight;
      ++sums.total;
      if (!host.healthy) continue;
      ++sums.healthy;
      sums.healthy_weight += host.weight;
    }
    double all = 0;
    std::map<std::string, double> effective;
    for (const auto& [locality, sums] : localities) {
      const double weight = shared_out ? shared_out->at(locality) : sums.weight;
      effective[locality] = weight * std::min(1.0, 1.4 * sums.healthy / sums.total);
      all += effective[locality];
    }
    for (const size_t i : hosts) {
      const Host& host = scene.hosts[i];
      if (!host.healthy) continue;
      const std::string locality = weighted ? host.locality() : "";
      outcome.priority[uid(i)] = number;
      const double share = loads[static_cast<size_t>(number)] * effective[locality] / all *
                           host.weight / localities[locality].healthy_weight;
      if (share > 0) outcome.share[uid(i)] = share;
    }
    ++number;
  }
  return outcome;
}

// --- the same by the daemon's rules, from a document ---

std::string policy_text(const Rule& rule) {
  std::string setting;
  for (const auto& [from, to] : rule.distribute) {
    setting +=
        fmt::format("{}{{from: \"{}\", to: {{", setting.empty() ? "distribute: [" : ", ", from);
    for (const To& one : to) setting += fmt::format("\"{}\": {}, ", one.locality, one.percent);
    setting += "}}";
  }
  if (!rule.distribute.empty()) setting += "], ";
  std::string list;
  for (const auto& [from, to] : rule.failover)
    list += fmt::format("{{from: {}, to: {}}}, ", from, to);
  if (!list.empty()) setting += "failover: [" + list + "], ";
  list.clear();
  for (const std::string& entry : rule.priority) list += entry + ", ";
  if (!list.empty()) setting += "failoverPriority: [" + list + "], ";
  std::string text = fmt::format("{{loadBalancer: {{localityLbSetting: {{{}}}}}", setting);
  if (rule.gate) {
    text += fmt::format(", outlierDetection: {{minHealthPercent: {}}}", rule.min_health);
  }
  return text + "}";
}

Outcome by_daemon(const Scene& scene) {
  World world({.network = scene.client.labels.at("topology.istio.io/network"),
               .cluster = "Kubernetes",
               .region = scene.client.region,
               .zone = scene.client.zone,
               .subzone = ""});
  DeltaRow rows{
      .removed = {}, .services = {{.key = kKey, .addresses = {"10.96.0.10"}}}, .workloads = {}};
  for (size_t i = 0; i < scene.hosts.size(); ++i) {
    const Host& host = scene.hosts[i];
    WorkloadRow& row = rows.workloads.emplace_back();
    row.uid = uid(i);
    row.addresses = {fmt::format("10.0.0.{}", i + 1)};
    row.region = host.region;
    row.zone = host.zone;
    row.labels = host.labels;
    row.network = host.labels.at("topology.istio.io/network");
    row.labels.erase("topology.istio.io/network");
    row.capacity = host.weight;
    row.health = host.healthy ? model::Health::kHealthy : model::Health::kUnhealthy;
    row.services = {{kKey, {{80, 8080}}}};
  }
  world.apply(rows);
  compile::CompileOptions options;
  options.policies = book_of(destination_rule("ns", "r", kHost, policy_text(scene.rule)));
  compile::PlanRequest request{.query = {.service = world.symbol(kKey), .port = 80},
                               .client = world.snapshot.self()};
  for (const auto& [key, value] : scene.client.labels) {
    if (key.find('/') != std::string::npos) continue;
    request.client.labels.push_back({.key = world.symbol(key), .value = world.symbol(value)});
  }
  Outcome outcome;
  const auto explained = compile::explain(world.snapshot, request, options);
  EXPECT_TRUE(explained.ok());
  for (const auto& tier : explained->tiers) {
    for (const auto& endpoint : tier.endpoints) {
      outcome.priority[endpoint.workload] = static_cast<int>(tier.priority);
      if (endpoint.share_percent > 0) outcome.share[endpoint.workload] = endpoint.share_percent;
    }
  }
  return outcome;
}

TEST(IstioPlanProperty, EqualsARestatement) {
  int spread = 0;
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    const Scene scene = random_scene(seed);
    SCOPED_TRACE(fmt::format("seed {}: {}", seed, policy_text(scene.rule)));
    const Outcome expected = restate(scene);
    const Outcome got = by_daemon(scene);
    ASSERT_EQ(got.priority, expected.priority);
    ASSERT_EQ(got.share.size(), expected.share.size());
    for (const auto& [host, share] : expected.share)
      ASSERT_NEAR(got.share.at(host), share, 0.01) << host;
    if (expected.share.size() > 1) ++spread;
  }
  // Most scenes say something.
  EXPECT_GT(spread, 1000);
}

}  // namespace
}  // namespace vicinity::testing
