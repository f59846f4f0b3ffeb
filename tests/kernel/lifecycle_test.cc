// What outlives a daemon, what the next one makes of it, and how it all goes away.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <signal.h>
#include <sys/mount.h>

#include <filesystem>
#include <map>
#include <vector>

#include "kernel/dataplane_fixture.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;
using model::Family;
using std::chrono::seconds;

class LifecycleTest : public KernelDataplaneTest {
 protected:
  [[nodiscard]] fs::path version_dir() const {
    return fs::path(pin_dir()) / ("v" + std::to_string(VICINITY_ABI_VERSION));
  }
  // The kernel's number of it.
  [[nodiscard]] uint32_t connect_program() const {
    bpf_prog_info info = {};
    uint32_t size = sizeof(info);
    bpf_obj_get_info_by_fd(dataplane_->program_fd("connect4"), &info, &size);
    return info.id;
  }
  // How many there were of that name.
  [[nodiscard]] int remove_pins(const std::string& name) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(version_dir())) {
      if (entry.path().filename() == name) found.push_back(entry.path());
    }
    for (const fs::path& path : found) fs::remove(path);
    return static_cast<int>(found.size());
  }
};

TEST_F(LifecycleTest, TheTablesServeWithoutADaemonAndAreAdopted) {
  open();
  const compile::ServiceTable service = backends_service("ns/a", {kVip4, kVip6}, {3, 4});
  apply({service});
  const dataplane::NodeContext context = {
      .network = "", .cluster = "c", .region = "r", .zone = "z", .subzone = "s", .node = "n"};
  VICINITY_ASSERT_OK(dataplane_->save_context(context));
  dataplane_.reset();
  EXPECT_THAT(connect(kVip4).answer,
              ::testing::AnyOf(answer_of(3, Family::kIpv4), answer_of(4, Family::kIpv4)));
  open();
  EXPECT_EQ(dataplane_->read("ns/a"), service);
  EXPECT_EQ(dataplane_->read_all().services.size(), 1u);
  EXPECT_EQ(dataplane_->load_context(), context);
  EXPECT_EQ(dataplane_->status().generation, 1u);
  EXPECT_EQ(dataplane_->status().slots4.used, 2u);
  apply({backends_service("ns/a", {kVip4, kVip6}, {5})});
  settle();
  EXPECT_EQ(connect(kVip4).answer, answer_of(5, Family::kIpv4));
  EXPECT_EQ(connect(kVip6).answer, answer_of(5, Family::kIpv6));
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
}

// The very same ones: nothing was verified anew. They are not taken over where anything differs.
TEST_F(LifecycleTest, TheNextDaemonTakesOverThePrograms) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, {3})});
  const uint32_t first = connect_program();
  dataplane_.reset();
  open();
  EXPECT_EQ(connect_program(), first);
  EXPECT_EQ(connect(kVip4).answer, answer_of(3, Family::kIpv4));
  EXPECT_NE(dataplane_->traces(), nullptr);
  dataplane_.reset();
  dataplane::KernelOptions others = options();
  others.counting = dataplane::Counting::kOff;
  open(others);
  const uint32_t second = connect_program();
  EXPECT_NE(second, first) << "programs with other options";
  dataplane_.reset();
  open(others);
  EXPECT_EQ(connect_program(), second);
  dataplane_.reset();
  ASSERT_EQ(remove_pins("vic_connect6"), 1);
  open(others);
  EXPECT_NE(connect_program(), second) << "one of them was missing";
  EXPECT_EQ(connect(kVip6).answer, answer_of(3, Family::kIpv6));
}

