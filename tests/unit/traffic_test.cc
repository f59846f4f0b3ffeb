// Where connects went: what tiers mean in places, and how counts become connects by place.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "feed/file/mesh_file.h"
#include "traffic.h"

namespace vicinity {
namespace {

using ::testing::ElementsAre;

// "node 0.5 z1, zone 0.5 z1" of each tier.
std::string text_of(const std::vector<PlaceShare>& shares) {
  std::string text;
  for (const PlaceShare& share : shares) {
    text += fmt::format("{}{} {:.2f} {}", text.empty() ? "" : ", ", share.near, share.share,
                        share.zone);
  }
  return text;
}

std::vector<PlaceShare> zone1() { return {{"r", "z1", "zone", 1}}; }
std::vector<PlaceShare> two_zones() {
  return {{"r", "z1", "zone", 0.25}, {"r", "z2", "region", 0.75}};
}

dataplane::TierCounts counted(const std::string& service, std::vector<uint64_t> by_tier) {
  return {.service = service, .by_tier = std::move(by_tier)};
}

// "a 0 zone z1 4" of each row.
std::vector<std::string> rows_of(const Traffic& traffic) {
  std::vector<std::string> rows;
  for (const auto& row : traffic.by_service()) {
    rows.push_back(fmt::format("{} {} {} {} {}", row.service, row.tier, row.place.near,
                               row.place.zone, row.place.connects));
  }
  return rows;
}
std::vector<std::string> places_of(const Traffic& traffic) {
  std::vector<std::string> rows;
  for (const auto& row : traffic.by_place()) {
    rows.push_back(fmt::format("{} {} {}", row.near, row.zone, row.connects));
  }
  return rows;
}

TEST(Traffic, OnlyServicesThatRefusedHaveRefusals) {
  const auto rows = refusals_in({counted("a", {4}), {.service = "b", .by_tier = {}, .refused = 3}});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].service, "b");
  EXPECT_EQ(rows[0].connects, 3u);
}

TEST(Traffic, SharesOutWhatIsNewAsTheTierDoesIt) {
  Traffic traffic;
  const auto places = [](std::string_view) { return PlacesByTier{zone1(), two_zones()}; };
  traffic.account({counted("a", {4, 4})}, places);
  EXPECT_THAT(rows_of(traffic), ElementsAre("a 0 zone z1 4", "a 1 zone z1 1", "a 1 region z2 3"));
  traffic.account({counted("a", {5, 8})}, places);
  EXPECT_THAT(rows_of(traffic), ElementsAre("a 0 zone z1 5", "a 1 zone z1 2", "a 1 region z2 6"));
  EXPECT_THAT(places_of(traffic), ElementsAre("zone z1 7", "region z2 6"));
}

TEST(Traffic, AsksForPlacesAgainOnlyWhenTheyMayBeOthers) {
  Traffic traffic;
  int asked = 0;
  std::vector<PlaceShare> now = zone1();
  const auto places = [&](std::string_view) {
    ++asked;
    return PlacesByTier{now};
  };
  traffic.account({counted("a", {1})}, places);
  now = {{"r", "z2", "region", 1}};
  traffic.account({counted("a", {2})}, places);
  EXPECT_EQ(asked, 1);
  traffic.forget_places("a");
  traffic.account({counted("a", {2})}, places);
  EXPECT_EQ(asked, 1) << "nothing new to share out";
  traffic.account({counted("a", {3})}, places);
  EXPECT_THAT(rows_of(traffic), ElementsAre("a 0 zone z1 2", "a 0 region z2 1"));
}

TEST(Traffic, ARowThatStartsAgainAndAServiceThatGoes) {
  Traffic traffic;
  const auto places = [](std::string_view) { return PlacesByTier{zone1()}; };
  traffic.account({counted("a", {9})}, places);
  traffic.account({counted("a", {2})}, places);
  EXPECT_THAT(rows_of(traffic), ElementsAre("a 0 zone z1 11"));
  traffic.account({}, places);
  EXPECT_TRUE(rows_of(traffic).empty());
  EXPECT_THAT(places_of(traffic), ElementsAre("zone z1 11"));
}

TEST(Traffic, WhatNoTierExplainsIsUnknown) {
  Traffic traffic;
  traffic.account({counted("(others)", {3})}, [](std::string_view) { return PlacesByTier{}; });
  EXPECT_THAT(rows_of(traffic), ElementsAre("(others) 0 unknown  3"));
}

constexpr const char* kMesh = R"(service:
  name: web
  namespace: sample
  hostname: web.example
  addresses: ["10.96.0.10"]
  ports: [{servicePort: 80, targetPort: 8080}]
  loadBalancing: {mode: FAILOVER, routingPreference: [REGION]}
)";

std::string workload(const std::string& name, const std::string& node, const std::string& zone) {
  return fmt::format(
      "---\nworkload:\n  uid: {0}\n  name: {0}\n  namespace: sample\n  node: {1}\n"
      "  addresses: [\"10.1.0.{2}\"]\n  locality: {{region: r{3}, zone: {4}}}\n"
      "  services: {{\"sample/web.example\": {{ports: [{{servicePort: 80, targetPort: "
      "8080}}]}}}}\n",
      name, node, name.substr(1), zone.front() == 'y' ? "2" : "", zone);
}

TEST(Traffic, ATierIsWhereItsEndpointsAre) {
  model::Snapshot snapshot("worker", {});
  const std::string text = kMesh + workload("w1", "worker", "z1") + workload("w2", "other", "z1") +
                           workload("w3", "third", "z2") + workload("w4", "third", "z2") +
                           workload("w5", "far", "y1");
  const auto errors = feed::load_mesh_into(snapshot, text);
  ASSERT_TRUE(errors.empty()) << errors[0].message;
  const PlacesByTier places = vicinity::places_of("sample/web.example", snapshot, {});
  ASSERT_EQ(places.size(), 2u);
  EXPECT_EQ(text_of(places[0]), "node 0.25 z1, zone 0.25 z1, region 0.50 z2");
  EXPECT_EQ(text_of(places[1]), "elsewhere 1.00 y1");
  EXPECT_TRUE(vicinity::places_of("sample/nobody", snapshot, {}).empty());
}

}  // namespace
}  // namespace vicinity
