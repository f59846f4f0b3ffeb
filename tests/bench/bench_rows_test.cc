// The rows of the connect benchmark are what their names say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "bench/cluster.h"
#include "bench/foreign.h"
#include "bench/rows.h"
#include "bench/rules.h"
#include "support/gtest_support.h"

namespace vicinity::bench {
namespace {

constexpr Shape kSmall = {.services = 10, .endpoints = 12};

compile::Diff tables_of(const ClusterSpec& spec) {
  absl::StatusOr<compile::Diff> diff = compile_cluster(make_cluster(spec), spec);
  EXPECT_TRUE(diff.ok()) << diff.status();
  return diff.ok() ? *std::move(diff) : compile::Diff{};
}

size_t slots_of(const compile::Diff& diff) {
  size_t slots = 0;
  for (const compile::ServiceTable& service : diff.upserts) {
    slots += service.ports.front().slots.size();
  }
  return slots;
}

TEST(Rows, NamesAreUnique) {
  std::set<std::string> names;
  for (const VariantSpec& spec : variant_specs({})) EXPECT_TRUE(names.insert(spec.name).second);
}

TEST(Rows, EachProgramHasOneFloor) {
  const std::vector<VariantSpec> specs = variant_specs({});
  for (const VariantSpec& spec : specs) {
    const auto is_floor = [&](const VariantSpec& floor) { return is_floor_of(floor, spec); };
    EXPECT_EQ(std::ranges::count_if(specs, is_floor), 1) << spec.name;
  }
}

TEST(Rows, AForeignObjectIsARowWhenItIsGiven) {
  const auto is_foreign = [](const VariantSpec& spec) {
    return spec.rewriter == Rewriter::kForeign;
  };
  EXPECT_TRUE(std::ranges::none_of(variant_specs({}), is_foreign));
  EXPECT_TRUE(
      std::ranges::any_of(variant_specs({.object_file = "x", .fill_program = "y"}), is_foreign));
}

TEST(Cluster, EndpointsOfTheFirstServiceLeaveTheWholeAsItIs) {
  for (const uint32_t first : {1U, 100U}) {
    Shape shape = kSmall;
    shape.first = first;
    const compile::Diff diff = tables_of({.shape = shape});
    ASSERT_EQ(diff.upserts.size(), 10U);
    EXPECT_EQ(diff.upserts.front().ports.front().slots.size(), first);
    EXPECT_EQ(slots_of(diff), shape.all_endpoints());
  }
}

TEST(Cluster, TiersAreOfEqualSizeAndTheFirstHasAllLoad) {
  for (const uint32_t tiers : {1U, 2U, 4U}) {
    const compile::Diff diff = tables_of({.shape = kSmall, .tiers = tiers});
    const compile::PortTable& port = diff.upserts.front().ports.front();
    ASSERT_EQ(port.tiers.size(), tiers);
    EXPECT_EQ(port.loaded, 12 / tiers);
    EXPECT_EQ(port.tiers.front().load_percent, 100);
    EXPECT_FALSE(port.weighted);
    for (const compile::TableTier& tier : port.tiers) EXPECT_EQ(tier.count, 12 / tiers);
  }
}

TEST(Cluster, FarEndpointsAreAMiss) {
  for (const auto& [where, on_empty] :
       {std::pair{Endpoints::kFarAndRefused, policy::OnEmpty::kRefuse},
        std::pair{Endpoints::kFarAndPassed, policy::OnEmpty::kPass}}) {
    const compile::Diff diff = tables_of({.shape = kSmall, .where = where});
    ASSERT_EQ(diff.upserts.size(), 10U);
    EXPECT_EQ(diff.upserts.front().ports.front().loaded, 0);
    EXPECT_EQ(diff.upserts.front().ports.front().on_empty, on_empty);
  }
}

TEST(Cluster, DetectionWatchesEveryTable) {
  const compile::Diff diff = tables_of({.shape = kSmall, .detection = Detection::kOn});
  for (const compile::ServiceTable& service : diff.upserts) {
    EXPECT_TRUE(service.ports.front().watch.has_value());
  }
}

TEST(Foreign, ALineForEachEndpoint) {
  const compile::Diff diff = tables_of({.shape = {.services = 1, .endpoints = 3}});
  EXPECT_EQ(table_lines(diff),
            "10.96.0.1 80 10.128.0.1 8080 0 1\n"
            "10.96.0.1 80 10.128.0.2 8080 1 0\n"
            "10.96.0.1 80 10.128.0.3 8080 2 0\n");
}

TEST(Rules, IpvsHasAServerForEachService) {
  EXPECT_EQ(ipvs_rules({.services = 2, .endpoints = 1}),
            "-A -t 10.96.0.1:80 -s rr\n"
            "-a -t 10.96.0.1:80 -r 10.128.0.1:8080 -m -w 1\n"
            "-A -t 10.96.0.2:80 -s rr\n"
            "-a -t 10.96.0.2:80 -r 10.128.0.2:8080 -m -w 1\n");
}

}  // namespace
}  // namespace vicinity::bench
