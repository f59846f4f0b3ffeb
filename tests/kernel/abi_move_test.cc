// From one ABI version to another and back: the old tables serve until the new ones are complete,
// each hook changes hands in one step, and nothing of the old version remains.
#include <bpf/bpf.h>
#include <signal.h>

#include <filesystem>

#include "kernel/dataplane_fixture.h"
#include "support/program.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;
using model::Family;

constexpr uint32_t kOld = VICINITY_ABI_VERSION;
constexpr uint32_t kNew = VICINITY_ABI_VERSION + 1;

class AbiMoveTest : public KernelDataplaneTest {
 protected:
  [[nodiscard]] dataplane::KernelOptions version(uint32_t version) const {
    dataplane::KernelOptions chosen = options();
    chosen.abi_version = version;
    return chosen;
  }
  [[nodiscard]] fs::path directory(uint32_t version) const {
    return fs::path(pin_dir()) / ("v" + std::to_string(version));
  }
  [[nodiscard]] uint32_t attached(bpf_attach_type hook) const {
    uint32_t count = 0;
    EXPECT_EQ(
        bpf_prog_query(world_->node("node1").cgroup().fd(), hook, 0, nullptr, nullptr, &count), 0);
    return count;
  }
  // Tables of this version with one backend, serving.
  void serve(uint32_t abi_version, uint16_t backend) {
    open(version(abi_version));
    apply({backends_service("ns/a", {kVip4, kVip6}, {backend})});
    VICINITY_ASSERT_OK(dataplane_->take_over());
  }
  void expect_served_by(uint16_t backend) {
    EXPECT_EQ(connect(kVip4).answer, answer_of(backend, Family::kIpv4));
    EXPECT_EQ(connect(kVip6).answer, answer_of(backend, Family::kIpv6));
  }
  void expect_only(uint32_t abi_version) {
    for (const auto& entry : fs::directory_iterator(pin_dir())) {
      EXPECT_EQ(entry.path(), directory(abi_version));
    }
    EXPECT_EQ(attached(BPF_CGROUP_INET4_CONNECT), 1u);
    EXPECT_EQ(attached(BPF_CGROUP_INET6_CONNECT), 1u);
  }
};

TEST_F(AbiMoveTest, TheOldTablesServeUntilTheNewOnesTakeOver) {
  serve(kOld, 1);
  dataplane_.reset();
  open(version(kNew));
  EXPECT_TRUE(dataplane_->has_predecessor());
  EXPECT_EQ(dataplane_->status().predecessor_abi, kOld);
  EXPECT_EQ(dataplane_->read_all(), compile::Tables{}) << "another version's maps are not read";
  apply({backends_service("ns/a", {kVip4, kVip6}, {2})});
  expect_served_by(1);
  VICINITY_ASSERT_OK(dataplane_->take_over());
  EXPECT_FALSE(dataplane_->has_predecessor());
  expect_served_by(2);
  expect_only(kNew);
  EXPECT_TRUE(dataplane_->status().attached);
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
}

TEST_F(AbiMoveTest, UpAndDownUnderLoadWithoutAMissedConnect) {
  serve(kOld, 0);
  auto agent = world_->pod("client").agent();
  VICINITY_ASSERT_OK(agent);
  VICINITY_ASSERT_OK((*agent)->start_load(
      {.targets = {{kVip4, 80}, {kVip6, 80}, {kMappedVip, 80}}, .workers = 4}));
  for (uint32_t round = 1; round <= 20; ++round) {
    dataplane_.reset();
    open(version(round % 2 == 1 ? kNew : kOld));
    ASSERT_TRUE(dataplane_->has_predecessor());
    apply({backends_service("ns/a", {kVip4, kVip6}, {static_cast<uint16_t>(round % kBackends)})});
    VICINITY_ASSERT_OK(dataplane_->take_over());
  }
  auto report = (*agent)->stop_load();
  VICINITY_ASSERT_OK(report);
  EXPECT_GT(report->attempts.size(), 500u);
  EXPECT_EQ(report->tally.failed(), 0u);
  EXPECT_EQ(report->tally.by_answer.count("decoy"), 0u);
  expect_only(kOld);
}

