// The file feed: what each way of changing a file does to the model, and what is said about files
// that cannot be used. Conditions are waited for; nothing here depends on how fast a thread is.
#include "feed/file/file_feed.h"

#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace vicinity::feed {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kDeadline = absl::Seconds(20);

// Keeps the model up to date and notes the rest.
class TestSink final : public Sink {
 public:
  model::Symbols& symbols() override { return model.symbols(); }
  const model::Snapshot& snapshot() const override { return model; }
  void apply(model::Delta delta) override {
    upserts += delta.services.size() + delta.workloads.size();
    removals += delta.removed.size();
    model.apply(std::move(delta));
  }
  void reject(ResourceError error) override {
    rejected.push_back(error.resource + ": " + error.message);
  }
  void message_end(absl::Time /*received*/) override { ++messages; }
  void in_sync() override { ++syncs; }

  // "uid@zone" of each workload.
  [[nodiscard]] std::string workloads() const {
    std::string text;
    for (const std::string& uid : model.workload_uids()) {
      const auto& workload = *model.find_workload(uid);
      text += uid + "@" + std::string(model.symbols().name(workload.place.zone)) + " ";
    }
    return text;
  }

  model::Snapshot model{"n"};
  std::vector<std::string> rejected;
  size_t upserts = 0;
  size_t removals = 0;
  int messages = 0;
  int syncs = 0;
};

class FileFeedTest : public ::testing::Test {
 protected:
  void start() {
    feed_ = std::make_unique<FileFeed>(path_);
    ASSERT_TRUE(feed_
                    ->start([this] {
                      const absl::MutexLock lock(&mutex_);
                      woken_ = true;
                    })
                    .ok());
  }

  // Runs the feed as the control thread does, until `done`.
  [[nodiscard]] bool until(const std::function<bool()>& done) {
    const absl::Time deadline = absl::Now() + kDeadline;
    for (;;) {
      while (feed_->process(sink_, absl::Now())) {
      }
      if (done()) return true;
      const absl::MutexLock lock(&mutex_);
      if (!mutex_.AwaitWithDeadline(absl::Condition(&woken_), deadline)) return false;
      woken_ = false;
    }
  }
  [[nodiscard]] bool until_workloads(const std::string& expected) {
    const bool reached = until([&] { return sink_.workloads() == expected; });
    EXPECT_EQ(sink_.workloads(), expected);
    return reached;
  }
  [[nodiscard]] bool until_error(const std::string& part) {
    return until([&] { return feed_->status().last_error.find(part) != std::string::npos; });
  }

  static void write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::trunc | std::ios::binary) << text;
  }
  // As editors and deployers do it.
  void replace(const std::string& text) {
    write(dir_ / ".new", text);
    fs::rename(dir_ / ".new", path_);
  }
  static std::string workload(const std::string& uid, const std::string& zone) {
    return "---\nworkload: {uid: " + uid + ", locality: {zone: " + zone + "}}\n";
  }

  testing::TempFolder dir_ = testing::TempFolder::create("file-feed").value();
  fs::path path_ = dir_ / "mesh.yaml";
  TestSink sink_;
  absl::Mutex mutex_;
  bool woken_ = false;
  std::unique_ptr<FileFeed> feed_;  // its thread uses those above
};

