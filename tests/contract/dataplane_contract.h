// What every Dataplane keeps, as rows: instantiated for the fake and for the kernel's.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "contract/table_builder.h"
#include "dataplane/dataplane.h"
#include "support/gtest_support.h"

namespace vicinity::testing {

struct ContractSpec {
  uint64_t slots = 0;  // limit of each family; 0: none
};

// One data plane with whatever it needs around it.
class ContractSubject {
 public:
  virtual ~ContractSubject() = default;
  virtual dataplane::Dataplane& dataplane() = 0;
  // Returns when nothing waits for a grace period any more.
  virtual void settle() = 0;
};

using ContractFactory = std::function<std::unique_ptr<ContractSubject>(const ContractSpec&)>;

class DataplaneContract : public ::testing::TestWithParam<ContractFactory> {
 protected:
  void start(const ContractSpec& spec) { subject_ = GetParam()(spec); }
  dataplane::Dataplane& dataplane() { return subject_->dataplane(); }
  void settle() { subject_->settle(); }

  static compile::PortTable http(const std::vector<EndpointSpec>& endpoints) {
    return port_table(80, model::Family::kIpv4, endpoints);
  }
  static compile::ServiceTable one(std::string name, std::string address, int endpoints) {
    std::vector<EndpointSpec> specs;
    for (int i = 0; i < endpoints; ++i) {
      specs.push_back({.address = "10.244.1." + std::to_string(i + 1), .port = 8080});
    }
    return service_table(std::move(name), {std::move(address)}, {http(specs)});
  }

  [[nodiscard]] static compile::Tables without_slots(compile::Tables tables) {
    for (auto& [name, table] : tables.services) {
      for (compile::PortTable& port : table.ports) port.slots.clear();
    }
    return tables;
  }

  std::unique_ptr<ContractSubject> subject_;
};

TEST_P(DataplaneContract, StartsEmpty) {
  start({});
  EXPECT_EQ(dataplane().read_all(), compile::Tables{});
  EXPECT_EQ(dataplane().read("ns/none"), std::nullopt);
  EXPECT_EQ(dataplane().load_context(), std::nullopt);
}

TEST_P(DataplaneContract, ReadsBackWhatWasApplied) {
  start({});
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    RandomTables random(seed);
    for (int step = 0; step < 10; ++step) {
      const compile::Tables want = random.next();
      const compile::Diff change = compile::diff(dataplane().read_all(), want);
      for (const compile::ServiceTable& table : change.upserts) {
        ASSERT_FALSE(dataplane().holds(table)) << table.name;
      }
      const dataplane::ApplyResult result = dataplane().apply(change);
      ASSERT_TRUE(result.refused.empty()) << result.refused.front().status;
      EXPECT_EQ(result.published, change.upserts.size());
      EXPECT_EQ(result.removed, change.removals.size());
      ASSERT_EQ(compile::to_text(dataplane().read_all()), compile::to_text(want))
          << "seed " << seed << " step " << step;
      ASSERT_EQ(dataplane().read_all(), want);
      compile::Tables headings;
      dataplane().for_each_heading([&](const compile::ServiceTable& heading) {
        EXPECT_TRUE(headings.services.emplace(heading.name, heading).second) << heading.name;
      });
      ASSERT_EQ(headings, without_slots(want));
      for (const auto& [name, table] : want.services) {
        ASSERT_TRUE(dataplane().has(name) && dataplane().holds(table)) << name;
      }
      for (const std::string& name : change.removals) ASSERT_FALSE(dataplane().has(name)) << name;
      dataplane().maintain();
    }
  }
  settle();
}

