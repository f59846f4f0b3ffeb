// Names that nothing uses any more are freed; those in use stay what and where they are.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "model/symbol_uses.h"
#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

using model::SymbolId;
using model::Symbols;
using model::SymbolUses;

size_t live_bytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

void keep(Symbols& symbols, const std::vector<SymbolId>& used) {
  SymbolUses uses(symbols);
  for (const SymbolId id : used) uses.add(id);
  symbols.keep_only(uses);
}

TEST(Symbols, ANameInUseKeepsItsIdAndItsPlace) {
  Symbols symbols;
  std::vector<SymbolId> kept;
  std::vector<std::string_view> views;
  for (int i = 0; i < 1000; ++i) {
    const SymbolId id = symbols.intern(fmt::format("name-{}", i));
    if (i % 3 != 0) continue;
    kept.push_back(id);
    views.push_back(symbols.name(id));
  }
  keep(symbols, kept);
  for (int i = 0; i < 2000; ++i) symbols.intern(fmt::format("other-{}", i));
  for (size_t i = 0; i < kept.size(); ++i) {
    const std::string name = fmt::format("name-{}", 3 * i);
    EXPECT_EQ(symbols.find(name), kept[i]);
    EXPECT_EQ(symbols.intern(name), kept[i]);
    EXPECT_EQ(symbols.name(kept[i]), name);
    EXPECT_EQ(symbols.name(kept[i]).data(), views[i].data());
  }
}

TEST(Symbols, AFreedNameIsForgottenAndItsIdGivenOutAgain) {
  Symbols symbols;
  const SymbolId first = symbols.intern("first");
  const SymbolId second = symbols.intern("second");
  keep(symbols, {second});
  EXPECT_EQ(symbols.size(), 2U);  // the empty one too
  EXPECT_EQ(symbols.find("first"), std::nullopt);
  EXPECT_EQ(symbols.name(first), "");
  EXPECT_EQ(symbols.intern(""), SymbolId{});
  EXPECT_EQ(symbols.intern("third"), first);
  EXPECT_EQ(symbols.name(first), "third");
  EXPECT_EQ(symbols.name(second), "second");
  const size_t ids = symbols.ids();
  EXPECT_EQ(symbols.intern("first").value, ids);
}

TEST(Symbols, FreeingTwiceGivesNoIdOutTwice) {
  Symbols symbols;
  for (const char* name : {"a", "b", "c"}) symbols.intern(name);
  keep(symbols, {});
  keep(symbols, {});
  EXPECT_EQ(symbols.size(), 1U);
  std::vector<SymbolId> ids;
  for (const char* name : {"d", "e", "f", "g"}) ids.push_back(symbols.intern(name));
  std::ranges::sort(ids);
  EXPECT_TRUE(std::ranges::adjacent_find(ids) == ids.end());
  for (const char* name : {"d", "e", "f", "g"}) {
    EXPECT_EQ(symbols.name(*symbols.find(name)), name);
  }
}

