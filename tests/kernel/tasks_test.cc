// Pods are found without entering their network namespaces: who lives there, by what address, and
// whether ztunnel or a sidecar listens.
#include <absl/cleanup/cleanup.h>
#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "dataplane/tasks.h"
#include "kernel/netns_cookie.h"
#include "pod_watch.h"
#include "support/bpffs.h"
#include "support/gtest_support.h"
#include "support/wait.h"
#include "support/world.h"

namespace vicinity::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

model::IpAddress ip(std::string_view text) { return model::IpAddress::parse(text).value(); }

const NetnsView* view_of(const NetnsViews& views, uint64_t cookie) {
  for (const NetnsView& view : views) {
    if (view.cookie == cookie) return &view;
  }
  return nullptr;
}

class TasksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(
        world_, World::create({.nodes = {"node1"},
                               .pods = {{.name = "client",
                                         .node = "node1",
                                         .addresses = {"10.244.1.9", "fd00:10:244:1::9"}}}}));
    VICINITY_ASSERT_OK(world_->pod("client").agent());
    client_ = netns_cookie(world_->pod("client").netns());
  }
  void TearDown() override {
    if (world_ != nullptr) VICINITY_EXPECT_OK(world_->shut_down());
  }

  std::unique_ptr<World> world_;
  uint64_t client_ = 0;
};

std::filesystem::path own_pins() {
  return std::filesystem::path(kBpffs) / ("tasks-test-" + std::to_string(getpid()));
}

// The files in a directory.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& directory) {
  const std::filesystem::directory_iterator files(directory);
  return {begin(files), end(files)};
}

TEST_F(TasksTest, WhatAnEarlierProcessPinnedIsTakenOver) {
  const std::filesystem::path pins = own_pins();
  VICINITY_ASSERT_OK(make_pin_dir(pins));
  const auto remove = absl::MakeCleanup([&] { VICINITY_EXPECT_OK(remove_pin_tree(pins)); });
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto first, dataplane::Tasks::open(pins));
  EXPECT_TRUE(first.was_loaded());
  EXPECT_THAT(files_in(pins), IsEmpty());
  VICINITY_ASSERT_OK(first.keep(pins));
  ASSERT_EQ(files_in(pins).size(), 1U);

  VICINITY_ASSERT_OK_AND_ASSIGN(const auto second, dataplane::Tasks::open(pins));
  EXPECT_FALSE(second.was_loaded());
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto processes, second.by_namespace());
  EXPECT_TRUE(processes.contains(client_));
  VICINITY_EXPECT_OK(second.keep(pins));
}

// Something else under the name, and one of another program.
TEST_F(TasksTest, APinThatIsNoneOfOursIsReplaced) {
  const std::filesystem::path pins = own_pins();
  VICINITY_ASSERT_OK(make_pin_dir(pins));
  const auto remove = absl::MakeCleanup([&] { VICINITY_EXPECT_OK(remove_pin_tree(pins)); });
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto first, dataplane::Tasks::load());
  VICINITY_ASSERT_OK(first.keep(pins));
  ASSERT_EQ(files_in(pins).size(), 1U);
  const std::filesystem::path own = files_in(pins).front();
  std::filesystem::remove(own);
  const base::UniqueFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 4, 1, nullptr));
  ASSERT_EQ(bpf_obj_pin(map.get(), own.c_str()), 0);
  ASSERT_EQ(bpf_obj_pin(map.get(), (pins / "tasks-old").c_str()), 0);

  VICINITY_ASSERT_OK_AND_ASSIGN(const auto second, dataplane::Tasks::open(pins));
  EXPECT_TRUE(second.was_loaded());
  VICINITY_ASSERT_OK(second.keep(pins));
  EXPECT_THAT(files_in(pins), ElementsAre(own));
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto third, dataplane::Tasks::open(pins));
  EXPECT_FALSE(third.was_loaded());
}

TEST_F(TasksTest, EachNamespaceHasAProcessThatLivesInIt) {
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto tasks, dataplane::Tasks::load());
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto processes, tasks.by_namespace());
  ASSERT_TRUE(processes.contains(client_));
  struct stat info = {};
  const std::string path = "/proc/" + std::to_string(processes.at(client_)) + "/ns/net";
  ASSERT_EQ(::stat(path.c_str(), &info), 0) << path;
  EXPECT_EQ(info.st_ino, world_->pod("client").netns().inode());
  EXPECT_TRUE(processes.contains(netns_cookie())) << "our own";
}

TEST_F(TasksTest, ANamespaceIsDescribedFromOutside) {
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto tasks, dataplane::Tasks::load());
  const auto look = [&]() -> NetnsView {
    const auto views = look_at(*tasks.by_namespace(), "/proc", {});
    const NetnsView* view = view_of(views, client_);
    return view == nullptr ? NetnsView{} : *view;
  };
  EXPECT_THAT(look().addresses, ElementsAre(ip("10.244.1.9"), ip("fd00:10:244:1::9")));
  EXPECT_FALSE(look().captured);
  for (const uint16_t port : {uint16_t{15008}, uint16_t{15001}}) {
    VICINITY_ASSERT_OK(world_->pod("client").serve({.ports = {port}}));
    EXPECT_TRUE(look().captured) << port;
    world_->pod("client").stop_serving();
    EXPECT_TRUE(wait_until([&] { return !look().captured; }, std::chrono::seconds(10))) << port;
  }
}

TEST_F(TasksTest, TheHostsNamespaceIsThatOfProcessOne) {
  VICINITY_ASSERT_OK_AND_ASSIGN(auto tasks, dataplane::Tasks::load());
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto processes, tasks.by_namespace());
  const PodWatch watch(std::move(tasks), [] {});
  ASSERT_TRUE(processes.contains(watch.host_cookie()));
  for (const auto& [cookie, process] : processes) {
    EXPECT_LE(processes.at(watch.host_cookie()), process);
  }
  EXPECT_NE(watch.host_cookie(), client_);
  const NetnsView* host = view_of(*watch.views(), watch.host_cookie());
  EXPECT_TRUE(host->is_host);
  // Its listeners and addresses are nobody's business.
  EXPECT_FALSE(host->captured);
  EXPECT_TRUE(host->addresses.empty());
}

TEST_F(TasksTest, TheWatchTellsOfWhatChanges) {
  std::atomic<int> wakes = 0;
  VICINITY_ASSERT_OK_AND_ASSIGN(auto tasks, dataplane::Tasks::load());
  const PodWatch watch(std::move(tasks), [&wakes] { ++wakes; });
  ASSERT_NE(view_of(*watch.views(), client_), nullptr);
  VICINITY_ASSERT_OK(world_->pod("client").serve({.ports = {15008}}));
  EXPECT_TRUE(wait_until([&] { return view_of(*watch.views(), client_)->captured; },
                         std::chrono::seconds(10)));
  EXPECT_GT(wakes, 0);
}

}  // namespace
}  // namespace vicinity::testing
