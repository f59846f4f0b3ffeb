// Endpoints that fail in every way they can, and what the data plane saw of them.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/plan_table.h"
#include "kernel/dataplane_fixture.h"
#include "support/program.h"

namespace vicinity::testing {

inline constexpr uint16_t kRefusing = 5999;
inline constexpr uint16_t kSilent = 5900;
inline constexpr uint16_t kResetting = 5800;
inline constexpr char kNobody[] = "10.244.1.200";  // on the link, and nobody's
inline constexpr compile::Watch kWatch = {
    .refused_in_row = 1, .timeouts_in_row = 3, .suspicion_ms = 60'000, .most_suspects = 100};

inline PlannedTier tier(const std::vector<uint16_t>& ports, uint32_t load_percent = 100) {
  PlannedTier tier{.load_percent = load_percent, .endpoints = {}};
  for (const uint16_t port : ports) tier.endpoints.push_back({.address = kBackend4, .port = port});
  return tier;
}

struct Service {
  std::string name = "ns/a";
  std::string address = kVip4;
  policy::AlgorithmSpec algorithm = {};
  std::optional<compile::Watch> watch = kWatch;
};

inline compile::ServiceTable service(const std::vector<PlannedTier>& tiers,
                                     const Service& spec = {}) {
  compile::PortTable table = planned_table(spec.algorithm, tiers);
  watch(table, spec.watch);
  return service_table(spec.name, {spec.address}, {std::move(table)});
}

class FailureTest : public KernelDataplaneTest {
 protected:
  // What was seen of the endpoint for the service.
  [[nodiscard]] dataplane::Observation seen(uint16_t port, std::string_view service = "ns/a") {
    dataplane_->maintain();
    for (const auto& endpoint : dataplane_->observed()) {
      if (endpoint.port == port && endpoint.service == service) return endpoint.seen;
    }
    ADD_FAILURE() << "port " << port << " of " << service << " is not watched";
    return {};
  }
  [[nodiscard]] bool is_suspect(uint16_t port, std::string_view service = "ns/a") {
    return seen(port, service).suspected_until_ns != 0;
  }
  [[nodiscard]] int failed_of(int connects, const std::string& address = kVip4) {
    int failed = 0;
    for (int i = 0; i < connects; ++i) failed += connect(address).error != 0 ? 1 : 0;
    return failed;
  }
  // Connects until one fails; how that was.
  [[nodiscard]] int first_error() {
    for (int i = 0; i < 1000; ++i) {
      if (const int error = connect(kVip4).error; error != 0) return error;
    }
    return 0;
  }
  void fail(const char* mode, uint16_t port, int count = 1) {
    VICINITY_ASSERT_OK_AND_ASSIGN(
        Process server, world_->pod("backends")
                            .spawn({.argv = {program_path("vic_failing_server"), mode, kBackend4,
                                             std::to_string(port), std::to_string(count)}}));
    VICINITY_ASSERT_OK(server.wait_for_line("serving", std::chrono::seconds(20)));
    servers_.push_back(std::move(server));
  }
  [[nodiscard]] std::vector<dataplane::SuspicionEvent> suspicions() {
    dataplane_->maintain();
    return dataplane_->take_suspicions();
  }
  [[nodiscard]] uint64_t saved() { return dataplane_->status().observed.saved; }
  // One connect by a client that waits so long.
  [[nodiscard]] int impatient_connect(std::chrono::milliseconds patience) {
    auto result = world_->pod("client").connect(
        {.address = kVip4, .port = 80, .talk = Talk::kNone, .timeout = patience});
    EXPECT_TRUE(is_ok(result));
    return result.ok() ? result->error : -1;
  }
  void TearDown() override {
    servers_.clear();
    KernelDataplaneTest::TearDown();
  }

  std::vector<Process> servers_;
};

}  // namespace vicinity::testing
