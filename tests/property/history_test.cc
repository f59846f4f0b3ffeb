// The tables depend on what is true now, not on how it came about.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "compile/diff.h"
#include "property/random_world.h"

namespace vicinity::testing {
namespace {

constexpr uint64_t kSeeds = 150;
constexpr int kMessages = 12;

// Whether a service ever had a workload is history by definition: alike for all here.
compile::Tables tables_of(World& world) {
  for (int i = 0; i < 5; ++i) world.snapshot.mark_had_workload(world.symbol(service_name(i)));
  return world.tables();
}

std::vector<DeltaRow> history(uint64_t seed) {
  RandomRows rows(seed);
  std::vector<DeltaRow> messages = {{.workloads = {anchor()}}};
  for (int i = 0; i < kMessages; ++i) messages.push_back(rows.delta());
  return messages;
}

// Every message cut into one delta per resource, in any order.
std::vector<DeltaRow> split(const DeltaRow& message, std::mt19937_64& random) {
  std::vector<DeltaRow> parts;
  for (const std::string& name : message.removed) parts.push_back({.removed = {name}});
  for (const ServiceRow& service : message.services) parts.push_back({.services = {service}});
  for (const WorkloadRow& workload : message.workloads) parts.push_back({.workloads = {workload}});
  std::ranges::shuffle(parts, random);
  return parts;
}

// The last operation on each name, all in one.
DeltaRow squashed(const std::vector<DeltaRow>& messages) {
  std::map<std::string, DeltaRow> last;
  for (const DeltaRow& message : messages) {
    for (const std::string& name : message.removed) last[name] = {.removed = {name}};
    for (const ServiceRow& row : message.services) last[row.key] = {.services = {row}};
    for (const WorkloadRow& row : message.workloads) last[row.uid] = {.workloads = {row}};
  }
  DeltaRow all;
  for (const auto& [name, one] : last) {
    std::ranges::copy(one.removed, std::back_inserter(all.removed));
    std::ranges::copy(one.services, std::back_inserter(all.services));
    std::ranges::copy(one.workloads, std::back_inserter(all.workloads));
  }
  return all;
}

TEST(History, Peers_22_NoOrderOfResourcesMatters) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const auto messages = history(seed);
    std::mt19937_64 random(seed);
    World whole;
    World in_parts;
    World at_once;
    World at_once_in_parts;
    for (const DeltaRow& message : messages) {
      whole.apply(message);
      for (const DeltaRow& part : split(message, random)) in_parts.apply(part);
    }
    at_once.apply(squashed(messages));
    for (const DeltaRow& part : split(squashed(messages), random)) at_once_in_parts.apply(part);

    const auto expected = tables_of(whole);
    ASSERT_EQ(to_text(tables_of(in_parts)), to_text(expected)) << "seed " << seed;
    ASSERT_EQ(to_text(tables_of(at_once)), to_text(expected)) << "seed " << seed;
    ASSERT_EQ(to_text(tables_of(at_once_in_parts)), to_text(expected)) << "seed " << seed;
    ASSERT_EQ(tables_of(at_once_in_parts), expected) << "seed " << seed;
    ASSERT_TRUE(whole.snapshot == at_once_in_parts.snapshot) << "seed " << seed;
  }
}

// Recompiling only what take_changes() names gives the same as recompiling everything.
TEST(History, NoChangeIsMissed) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    World world;
    compile::Tables kept;
    for (const DeltaRow& message : history(seed)) {
      world.apply(message);
      for (const std::string& name : world.changes()) {
        const auto table =
            compile::compile_service(world.snapshot, world.symbol(name), world.options);
        ASSERT_TRUE(table.ok());
        kept.services.erase(name);
        if (table->has_value()) kept.services.emplace(name, **table);
      }
      const auto difference = compile::diff(kept, world.tables());
      ASSERT_TRUE(difference.empty()) << "seed " << seed << "\n" << to_text(difference);
    }
  }
}

TEST(History, TheSameMessageTwiceChangesNothing) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    World world;
    for (const DeltaRow& message : history(seed)) {
      world.apply(message);
      static_cast<void>(world.changes());
      world.apply({.services = message.services, .workloads = message.workloads});
      ASSERT_EQ(world.changes(), std::vector<std::string>{}) << "seed " << seed;
    }
  }
}

// Ids that are freed and given out again change neither tables nor what is to be recompiled.
TEST(History, FreedNamesAreMissedNowhere) {
  size_t freed = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    std::mt19937_64 random(seed);
    World kept;
    World swept;
    for (const DeltaRow& message : history(seed)) {
      for (World* world : {&kept, &swept}) world->apply(message);
      const size_t before = swept.snapshot.symbols().size();
      swept.snapshot.free_unused_symbols();
      freed += before - swept.snapshot.symbols().size();
      for (int i = 0; i < 40; ++i) {
        swept.snapshot.symbols().intern(fmt::format("other-{}-{}", random(), i));
      }
      ASSERT_TRUE(swept.snapshot == kept.snapshot) << "seed " << seed;
      ASSERT_EQ(to_text(swept.tables()), to_text(kept.tables())) << "seed " << seed;
      ASSERT_EQ(swept.owners(), kept.owners()) << "seed " << seed;
      ASSERT_EQ(swept.self(), kept.self()) << "seed " << seed;
      if (random() % 2 == 0) continue;
      ASSERT_EQ(swept.changes(), kept.changes()) << "seed " << seed;
    }
  }
  EXPECT_GT(freed, 10'000U);
}

}  // namespace
}  // namespace vicinity::testing
