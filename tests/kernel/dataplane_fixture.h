// A node with a client pod, a pod with many backends, a decoy that owns all VIPs, and the data
// plane opened by the test itself. "decoy" as an answer says that nothing was translated.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/kernel_dataplane.h"
#include "dataplane/reader.h"
#include "kernel/published_tables.h"
#include "support/gtest_support.h"
#include "support/wait.h"
#include "support/world.h"

namespace vicinity::testing {

class KernelDataplaneTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(
        world_,
        World::create(
            {.nodes = {"node1"},
             .pods = {{.name = "client",
                       .node = "node1",
                       .addresses = {"10.244.1.9", "fd00:10:244:1::9"}},
                      {.name = "backends", .node = "node1", .addresses = {kBackend4, kBackend6}}},
             .decoy = DecoySpec{}}));
    ServeSpec serve = {.instance = "", .ports = {}, .protocol = ServeProtocol::kBanner};
    for (uint16_t i = 0; i < kBackends; ++i) {
      serve.ports.push_back(static_cast<uint16_t>(kFirstPort + i));
    }
    VICINITY_ASSERT_OK(world_->pod("backends").serve(serve));
  }

  void TearDown() override {
    dataplane_.reset();
    if (world_ == nullptr) return;
    // A child of a daemon that was killed holds the directory's lock until it has ended, too.
    absl::Status removed;
    const auto is_removed = [&] { return (removed = dataplane::uninstall(pin_dir())).ok(); };
    EXPECT_TRUE(wait_until(is_removed, std::chrono::seconds(5))) << removed;
    VICINITY_EXPECT_OK(world_->shut_down());
  }

  [[nodiscard]] std::string pin_dir() const {
    return world_->node("node1").pin_dir() + "/vicinity";
  }

  [[nodiscard]] dataplane::KernelOptions options() const {
    return {.cgroup = world_->node("node1").cgroup().path(),
            .pin_dir = pin_dir(),
            .max_services = 100,
            .max_slots = 10000,
            .limits = {}};
  }

  void open() { open(options()); }
  void open(const dataplane::KernelOptions& options) {
    VICINITY_ASSERT_OK_AND_ASSIGN(dataplane_, dataplane::KernelDataplane::open(options));
  }

  void apply(std::vector<compile::ServiceTable> upserts, std::vector<std::string> removals = {}) {
    const dataplane::ApplyResult result =
        dataplane_->apply({.upserts = std::move(upserts), .removals = std::move(removals)});
    ASSERT_TRUE(result.refused.empty()) << result.refused.front().status;
  }

  // maintain() until nothing waits for a grace period.
  void settle() {
    ASSERT_TRUE(wait_until(
        [&] {
          maintain_for(std::chrono::milliseconds(20));
          return dataplane_->status().pending_reclaims == 0;
        },
        std::chrono::seconds(20)));
  }

  void maintain_for(std::chrono::milliseconds timeout) {
    pollfd waiting = {.fd = dataplane_->maintenance_fd(), .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, static_cast<int>(timeout.count()));
    dataplane_->maintain();
  }

  [[nodiscard]] ConnectResult connect(const std::string& address, uint16_t port = 80) {
    auto result = world_->pod("client").connect({.address = address, .port = port});
    EXPECT_TRUE(is_ok(result));
    return result.ok() ? *std::move(result) : ConnectResult{.error = -1};
  }

  std::unique_ptr<World> world_;
  std::unique_ptr<dataplane::KernelDataplane> dataplane_;
};

}  // namespace vicinity::testing