// A new generation has programs of its own.
TEST_F(LifecycleTest, ProgramsOfAGenerationThatGrewAreTakenOver) {
  open();
  std::vector<compile::ServiceTable> services;
  for (int i = 0; i < 300; ++i) {
    services.push_back(backends_service(fmt::format("ns/s{}", i),
                                        {fmt::format("10.96.{}.{}", 1 + i / 250, 1 + i % 250)},
                                        churned_backends(0)));
  }
  apply(services);
  ASSERT_GT(dataplane_->status().generation, 1u);
  const uint32_t grown = connect_program();
  dataplane_.reset();
  open();
  EXPECT_EQ(connect_program(), grown);
  EXPECT_EQ(dataplane_->read_all().services.size(), services.size());
}

// Killed between any two stores, again and again, with connections running all the time.
TEST_F(LifecycleTest, ADaemonKilledInTheMiddleIsSucceededWithoutAGap) {
  open();
  apply({backends_service("ns/a", {kVip4, kVip6}, churned_backends(0))});
  dataplane_.reset();
  auto agent = world_->pod("client").agent();
  VICINITY_ASSERT_OK(agent);
  VICINITY_ASSERT_OK((*agent)->start_load(
      {.targets = {{kVip4, 80}, {kVip6, 80}, {kMappedVip, 80}}, .workers = 4}));
  for (int round = 0; round < 10; ++round) {
    auto publisher = Process::spawn(
        {.argv = {program_path("vic_test_publisher"), options().cgroup, pin_dir(), "churn"}});
    VICINITY_ASSERT_OK(publisher);
    VICINITY_ASSERT_OK(publisher->wait_for_line("churning", seconds(60)));
    VICINITY_ASSERT_OK(publisher->signal(SIGKILL));
    VICINITY_ASSERT_OK(publisher->wait(seconds(5)));
    open();
    const auto adopted = dataplane_->read("ns/a");
    ASSERT_TRUE(adopted.has_value());
    EXPECT_TRUE(*adopted == backends_service("ns/a", {kVip4, kVip6}, churned_backends(0)) ||
                *adopted == backends_service("ns/a", {kVip4, kVip6}, churned_backends(1)) ||
                adopted->ports.size() == 2)
        << compile::to_text(*adopted);
    // The maps say the same to somebody who knows nothing else.
    auto reader = dataplane::Reader::open(pin_dir());
    VICINITY_ASSERT_OK(reader);
    EXPECT_EQ(reader->tables(), dataplane_->read_all());
    settle();
    const uint64_t records = dataplane_->status().services.used;
    const auto tables = dataplane_->read_all();
    uint64_t expected = 0;
    for (const auto& [name, table] : tables.services) expected += 1 + table.ports.size();
    EXPECT_EQ(records, expected) << "records leak";
    dataplane_.reset();
  }
  auto report = (*agent)->stop_load();
  VICINITY_ASSERT_OK(report);
  EXPECT_GT(report->attempts.size(), 1000u);
  EXPECT_EQ(report->tally.failed(), 0u);
  EXPECT_EQ(report->tally.by_answer.count("decoy"), 0u);
  EXPECT_EQ(world_->decoy()->accepts(), 0u);
}

TEST_F(LifecycleTest, TwoDaemonsDoNotShareAPinDirectory) {
  open();
  const auto second = dataplane::KernelDataplane::open(options());
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(base::message(second.status()), ::testing::HasSubstr("another vicinityd"));
  EXPECT_THAT(base::message(dataplane::uninstall(pin_dir())),
              ::testing::HasSubstr("another vicinityd"));
}

TEST_F(LifecycleTest, UninstallLeavesNothing) {
  open();
  apply({backends_service("ns/a", {kVip4}, {3})});
  EXPECT_EQ(connect(kVip4).answer, answer_of(3, Family::kIpv4));
  dataplane_.reset();
  VICINITY_ASSERT_OK(dataplane::uninstall(pin_dir()));
  EXPECT_FALSE(fs::exists(pin_dir()));
  EXPECT_EQ(connect(kVip4).answer, "decoy");
  uint32_t attached = 0;
  ASSERT_EQ(bpf_prog_query(world_->node("node1").cgroup().fd(), BPF_CGROUP_INET4_CONNECT, 0,
                           nullptr, nullptr, &attached),
            0);
  EXPECT_EQ(attached, 0u);
  VICINITY_ASSERT_OK(dataplane::uninstall(pin_dir()));
}

