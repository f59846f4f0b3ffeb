// Tables made by two threads are those that one makes, in the order asked for.
#include "wanted_tables.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake_dataplane.h"
#include "unit/model_rows.h"

namespace vicinity {
namespace {

using testing::World;

std::string service_name(int i) { return "sample/s" + std::to_string(i); }

// Service i has an endpoint near, and i % 4 far ones. Every fifth one has no address.
World world_of(int services) {
  World world;
  testing::DeltaRow rows;
  for (int i = 0; i < services; ++i) {
    testing::ServiceRow service{.key = service_name(i), .addresses = {}};
    const std::string tail = std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    if (i % 5 != 4) service.addresses = {"10.96." + tail};
    rows.services.push_back(service);
    for (int j = 0; j <= i % 4; ++j) {
      rows.workloads.push_back({.uid = service.key + "/w" + std::to_string(j),
                                .addresses = {"10." + std::to_string(j) + "." + tail},
                                .node = j == 0 ? "here" : "there",
                                .services = {{service.key, {{80, 8080}}}}});
    }
  }
  world.apply(rows);
  return world;
}

const compile::ServiceTable* table_of(const Wanted& wanted) {
  EXPECT_TRUE(wanted.compiled.ok());
  return wanted.service() == nullptr ? nullptr : &wanted.service()->table;
}

class WantedTables : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Few, WantedTables, ::testing::Values(0, 1, 5, 63));
INSTANTIATE_TEST_SUITE_P(Many, WantedTables, ::testing::Values(64, 67, 1000));

TEST_P(WantedTables, AreThoseOfEachServiceInTheOrderGiven) {
  World world = world_of(GetParam());
  testing::FakeDataplane dataplane;
  const WantedFrom from{
      .snapshot = world.snapshot, .options = world.options, .dataplane = dataplane};
  std::vector<model::SymbolId> services;
  compile::Diff published;
  for (int i = GetParam() - 1; i >= 0; --i) {
    services.push_back(world.symbol(service_name(i)));
    const Wanted alone = wanted_table(from, services.back());
    if (i % 2 != 0 || table_of(alone) == nullptr) continue;
    published.upserts.push_back(*table_of(alone));
    if (i % 4 != 0) published.upserts.back().ports.clear();  // another table than the wanted one
  }
  EXPECT_TRUE(dataplane.apply(published).refused.empty());

  const std::vector<Wanted> wanted = wanted_tables(from, services);
  ASSERT_EQ(wanted.size(), services.size());
  for (size_t at = 0; at < wanted.size(); ++at) {
    const int i = GetParam() - 1 - static_cast<int>(at);
    SCOPED_TRACE(service_name(i));
    const Wanted alone = wanted_table(from, services[at]);
    ASSERT_EQ(table_of(wanted[at]) == nullptr, i % 5 == 4);
    if (i % 5 == 4) continue;
    EXPECT_EQ(table_of(wanted[at])->name, service_name(i));
    EXPECT_EQ(*table_of(wanted[at]), *table_of(alone));
    EXPECT_EQ(wanted[at].is_published, i % 4 == 0);
  }
}

}  // namespace
}  // namespace vicinity
