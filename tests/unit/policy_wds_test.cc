// ztunnel's rules: rank, tiers, shares (semantics 2.1).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "policy/wds/rank.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using model::RoutingMode;
using model::Scope;
using policy::wds::LeadingNetwork;
using policy::wds::rank_place;
using Scopes = std::vector<Scope>;
using Tiers = World::TierText;

const Scopes kNetworkRegionZone = {Scope::kNetwork, Scope::kRegion, Scope::kZone};

// A place as six letters: network, cluster, region, zone, subzone, node; '.' is empty.
model::Place place_of(std::string_view letters, model::Symbols& symbols) {
  const auto field = [&](size_t i) {
    return letters[i] == '.' ? model::SymbolId{} : symbols.intern(letters.substr(i, 1));
  };
  return {.network = field(0),
          .cluster = field(1),
          .region = field(2),
          .zone = field(3),
          .subzone = field(4),
          .node = field(5)};
}

struct RankRow {
  const char* what;
  Scopes scopes;
  const char* place;
  uint32_t distance;           // NETWORK first: preferred (today's rule)
  uint32_t required_distance;  // NETWORK first: a scope like any other
  bool all_matched;
};

// The client is nc rzs h.
std::vector<RankRow> rank_rows() {
  using enum Scope;
  const Scopes all = {kNetwork, kRegion, kZone, kSubzone, kNode};
  return {
      {"NRZ", kNetworkRegionZone, "ncrzsh", 0, 0, true},
      {"NR", kNetworkRegionZone, "ncr?sh", 1, 1, false},
      {"N", kNetworkRegionZone, "nc?zsh", 2, 2, false},
      {"RZ elsewhere", kNetworkRegionZone, "?crzsh", 3, 3, false},
      {"R elsewhere", kNetworkRegionZone, "?cr?sh", 4, 3, false},
      {"nothing", kNetworkRegionZone, "?c?zsh", 5, 3, false},
      {"same node name elsewhere", all, "?crzsh", 5, 5, false},
      {"same subzone, another node", all, "ncrzs?", 1, 1, false},
      {"prefix is cumulative", {kRegion, kZone}, "nc?zsh", 2, 2, false},
      {"region only", {kRegion, kZone}, "ncr?sh", 1, 1, false},
      {"empty against set", {kRegion, kZone, kSubzone}, "ncrz.h", 1, 1, false},
      {"network in the middle is a scope", {kRegion, kNetwork, kZone}, "?crzsh", 2, 2, false},
      {"network first, alone, equal", {kNetwork}, "n.....", 0, 0, true},
      {"network first, alone, other", {kNetwork}, "?.....", 1, 1, false},
      {"cluster", {kCluster}, "ncrzsh", 0, 0, true},
      {"another cluster", {kCluster}, "n?rzsh", 1, 1, false},
      {"node names are compared alone", {kNode}, "??...h", 0, 0, true},
      {"no scopes", {}, "??????", 0, 0, true},
  };
}

TEST(WdsRank, Rows) {
  model::Symbols symbols;
  const model::Place self = place_of("ncrzsh", symbols);
  for (const RankRow& row : rank_rows()) {
    const model::Place place = place_of(row.place, symbols);
    const auto preferred = rank_place(self, place, {.scopes = row.scopes});
    const auto required = rank_place(
        self, place, {.scopes = row.scopes, .leading_network = LeadingNetwork::kRequired});
    EXPECT_EQ(preferred.distance, row.distance) << row.what;
    EXPECT_EQ(required.distance, row.required_distance) << row.what;
    EXPECT_EQ(preferred.all_matched, row.all_matched) << row.what;
    EXPECT_EQ(required.all_matched, row.all_matched) << row.what;
  }
}

TEST(WdsRank, EmptyMatchesEmpty) {
  model::Symbols symbols;
  const Scopes scopes = {Scope::kRegion, Scope::kZone};
  const auto nowhere = place_of("......", symbols);
  EXPECT_EQ(rank_place(nowhere, nowhere, {.scopes = scopes}).distance, 0u);
  EXPECT_EQ(rank_place(nowhere, place_of("..r...", symbols), {.scopes = scopes}).distance, 2u);
}

// Endpoints 10.0.0.1, .2, ... of service "a/x", seen from region r, zone z on node "here".
struct PlanRow {
  const char* what;
  RoutingMode mode;
  Scopes preference;
  std::vector<WorkloadRow> workloads;
  Tiers tiers;
  std::map<std::string, double> shares;
  std::map<std::string, std::string> excluded;
};