TEST_F(FileFeedTest, LoadsAtStart) {
  write(path_, workload("a", "z1") + workload("b", "z2"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 b@z2 "));
  EXPECT_EQ(sink_.messages, 1);
  EXPECT_EQ(sink_.syncs, 1);
  const FeedStatus status = feed_->status();
  EXPECT_EQ(status.state, FeedState::kInSync);
  EXPECT_EQ(status.source, "file " + path_.native());
  EXPECT_EQ(status.last_error, "");
  EXPECT_EQ(status.resources, 2U);
}

TEST_F(FileFeedTest, OnlyTheDifferenceIsApplied) {
  write(path_, workload("a", "z1") + workload("b", "z1") + workload("c", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 b@z1 c@z1 "));
  replace(workload("c", "z2") + workload("a", "z1"));
  ASSERT_TRUE(until_workloads("a@z1 c@z2 "));
  EXPECT_EQ(sink_.upserts, 4U);
  EXPECT_EQ(sink_.removals, 1U);
  EXPECT_EQ(sink_.messages, 2);
}

TEST_F(FileFeedTest, WrittenInPlace) {
  write(path_, workload("a", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 "));
  write(path_, workload("a", "z2"));
  EXPECT_TRUE(until_workloads("a@z2 "));
}

TEST_F(FileFeedTest, RenamedOver) {
  write(path_, workload("a", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 "));
  for (const std::string zone : {"z2", "z3", "z4"}) {
    replace(workload("a", zone));
    ASSERT_TRUE(until_workloads("a@" + zone + " "));
  }
}

TEST_F(FileFeedTest, DeletedAndMadeAgain) {
  write(path_, workload("a", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 "));
  fs::remove(path_);
  ASSERT_TRUE(until_error("No such file"));
  EXPECT_EQ(sink_.workloads(), "a@z1 ");
  EXPECT_EQ(feed_->status().state, FeedState::kInSync);
  write(path_, workload("a", "z2"));
  ASSERT_TRUE(until_workloads("a@z2 "));
  EXPECT_EQ(feed_->status().last_error, "");
}

// What kubelet does with a ConfigMap: mesh.yaml -> ..data/mesh.yaml, ..data -> a dated folder.
TEST_F(FileFeedTest, SwitchedLikeAConfigMap) {
  const auto publish = [&](const std::string& folder, const std::string& text) {
    fs::create_directory(dir_ / folder);
    write((dir_ / folder) / "mesh.yaml", text);
    fs::create_symlink(folder, dir_ / "..data_tmp");
    fs::rename(dir_ / "..data_tmp", dir_ / "..data");
  };
  publish("..1", workload("a", "z1"));
  fs::create_symlink("..data/mesh.yaml", path_);
  start();
  ASSERT_TRUE(until_workloads("a@z1 "));
  publish("..2", workload("a", "z2"));
  ASSERT_TRUE(until_workloads("a@z2 "));
  fs::remove_all(dir_ / "..1");
  publish("..3", workload("a", "z3"));
  EXPECT_TRUE(until_workloads("a@z3 "));
}

TEST_F(FileFeedTest, EditedBehindALink) {
  fs::create_directory(dir_ / "elsewhere");
  write(dir_ / "elsewhere" / "real.yaml", workload("a", "z1"));
  fs::create_symlink(dir_ / "elsewhere" / "real.yaml", path_);
  start();
  ASSERT_TRUE(until_workloads("a@z1 "));
  write(dir_ / "elsewhere" / "real.yaml", workload("a", "z2"));
  EXPECT_TRUE(until_workloads("a@z2 "));
}

TEST_F(FileFeedTest, MissingAtStartIsSaidAndThenComes) {
  start();
  ASSERT_TRUE(until_error("No such file"));
  EXPECT_EQ(feed_->status().state, FeedState::kSyncing);
  EXPECT_EQ(sink_.syncs, 0);
  write(path_, workload("a", "z1"));
  ASSERT_TRUE(until_workloads("a@z1 "));
  EXPECT_EQ(sink_.syncs, 1);
}

TEST_F(FileFeedTest, FolderMissingAtStart) {
  path_ = dir_ / "later" / "mesh.yaml";
  start();
  ASSERT_TRUE(until_error("No such file"));
  fs::create_directory(dir_ / "later");
  write(path_, workload("a", "z1"));
  EXPECT_TRUE(until_workloads("a@z1 "));
}

TEST_F(FileFeedTest, GarbageChangesNothing) {
  write(path_, workload("a", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 "));
  replace("\x01\x02 not a mesh\n---\n{{{\n");
  ASSERT_TRUE(
      until_error("none of 2 documents can be used, nothing changed; document 1 (line 1): "
                  "control character 0x01"));
  EXPECT_EQ(sink_.workloads(), "a@z1 ");
  EXPECT_EQ(sink_.rejected.size(), 2U);
  EXPECT_EQ(sink_.messages, 1);
}

TEST_F(FileFeedTest, EmptyFileChangesNothing) {
  write(path_, workload("a", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 "));
  replace("");
  ASSERT_TRUE(until_error("empty, nothing changed"));
  EXPECT_EQ(sink_.workloads(), "a@z1 ");
}

TEST_F(FileFeedTest, NoDocumentsOnPurpose) {
  write(path_, workload("a", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 "));
  replace("--- # nothing here any more\n");
  EXPECT_TRUE(until_workloads(""));
}

TEST_F(FileFeedTest, BadDocumentKeepsItsLastGoodVersion) {
  write(path_, workload("a", "z1") + workload("b", "z1") + workload("c", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 b@z1 c@z1 "));
  replace("workload: {uid: a, colour: red}\n" + workload("b", "z2"));
  ASSERT_TRUE(until_workloads("a@z1 b@z2 "));
  EXPECT_THAT(sink_.rejected, ElementsAre("document 1 (line 1): workload.colour: unknown field"));
}

TEST_F(FileFeedTest, ResourceThatDecodeRefusesKeepsItsLastGoodVersion) {
  write(path_, workload("a", "z1") + workload("b", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 b@z1 "));
  replace("workload: {uid: a, status: 7}\n" + workload("b", "z2"));
  ASSERT_TRUE(until_workloads("a@z1 b@z2 "));
  EXPECT_THAT(sink_.rejected, ElementsAre("document 1 (line 1): workload.status: unknown value 7"));
  EXPECT_EQ(feed_->status().nacks, 1U);
  // Back to what it was: nothing to do for it.
  replace(workload("a", "z1") + workload("b", "z3"));
  ASSERT_TRUE(until_workloads("a@z1 b@z3 "));
  EXPECT_EQ(sink_.upserts, 4U);
}

// Whose document it was cannot be told, so nobody is taken for deleted.
TEST_F(FileFeedTest, WhileADocumentHasNoNameNothingIsRemoved) {
  write(path_, workload("a", "z1") + workload("b", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 b@z1 "));
  replace("workload: {uid: a, [\n" + workload("b", "z2"));
  ASSERT_TRUE(until_workloads("a@z1 b@z2 "));
  replace(workload("b", "z2"));
  EXPECT_TRUE(until_workloads("b@z2 "));
}

TEST_F(FileFeedTest, ManyResourcesComeInOneMessage) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += workload("w" + std::to_string(i), "z");
  write(path_, text);
  start();
  ASSERT_TRUE(until([&] { return sink_.syncs == 1; }));
  EXPECT_EQ(sink_.model.workload_count(), 5000U);
  EXPECT_EQ(sink_.messages, 1);
}

TEST_F(FileFeedTest, StopsAndSaysSo) {
  write(path_, workload("a", "z1"));
  start();
  ASSERT_TRUE(until_workloads("a@z1 "));
  feed_->stop();
  EXPECT_EQ(feed_->status().state, FeedState::kStopped);
  feed_->stop();
}

TEST_F(FileFeedTest, StopsBeforeAnythingWasProcessed) {
  write(path_, workload("a", "z1"));
  start();
  feed_.reset();
  EXPECT_THAT(sink_.workloads(), IsEmpty());
}

}  // namespace
}  // namespace vicinity::feed
