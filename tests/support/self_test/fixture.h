// The world most self-tests use: a client and two servers, on two nodes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "support/gtest_support.h"
#include "support/world.h"

namespace vicinity::testing {

inline WorldSpec two_nodes(std::optional<DecoySpec> decoy = std::nullopt) {
  return {
      .nodes = {"node1", "node2"},
      .pods = {{.name = "client", .node = "node1", .addresses = {"10.244.1.9", "fd00:10:244:1::9"}},
               {.name = "a", .node = "node1", .addresses = {"10.244.1.5", "fd00:10:244:1::5"}},
               {.name = "b", .node = "node2", .addresses = {"10.244.2.5", "fd00:10:244:2::5"}}},
      .decoy = std::move(decoy)};
}

class TwoNodes : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(world_, World::create(two_nodes()));
  }
  void TearDown() override {
    if (world_) VICINITY_EXPECT_OK(world_->shut_down());
  }

  std::unique_ptr<World> world_;
};

}  // namespace vicinity::testing
