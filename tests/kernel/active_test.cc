// Counts of open connections: whatever happens to connections, clients and the daemon, what is left
// in the end is what is open.
#include <cerrno>

#include "contract/plan_table.h"
#include "kernel/dataplane_fixture.h"
#include "support/program.h"

namespace vicinity::testing {
namespace {

using policy::Algorithm;

constexpr uint16_t kNobody = 5999;

// Three endpoints that answer and one that refuses.
compile::ServiceTable counting_service() {
  PlannedTier tier;
  for (const uint16_t port : {uint16_t{5001}, uint16_t{5002}, uint16_t{5003}, kNobody}) {
    tier.endpoints.push_back({.address = kBackend4, .port = port});
  }
  return service_table("ns/a", {kVip4},
                       {planned_table({.kind = Algorithm::kLeastRequest}, {tier})});
}

class ActiveTest : public KernelDataplaneTest {
 protected:
  [[nodiscard]] uint64_t active() const { return dataplane_->status().active_connections; }
  void expect_none_in_the_end() {
    EXPECT_TRUE(wait_until([&] { return active() == 0; }, std::chrono::seconds(20))) << active();
  }
};

TEST_F(ActiveTest, EndsAtZeroAfterManyConnects) {
  open();
  apply({counting_service()});
  auto agent = world_->pod("client").agent();
  VICINITY_ASSERT_OK(agent);
  auto tally = (*agent)->connect_many({.targets = {{kVip4, 80}}, .workers = 4, .limit = 30000});
  VICINITY_ASSERT_OK(tally);
  EXPECT_GT(tally->by_error[ECONNREFUSED], 1000u);
  EXPECT_GT(tally->attempts - tally->failed(), 10000u);
  expect_none_in_the_end();
}

TEST_F(ActiveTest, KilledClientsAndARestartedDaemonLeaveNothing) {
  open();
  apply({counting_service()});
  for (int round = 0; round < 5; ++round) {
    auto held = world_->pod("client").spawn(
        {.argv = {program_path("vic_held_client"), kVip4, "80", "200"}});
    VICINITY_ASSERT_OK(held);
    VICINITY_ASSERT_OK(held->wait_for_line("holding", std::chrono::seconds(30)));
    const uint64_t open_now = active();
    EXPECT_GT(open_now, 40u);  // of 200 tries; whoever refuses looks idle and is asked often
    // Between two daemons the kernel goes on counting.
    dataplane_.reset();
    if (round % 2 == 0) VICINITY_ASSERT_OK(held->signal(SIGKILL));
    open();
    if (round % 2 != 0) {
      EXPECT_EQ(active(), open_now);
      VICINITY_ASSERT_OK(held->signal(SIGKILL));
    }
    VICINITY_ASSERT_OK(held->wait(std::chrono::seconds(10)));
    expect_none_in_the_end();
  }
}

TEST_F(ActiveTest, ConnectionsOutliveTheirEndpointAndTheirService) {
  open();
  apply({counting_service()});
  auto held =
      world_->pod("client").spawn({.argv = {program_path("vic_held_client"), kVip4, "80", "100"}});
  VICINITY_ASSERT_OK(held);
  VICINITY_ASSERT_OK(held->wait_for_line("holding", std::chrono::seconds(30)));
  const uint64_t open_now = active();
  apply({}, {"ns/a"});
  settle();
  EXPECT_EQ(active(), open_now);
  // They are not taken for those of another service's endpoints.
  apply({counting_service()});
  EXPECT_EQ(active(), open_now);
  apply({}, {"ns/a"});
  VICINITY_ASSERT_OK(held->stop(std::chrono::seconds(10)));
  expect_none_in_the_end();
  // With the last of them the program goes as well.
  EXPECT_TRUE(wait_until(
      [&] {
        maintain_for(std::chrono::milliseconds(20));
        return dataplane_->status().active_endpoints.used == 0;
      },
      std::chrono::seconds(10)));
}

TEST_F(ActiveTest, LargerMapsKeepTheCounts) {
  dataplane::KernelOptions small = options();
  small.max_slots = 16;
  open(small);
  apply({counting_service()});
  auto held =
      world_->pod("client").spawn({.argv = {program_path("vic_held_client"), kVip4, "80", "100"}});
  VICINITY_ASSERT_OK(held);
  VICINITY_ASSERT_OK(held->wait_for_line("holding", std::chrono::seconds(30)));
  const uint64_t open_now = active();
  const uint32_t generation = dataplane_->status().generation;
  for (int i = 0; i < 8; ++i) {
    apply({backends_service("ns/more-" + std::to_string(i), {"10.96.1." + std::to_string(i + 1)},
                            {0, 1, 2, 3, 4, 5, 6, 7})});
  }
  EXPECT_GT(dataplane_->status().generation, generation);
  EXPECT_EQ(active(), open_now);
  VICINITY_ASSERT_OK(held->stop(std::chrono::seconds(10)));
  expect_none_in_the_end();
}

}  // namespace
}  // namespace vicinity::testing