// The lease of the old tables is renewed by a daemon that cannot read them otherwise.
TEST_F(AbiMoveTest, TheOldTablesLeaseIsRenewedByTheNewDaemon) {
  serve(kOld, 1);
  dataplane_->renew_lease(absl::Milliseconds(1));
  dataplane_.reset();
  EXPECT_TRUE(wait_until([&] { return connect(kVip4).answer == "decoy"; }, std::chrono::seconds(5)))
      << "the lease has ended";
  open(version(kNew));
  dataplane_->renew_lease(absl::Minutes(1));
  expect_served_by(1);
}

TEST_F(AbiMoveTest, OwnSocketsAreLeftOutOfTheOldTablesToo) {
  serve(kOld, 1);
  dataplane_.reset();
  VICINITY_ASSERT_OK_AND_ASSIGN(
      auto publisher, Process::spawn({.argv = {program_path("vic_test_publisher"), options().cgroup,
                                               pin_dir(), "own-socket-moving"},
                                      .netns = &world_->pod("client").netns(),
                                      .cgroup = &world_->node("node1").cgroup()}));
  VICINITY_ASSERT_OK(publisher.wait_for_line("own socket reached decoy", std::chrono::seconds(20)));
  VICINITY_ASSERT_OK(publisher.wait_for_line("child reached " + answer_of(1, Family::kIpv4),
                                             std::chrono::seconds(20)));
}

// Ended between the two hooks: one has the new program, the other the old.
TEST_F(AbiMoveTest, AMoveThatEndedInTheMiddleIsCompleted) {
  serve(kOld, 1);
  dataplane_.reset();
  open(version(kNew));
  apply({backends_service("ns/a", {kVip4, kVip6}, {2})});
  const int link = bpf_obj_get((directory(kOld) / "links" / "connect4").c_str());
  ASSERT_GE(link, 0);
  ASSERT_EQ(bpf_link_update(link, dataplane_->program_fd("connect4"), nullptr), 0);
  ASSERT_EQ(bpf_obj_pin(link, (directory(kNew) / "links" / "connect4").c_str()), 0);
  ::close(link);
  dataplane_.reset();
  EXPECT_EQ(connect(kVip4).answer, answer_of(2, Family::kIpv4));
  EXPECT_EQ(connect(kVip6).answer, answer_of(1, Family::kIpv6));
  open(version(kNew));
  EXPECT_TRUE(dataplane_->has_predecessor()) << "of connect6";
  VICINITY_ASSERT_OK(dataplane_->take_over());
  expect_served_by(2);
  expect_only(kNew);
}

// Ended after the hooks, before the old directory was removed.
TEST_F(AbiMoveTest, WhatAMoveLeftBehindIsRemovedWithoutWaiting) {
  serve(kOld, 1);
  dataplane_.reset();
  open(version(kNew));
  apply({backends_service("ns/a", {kVip4, kVip6}, {2})});
  VICINITY_ASSERT_OK(dataplane_->take_over());
  dataplane_.reset();
  fs::create_directory(directory(kOld));
  fs::create_directory(directory(kOld) / "gen-1");
  fs::create_directory(directory(kOld) / "links");
  open(version(kNew));
  EXPECT_FALSE(dataplane_->has_predecessor());
  expect_served_by(2);
  expect_only(kNew);
}

TEST_F(AbiMoveTest, TablesOfAnotherCgroupAreNotWaitedFor) {
  serve(kOld, 1);
  dataplane_.reset();
  dataplane::KernelOptions elsewhere = version(kNew);
  elsewhere.cgroup = fs::path(options().cgroup).parent_path();
  open(elsewhere);
  EXPECT_FALSE(dataplane_->has_predecessor());
  EXPECT_FALSE(fs::exists(directory(kOld)));
  EXPECT_EQ(attached(BPF_CGROUP_INET4_CONNECT), 0u) << "the old one is detached at once";
}

}  // namespace
}  // namespace vicinity::testing