WorkloadRow ep(int number, const std::string& region, const std::string& zone,
               uint32_t capacity = 1) {
  const std::string text = std::to_string(number);
  return {.uid = "e" + text,
          .addresses = {"10.0.0." + text},
          .region = region,
          .zone = zone,
          .services = {{"a/x", {}}},
          .capacity = capacity};
}

WorkloadRow sick(WorkloadRow row) {
  row.health = model::Health::kUnhealthy;
  return row;
}

std::vector<PlanRow> plan_rows() {
  using enum RoutingMode;
  const Scopes rz = {Scope::kRegion, Scope::kZone};
  return {
      {"UNSPECIFIED takes all, evenly",
       kUnspecified,
       {},
       {ep(1, "r", "z"), ep(2, "q", "z")},
       {{"10.0.0.1:8080", "10.0.0.2:8080"}},
       {{"e1", 50}, {"e2", 50}},
       {}},
      {"UNSPECIFIED ignores scopes",
       kUnspecified,
       rz,
       {ep(1, "r", "z"), ep(2, "q", "z")},
       {{"10.0.0.1:8080", "10.0.0.2:8080"}},
       {{"e1", 50}, {"e2", 50}},
       {}},
      {"capacity",
       kUnspecified,
       {},
       {ep(1, "r", "z", 1), ep(2, "q", "z", 3)},
       {{"10.0.0.1:8080", "10.0.0.2:8080"}},
       {{"e1", 25}, {"e2", 75}},
       {}},
      {"capacity 0 is never chosen",
       kUnspecified,
       {},
       {ep(1, "r", "z", 0), ep(2, "q", "z", 3)},
       {{"10.0.0.2:8080"}},
       {{"e2", 100}},
       {{"e1", "zero_capacity"}}},
      {"all capacities 0",
       kUnspecified,
       {},
       {ep(1, "r", "z", 0)},
       {},
       {},
       {{"e1", "zero_capacity"}}},
      {"capacity is summed in 64 bits",
       kUnspecified,
       {},
       {ep(1, "r", "z", 3'000'000'000), ep(2, "r", "z", 3'000'000'000)},
       {{"10.0.0.1:8080", "10.0.0.2:8080"}},
       {{"e1", 50}, {"e2", 50}},
       {}},
      {"FAILOVER: the best tier takes everything",
       kFailover,
       rz,
       {ep(1, "q", "z"), ep(2, "r", "y"), ep(3, "r", "z"), ep(4, "r", "z", 3)},
       {{"10.0.0.3:8080", "10.0.0.4:8080"}, {"10.0.0.2:8080"}, {"10.0.0.1:8080"}},
       {{"e3", 25}, {"e4", 75}},
       {}},
      {"FAILOVER: a rank without endpoints is no tier",
       kFailover,
       rz,
       {ep(1, "q", "z")},
       {{"10.0.0.1:8080"}},
       {{"e1", 100}},
       {}},
      {"FAILOVER: no scopes, one tier",
       kFailover,
       {},
       {ep(1, "q", "z"), ep(2, "r", "z")},
       {{"10.0.0.1:8080", "10.0.0.2:8080"}},
       {{"e1", 50}, {"e2", 50}},
       {}},
      {"FAILOVER: one healthy endpoint keeps its tier",
       kFailover,
       rz,
       {ep(1, "r", "z"), sick(ep(2, "r", "z")), ep(3, "r", "y")},
       {{"10.0.0.1:8080"}, {"10.0.0.3:8080"}},
       {{"e1", 100}},
       {{"e2", "unhealthy"}}},
      {"FAILOVER: capacity 0 beside others",
       kFailover,
       rz,
       {ep(1, "r", "z", 0), ep(2, "r", "z"), ep(3, "q", "z", 0)},
       {{"10.0.0.2:8080"}},
       {{"e2", 100}},
       {{"e1", "zero_capacity"}, {"e3", "zero_capacity"}}},
      {"FAILOVER: the nearest tier is chosen before it is weighed",
       kFailover,
       rz,
       {ep(1, "r", "z", 0), ep(2, "q", "z")},
       {},
       {},
       {{"e1", "zero_capacity"}, {"e2", "not_matched"}}},
      {"STRICT: every scope",
       kStrict,
       rz,
       {ep(1, "r", "z"), ep(2, "r", "y"), ep(3, "q", "z")},
       {{"10.0.0.1:8080"}},
       {{"e1", 100}},
       {{"e2", "not_matched"}, {"e3", "not_matched"}}},
      {"STRICT: nobody", kStrict, rz, {ep(2, "r", "y")}, {}, {}, {{"e2", "not_matched"}}},
      {"STRICT: no scopes, everyone",
       kStrict,
       {},
       {ep(1, "q", "z"), ep(2, "r", "z")},
       {{"10.0.0.1:8080", "10.0.0.2:8080"}},
       {{"e1", 50}, {"e2", 50}},
       {}},
      {"STRICT: unhealthy is said before not matched",
       kStrict,
       rz,
       {sick(ep(2, "q", "y"))},
       {},
       {},
       {{"e2", "unhealthy"}}},
      {"PASSTHROUGH: nothing at all",
       kPassthrough,
       {},
       {ep(1, "r", "z"), sick(ep(2, "r", "z"))},
       {},
       {},
       {}},
  };
}