TEST(Symbols, RoomOfEveryLengthIsUsedAgain) {
  Symbols symbols;
  const auto fill = [&](char letter) {
    for (size_t length = 1; length < 200; ++length) symbols.intern(std::string(length, letter));
    symbols.intern(std::string(100'000, letter));
  };
  fill('a');
  const size_t before = symbols.bytes();
  for (const char letter : {'b', 'c', 'd'}) {
    keep(symbols, {});
    fill(letter);
    for (size_t length = 1; length < 200; ++length) {
      const std::string name(length, letter);
      EXPECT_EQ(symbols.name(*symbols.find(name)), name);
    }
  }
  EXPECT_LT(symbols.bytes(), before + 16'000);  // the lists of free rooms
}

// A pod that no other is like: its own node, zone, labels, service.
DeltaRow pod(int number) {
  const std::string service = fmt::format("team/service-{}.example", number);
  return {.services = {{.key = service}},
          .workloads = {{.uid = fmt::format("Kubernetes//Pod/team/{}", number),
                         .node = fmt::format("node-{}", number),
                         .services = {{service, {{80, 8080}}}},
                         .labels = {{"pod-uid", fmt::format("b7a3c5d1-4d1e-{:08x}", number)}},
                         .canonical_name = fmt::format("canonical-{}", number)}}};
}

std::vector<std::string> names_of(const DeltaRow& row) {
  return {row.services[0].key, row.workloads[0].uid};
}

struct Growth {
  size_t names = 0;  // interned, all told
  size_t most = 0;   // ids at once
  double bytes = 0;  // of the snapshot, behind the last of them
};

// `pods` come one after the other, each `lives` after the one before it has come.
Growth churn(int pods, int lives, bool sweeps) {
  const size_t before = live_bytes();
  World world;
  world.apply(pod(-1));
  Growth growth;
  for (int i = 0; i < pods; ++i) {
    world.apply(pod(i));
    if (i >= lives) world.apply({.removed = names_of(pod(i - lives))});
    static_cast<void>(world.changes());
    growth.names += 5;
    Symbols& symbols = world.snapshot.symbols();
    if (sweeps && symbols.is_sweep_due()) world.snapshot.free_unused_symbols();
    growth.most = std::max(growth.most, symbols.ids());
  }
  EXPECT_EQ(world.snapshot.workload_count(), static_cast<size_t>(lives) + 1);
  EXPECT_NE(world.snapshot.find_service(world.symbol("team/service--1.example")), nullptr);
  growth.bytes = static_cast<double>(live_bytes() - before);
  return growth;
}

TEST(Symbols, AMillionNamesThatComeAndGoTakeNoRoom) {
  constexpr int kPods = 200'000;
  constexpr int kLive = 1'000;
  const Growth kept = churn(kPods / 4, kLive, false);
  const Growth quarter = churn(kPods / 4, kLive, true);
  const Growth whole = churn(kPods, kLive, true);
  fmt::print("never freed: {} names, {:.1f} MB, {:.0f} bytes a name\n", kept.names,
             kept.bytes / 1e6, kept.bytes / static_cast<double>(kept.names));
  fmt::print("freed:       {} names, at most {} at once, {:.1f} MB\n", quarter.names, quarter.most,
             quarter.bytes / 1e6);
  fmt::print("freed:       {} names, at most {} at once, {:.1f} MB\n", whole.names, whole.most,
             whole.bytes / 1e6);
  EXPECT_GE(whole.names, 1'000'000U);
  EXPECT_GT(kept.most, kept.names);
  // What lives, twice, and what may come before a look is worth it.
  EXPECT_LT(whole.most, Symbols::kFewNames + 2 * 8 * kLive);
  EXPECT_EQ(whole.most, quarter.most);
}

TEST(Symbols, AServiceThatIsGoneIsForgottenOnceThatIsPublished) {
  World world;
  const DeltaRow row = pod(1);
  const std::string& name = row.services[0].key;
  world.apply(row);
  world.apply({.removed = {row.workloads[0].uid}});
  world.snapshot.free_unused_symbols();
  EXPECT_TRUE(world.snapshot.had_workload(world.symbol(name)));
  world.apply({.removed = {name}});
  world.snapshot.free_unused_symbols();
  EXPECT_EQ(world.changes(), std::vector<std::string>{name});
  world.snapshot.free_unused_symbols();
  EXPECT_EQ(world.snapshot.symbols().find(name), std::nullopt);
  EXPECT_FALSE(world.snapshot.had_workload(world.symbol(name)));
}

// Their endpoints may still be there, or they may be back before their ejections end.
TEST(Symbols, WhatAServiceIsRememberedByKeepsItsName) {
  World world;
  const SymbolId bound = world.symbol("a/bound");
  const SymbolId ejected = world.symbol("a/ejected");
  world.apply({.workloads = {{.uid = "w", .services = {{"a/bound", {}}}}}});
  const model::EjectedEndpoint host{.service_port = 80, .address = ip("10.0.0.1"), .port = 8080};
  world.snapshot.set_ejected(ejected, {host});
  world.snapshot.free_unused_symbols();
  EXPECT_EQ(world.symbol("a/bound"), bound);
  EXPECT_TRUE(world.snapshot.had_workload(bound));
  EXPECT_EQ(world.symbol("a/ejected"), ejected);
  EXPECT_EQ(world.snapshot.ejected(ejected).size(), 1U);
}

}  // namespace
}  // namespace vicinity::testing