TEST_F(LifecycleTest, WhatADaemonLeftHalfWrittenIsRemovedOrRebuilt) {
  const compile::ServiceTable service = backends_service("ns/a", {kVip4}, {3});
  open();
  apply({service});
  dataplane_.reset();
  // A later generation that was never completed.
  fs::create_directory(version_dir() / "gen-7");
  open();
  EXPECT_FALSE(fs::exists(version_dir() / "gen-7"));
  EXPECT_EQ(dataplane_->read("ns/a"), service);
  dataplane_.reset();
  // The links are gone.
  fs::remove_all(version_dir() / "links");
  // The kernel frees unpinned links in the background.
  EXPECT_TRUE(
      wait_until([&] { return connect(kVip4).answer == "decoy"; }, std::chrono::seconds(5)));
  open();
  EXPECT_EQ(connect(kVip4).answer, answer_of(3, Family::kIpv4));
  dataplane_.reset();
  // A map of a generation that says it is complete is gone: nothing can be trusted.
  fs::remove(version_dir() / "gen-1" / "vic_slots4");
  open();
  EXPECT_EQ(dataplane_->read_all(), compile::Tables{});
  EXPECT_FALSE(fs::exists(version_dir() / "gen-1"));
  apply({service});
  EXPECT_EQ(connect(kVip4).answer, answer_of(3, Family::kIpv4));
}

// Something is in the way of the next generation's pins: the maps grow once it has gone.
TEST_F(LifecycleTest, AGrowthThatFailedIsTriedAgain) {
  dataplane::KernelOptions small = options();
  small.max_slots = 4;
  open(small);
  const compile::ServiceTable before = backends_service("ns/a", {kVip4}, {1});
  apply({before});
  const fs::path next = version_dir() / "gen-2";
  fs::create_directory(next);
  ASSERT_EQ(::mount("tmpfs", next.c_str(), "tmpfs", 0, nullptr), 0);
  const compile::ServiceTable larger = backends_service("ns/a", {kVip4}, {0, 1, 2, 3, 4, 5, 6, 7});
  const auto refused = dataplane_->apply({.upserts = {larger}, .removals = {}});
  ASSERT_EQ(refused.refused.size(), 1u);
  EXPECT_EQ(dataplane_->read("ns/a"), before);
  EXPECT_EQ(connect(kVip4).answer, answer_of(1, Family::kIpv4));
  ASSERT_EQ(::umount(next.c_str()), 0);
  EXPECT_TRUE(wait_until(
      [&] {
        maintain_for(std::chrono::milliseconds(20));
        return dataplane_->read("ns/a") == larger;
      },
      seconds(20)));
  EXPECT_EQ(dataplane_->status().generation, 2u);
  EXPECT_TRUE(dataplane_->status().pending_services.empty());
}

// Their slots are there, but in gaps too small for any of them.
TEST_F(LifecycleTest, TheMapsGrowOnceForAllServicesThatFoundNoRoom) {
  dataplane::KernelOptions small = options();
  small.max_slots = 32;
  open(small);
  compile::Diff four_each;
  for (int i = 0; i < 10; ++i) {
    four_each.upserts.push_back(backends_service(fmt::format("ns/small-{}", i),
                                                 {fmt::format("10.96.1.{}", i + 1)}, {0, 1, 2, 3}));
  }
  EXPECT_TRUE(dataplane_->apply(four_each).refused.empty());
  compile::Diff every_second;
  for (int i = 0; i < 10; i += 2) every_second.removals.push_back(fmt::format("ns/small-{}", i));
  EXPECT_TRUE(dataplane_->apply(every_second).refused.empty());
  settle();
  ASSERT_EQ(dataplane_->status().generation, 1u);
  compile::Diff eight_each;
  for (int i = 0; i < 2; ++i) {
    eight_each.upserts.push_back(backends_service(fmt::format("ns/large-{}", i),
                                                  {fmt::format("10.96.2.{}", i + 1)},
                                                  {0, 1, 2, 3, 4, 5, 6, 7}));
  }
  EXPECT_TRUE(dataplane_->apply(eight_each).refused.empty());
  EXPECT_EQ(dataplane_->status().generation, 2u);
}