TEST_P(DataplaneContract, AnAddressChangesHandsInOneDiff) {
  start({});
  const compile::ServiceTable left = one("ns/left", "10.96.0.1", 2);
  const compile::ServiceTable right = one("ns/right", "10.96.0.2", 3);
  ASSERT_TRUE(dataplane().apply({.upserts = {left, right}, .removals = {}}).refused.empty());
  const compile::ServiceTable left_next = one("ns/left", "10.96.0.2", 2);
  const compile::ServiceTable right_next = one("ns/right", "10.96.0.1", 3);
  ASSERT_TRUE(
      dataplane().apply({.upserts = {left_next, right_next}, .removals = {}}).refused.empty());
  EXPECT_EQ(dataplane().read("ns/left"), left_next);
  EXPECT_EQ(dataplane().read("ns/right"), right_next);
  const compile::ServiceTable third = one("ns/third", "10.96.0.1", 1);
  ASSERT_TRUE(dataplane().apply({.upserts = {third}, .removals = {"ns/right"}}).refused.empty());
  EXPECT_EQ(dataplane().read("ns/right"), std::nullopt);
  EXPECT_EQ(dataplane().read("ns/third"), third);
}

TEST_P(DataplaneContract, AServiceThatStaysLosesAnAddressToTheNextOwner) {
  start({});
  compile::ServiceTable both = one("ns/both", "10.96.0.1", 2);
  both.addresses.push_back(ip("10.96.0.2"));
  ASSERT_TRUE(dataplane().apply({.upserts = {both}, .removals = {}}).refused.empty());
  const compile::ServiceTable taker = one("ns/taker", "10.96.0.2", 1);
  ASSERT_TRUE(dataplane().apply({.upserts = {taker}, .removals = {}}).refused.empty());
  EXPECT_EQ(dataplane().read("ns/taker"), taker);
  EXPECT_EQ(dataplane().read("ns/both"), one("ns/both", "10.96.0.1", 2));
}

TEST_P(DataplaneContract, AnAddressOfEveryoneBecomesItsNamespacesOwn) {
  start({});
  const compile::ServiceTable everyones = one("ns/x", "10.96.0.1", 2);
  ASSERT_TRUE(dataplane().apply({.upserts = {everyones}, .removals = {}}).refused.empty());
  compile::ServiceTable own = everyones;
  own.addresses.clear();
  own.scoped.push_back({.ip = ip("10.96.0.1"), .audience = model::Audience::kOwnNamespace});
  EXPECT_FALSE(dataplane().holds(own));
  ASSERT_TRUE(dataplane().apply({.upserts = {own}, .removals = {}}).refused.empty());
  EXPECT_TRUE(dataplane().holds(own));
  EXPECT_EQ(dataplane().read("ns/x"), own);
}

TEST_P(DataplaneContract, AServiceThatDoesNotFitKeepsItsOldTable) {
  start({.slots = 20});
  const compile::ServiceTable small = one("sample/x", "10.96.0.1", 12);
  const compile::ServiceTable other = one("sample/y", "10.96.0.2", 8);
  ASSERT_TRUE(dataplane().apply({.upserts = {small, other}, .removals = {}}).refused.empty());
  const compile::ServiceTable large = one("sample/x", "10.96.0.1", 13);
  const dataplane::ApplyResult result = dataplane().apply({.upserts = {large}, .removals = {}});
  ASSERT_EQ(result.refused.size(), 1U);
  EXPECT_EQ(result.refused[0].service, "sample/x");
  EXPECT_TRUE(absl::IsResourceExhausted(result.refused[0].status));
  EXPECT_THAT(base::message(result.refused[0].status),
              ::testing::StartsWith("service sample/x: publish 13 slots: arena full ("));
  EXPECT_EQ(dataplane().read("sample/x"), small);
  EXPECT_THAT(dataplane().status().pending_services, ::testing::ElementsAre("sample/x"));
  ASSERT_TRUE(dataplane().apply({.upserts = {}, .removals = {"sample/y"}}).refused.empty());
  settle();
  EXPECT_EQ(dataplane().read("sample/x"), large);
  EXPECT_TRUE(dataplane().status().pending_services.empty());
}

TEST_P(DataplaneContract, KeepsTheOwnContext) {
  start({});
  const dataplane::NodeContext context = {.network = "n",
                                          .cluster = "Kubernetes",
                                          .region = "r",
                                          .zone = "z1",
                                          .subzone = "",
                                          .node = "worker-1"};
  VICINITY_ASSERT_OK(dataplane().save_context(context));
  EXPECT_EQ(dataplane().load_context(), context);
}

}  // namespace vicinity::testing
