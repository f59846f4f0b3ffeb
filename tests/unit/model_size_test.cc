// What a large cluster costs: bytes per workload, time per change, time per compiled service.
// Prints its measurements; asserts those that do not depend on the machine.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "unit/model_rows.h"

namespace vicinity::testing {
namespace {

// Bytes the allocator holds for live objects, its own headers included; a sanitizer's says nothing.
size_t live_bytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// A pod of a cluster with 10,000 services, 1,000 nodes, 5 regions of 3 zones; three in four pods
// are in one service, the others in two.
model::Workload generated(int number, model::Symbols& symbols) {
  const int service = number % 10000;
  const int node = (number * 7) % 1000;
  const std::string name = fmt::format("team{}/service-{}.team{}.svc.cluster.local", service % 50,
                                       service, service % 50);
  const std::string second = fmt::format("team{}/all-{}.team{}.svc.cluster.local", service % 50,
                                         service % 100, service % 50);
  WorkloadRow row{
      .uid = fmt::format("Kubernetes//Pod/team{}/service-{}-{:08x}-{:05x}", service % 50, service,
                         service * 2654435761U, number),
      .addresses = {fmt::format("10.{}.{}.{}", number >> 16, (number >> 8) & 255, number & 255)},
      .region = fmt::format("region{}", node % 5),
      .zone = fmt::format("region{}-{}", node % 5, node % 3),
      .node = fmt::format("ip-10-0-{}-{}.compute.internal", node / 250, node % 250),
      .services = {{name, {{80, 8080}, {9090, 9090}}}}};
  if (number % 4 == 0) row.services[second] = {{80, 8080}};
  model::Workload workload = to_workload(row, symbols);
  workload.name_space = symbols.intern(fmt::format("team{}", service % 50));
  workload.canonical_name = symbols.intern(fmt::format("service-{}", service));
  workload.canonical_revision = symbols.intern("latest");
  return workload;
}

TEST(ModelSize, AWorkloadTakesUnder600Bytes) {
  constexpr int kWorkloads = 100'000;
  model::Snapshot snapshot("ip-10-0-0-1.compute.internal");
  const size_t before = live_bytes();
  for (int i = 0; i < kWorkloads; ++i) {
    model::Delta delta;
    delta.workloads.push_back(generated(i, snapshot.symbols()));
    snapshot.apply(std::move(delta));
  }
  const double each = static_cast<double>(live_bytes() - before) / kWorkloads;
  fmt::print("{} workloads, {} symbols: {:.0f} bytes per workload (sizeof {})\n", kWorkloads,
             snapshot.symbols().size(), each, sizeof(model::Workload));
  EXPECT_EQ(snapshot.workload_count(), size_t{kWorkloads});
  EXPECT_LT(each, 600);
  const size_t names = snapshot.symbols().size();
  const double start = cpu_seconds();
  snapshot.free_unused_symbols();
  fmt::print("a look for names that nothing uses: {:.1f} ms\n", (cpu_seconds() - start) * 1e3);
  EXPECT_EQ(snapshot.symbols().size(), names);
}

TEST(ModelSize, Peers_21_ARemovalCostsWhatAnAdditionCosts) {
  constexpr int kEndpoints = 200'000;
  World world;
  std::vector<std::string> uids;
  for (int i = 0; i < kEndpoints; ++i) uids.push_back(fmt::format("workload-{}", i));
  const double start = cpu_seconds();
  for (const std::string& uid : uids) {
    world.apply(
        {.workloads = {{.uid = uid, .addresses = {"10.0.0.1"}, .services = {{"a/x", {}}}}}});
  }
  const double added = cpu_seconds();
  std::ranges::shuffle(uids, std::mt19937(1));
  for (const std::string& uid : uids) world.apply({.removed = {uid}});
  const double removed = cpu_seconds();
  fmt::print("{} endpoints of one service: {:.2f} us per addition, {:.2f} us per removal\n",
             kEndpoints, (added - start) / kEndpoints * 1e6, (removed - added) / kEndpoints * 1e6);
  EXPECT_EQ(world.snapshot.workload_count(), 0u);
  EXPECT_TRUE(world.snapshot.endpoints(world.symbol("a/x")).empty());
  // A search through the list for each removal is some 20 times as much as an addition.
  EXPECT_LT(removed - added, 5 * (added - start));
}

compile::Tables compiled(int endpoints, uint32_t capacities) {
  World world({.network = "", .cluster = "", .region = "region0", .zone = "region0-0"});
  DeltaRow delta;
  delta.services = {{.key = "a/x",
                     .addresses = {"10.96.0.1"},
                     .mode = model::RoutingMode::kFailover,
                     .preference = {model::Scope::kNetwork, model::Scope::kRegion}}};
  world.apply(delta);
  for (int i = 0; i < endpoints; ++i) {
    WorkloadRow row{.uid = fmt::format("workload-{}", i),
                    .addresses = {fmt::format("10.0.{}.{}", i >> 8, i & 255)},
                    .region = fmt::format("region{}", i % 2),
                    .services = {{"a/x", {}}},
                    .capacity = 1 + static_cast<uint32_t>(i) % capacities};
    world.apply({.workloads = {row}});
  }
  const double start = cpu_seconds();
  constexpr int kRounds = 10;
  compile::Tables tables;
  for (int i = 0; i < kRounds; ++i) tables = world.tables();
  fmt::print("compile {:>6} endpoints, {} capacities: {:>8.1f} us\n", endpoints, capacities,
             (cpu_seconds() - start) / kRounds * 1e6);
  return tables;
}

TEST(ModelSize, CompileTime) {
  for (const uint32_t capacities : {1U, 7U}) {
    for (const int endpoints : {100, 1'000, 10'000}) {
      const auto tables = compiled(endpoints, capacities);
      EXPECT_EQ(tables.services.at("a/x").ports.at(0).slots.size(), size_t(endpoints));
    }
  }
}

}  // namespace
}  // namespace vicinity::testing