TEST(WdsPlan, Rows) {
  for (const PlanRow& row : plan_rows()) {
    World world({.network = "", .cluster = "", .region = "r", .zone = "z"});
    world.apply({.services = {{.key = "a/x", .mode = row.mode, .preference = row.preference}},
                 .workloads = row.workloads});
    EXPECT_EQ(world.tiers("a/x"), row.tiers) << row.what;
    EXPECT_EQ(world.excluded("a/x"), row.excluded) << row.what;
    const auto shares = world.shares("a/x");
    EXPECT_EQ(shares.size(), row.shares.size()) << row.what;
    for (const auto& [uid, share] : row.shares) {
      EXPECT_NEAR(shares.contains(uid) ? shares.at(uid) : -1, share, 1e-3) << row.what << uid;
    }
  }
}

TEST(WdsPlan, StrictNeverReachesAnotherNetworkThoughItIsSkipped) {
  World world({.network = "n", .cluster = "", .region = "r", .zone = "z"});
  WorkloadRow elsewhere = ep(1, "r", "z");
  elsewhere.network = "x";
  world.apply(
      {.services = {{.key = "a/x", .mode = RoutingMode::kStrict, .preference = kNetworkRegionZone}},
       .workloads = {elsewhere}});
  EXPECT_EQ(world.excluded("a/x"), (std::map<std::string, std::string>{{"e1", "not_matched"}}));
}

TEST(WdsPlan, LeadingNetworkIsAnOption) {
  World world({.network = "n", .cluster = "", .region = "r", .zone = "z"});
  std::vector<WorkloadRow> workloads = {ep(1, "r", "z"), ep(2, "r", "q"), ep(3, "q", "z")};
  for (WorkloadRow& workload : workloads) workload.network = "x";
  world.apply({.services = {{.key = "a/x",
                             .mode = RoutingMode::kFailover,
                             .preference = kNetworkRegionZone}},
               .workloads = workloads});
  EXPECT_EQ(world.tiers("a/x"), (Tiers{{"10.0.0.1:8080"}, {"10.0.0.2:8080"}, {"10.0.0.3:8080"}}));
  world.options.leading_network = LeadingNetwork::kRequired;
  EXPECT_EQ(world.tiers("a/x"), (Tiers{{"10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"}}));
}

struct EmptyRow {
  const char* what;
  RoutingMode mode;
  policy::OnEmpty configured;
  bool in_sync;
  bool had_workload;
  const char* on_empty;
};

TEST(WdsPlan, OnEmpty) {
  using enum policy::OnEmpty;
  using enum RoutingMode;
  const std::vector<EmptyRow> rows = {
      {"refused by default", kUnspecified, kRefuse, true, true, "refuse"},
      {"STRICT too", kStrict, kRefuse, true, true, "refuse"},
      {"the option", kStrict, kPass, true, true, "pass"},
      {"before the feed is in sync", kStrict, kRefuse, false, true, "pass"},
      {"never had a workload", kStrict, kRefuse, true, false, "pass"},
      {"PASSTHROUGH passes", kPassthrough, kRefuse, true, true, "pass"},
  };
  for (const EmptyRow& row : rows) {
    World world;
    world.options.on_empty = row.configured;
    world.options.feed_was_in_sync = row.in_sync;
    world.apply({.services = {{.key = "a/x", .mode = row.mode}}});
    if (row.had_workload) world.snapshot.mark_had_workload(world.symbol("a/x"));
    EXPECT_EQ(world.explanation("a/x").on_empty, row.on_empty) << row.what;
  }
}

}  // namespace
}  // namespace vicinity::testing