TEST_F(LifecycleTest, APinDirectoryElsewhereIsRefusedByName) {
  dataplane::KernelOptions elsewhere = options();
  elsewhere.pin_dir = "/tmp/vicinity-no-bpffs";
  EXPECT_THAT(base::message(dataplane::KernelDataplane::open(elsewhere).status()),
              ::testing::HasSubstr("not on a BPF file system"));
  elsewhere = options();
  elsewhere.cgroup = "/tmp";
  EXPECT_THAT(base::message(dataplane::KernelDataplane::open(elsewhere).status()),
              ::testing::HasSubstr("not in a cgroup2 hierarchy"));
}

// P3: counted, because time on a busy machine says nothing.
TEST_F(LifecycleTest, P3AnUpdateCostsWhatItsServiceCosts) {
  open();
  const auto work_of_one_update = [&](const std::vector<uint16_t>& backends) {
    settle();
    const dataplane::Work before = dataplane_->work();
    apply({backends_service("ns/a", {kVip4}, backends)});
    return dataplane_->work() - before;
  };
  apply({backends_service("ns/a", {kVip4}, {0, 1})});
  const dataplane::Work alone = work_of_one_update({0, 1, 2});
  EXPECT_EQ(alone.slots, 3u);
  EXPECT_EQ(alone.records, 1u);
  EXPECT_EQ(alone.entries, 1u);
  std::vector<compile::ServiceTable> many;
  for (int i = 0; i < 2000; ++i) {
    many.push_back(backends_service(
        "ns/other-" + std::to_string(i),
        {"10.98." + std::to_string(i / 250) + "." + std::to_string(i % 250)}, {0, 1, 2, 3, 4}));
  }
  apply(many);
  EXPECT_EQ(work_of_one_update({0, 1, 3}), alone);
}

// P4: what does not fit is refused alone, and published when there is room.
TEST_F(LifecycleTest, P4AnArenaTooSmallRefusesOneService) {
  dataplane::KernelOptions small = options();
  small.max_slots = 8;
  small.limits.slots = 8;
  open(small);
  const compile::ServiceTable before = backends_service("sample/x", {kVip4}, {0, 1});
  const compile::ServiceTable other = backends_service("sample/y", {"10.96.0.11"}, {2, 3, 4, 5, 6});
  apply({before, other});
  const compile::ServiceTable larger = backends_service("sample/x", {kVip4}, {7, 8, 9, 10});
  const auto refused = dataplane_->apply({.upserts = {larger}, .removals = {}});
  ASSERT_EQ(refused.refused.size(), 1u);
  EXPECT_EQ(base::message(refused.refused[0].status),
            "service sample/x: publish 4 slots: arena full (7 of 8)");
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(connect(kVip4).answer,
                ::testing::AnyOf(answer_of(0, Family::kIpv4), answer_of(1, Family::kIpv4)));
  }
  apply({}, {"sample/y"});
  settle();
  EXPECT_TRUE(dataplane_->status().pending_services.empty());
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(connect(kVip4).answer,
                ::testing::Not(::testing::AnyOf(answer_of(0, Family::kIpv4), "decoy")));
  }
  EXPECT_EQ(dataplane_->read("sample/x"), larger);
}

}  // namespace
}  // namespace vicinity::testing
