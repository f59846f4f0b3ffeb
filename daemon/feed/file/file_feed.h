// The mesh file as a feed: read and parsed on a thread of its own whenever it changes, decoded on
// the control thread, where only what differs from the last good state becomes a Delta.
// A file that is missing or wholly unusable changes nothing; a bad document keeps its resource's
// last good version, and while one cannot even be named nothing is removed.
// Constructed, started, processed and stopped by the control thread.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "base/strings.h"
#include "base/unique_fd.h"
#include "feed/feed.h"
#include "feed/file/file_watch.h"
#include "feed/file/mesh_loader.h"

namespace vicinity::feed {

class FileFeed final : public Feed {
 public:
  explicit FileFeed(std::filesystem::path path);
  ~FileFeed() override;

  absl::Status start(std::function<void()> wake) override;
  bool process(Sink& sink, absl::Time now) override;
  [[nodiscard]] absl::Time next_deadline() const override { return absl::InfiniteFuture(); }
  [[nodiscard]] FeedStatus status() const override { return status_; }
  void stop() override;

 private:
  // On the I/O thread.
  void follow(FileWatch watch);
  // Blocks until the file may have changed; false when the feed was stopped.
  bool wait(FileWatch& watch, absl::Duration limit) const;

  void begin(Sink& sink);
  void remove_vanished(Sink& sink);
  void apply_some(Sink& sink);
  void finish(Sink& sink);

  std::filesystem::path path_;
  std::function<void()> wake_;
  base::UniqueFd stop_;  // eventfd
  std::thread thread_;
  // Handed over from the I/O thread. A newer reading replaces one not yet taken: it is all of the
  // state.
  std::atomic<MeshLoad*> posted_ = nullptr;

  // The control thread's.
  std::unique_ptr<MeshLoad> load_;    // being worked through
  size_t next_ = 0;                   // resource of it
  bool changed_ = false;              // since message_end
  base::StringMap<uint64_t> loaded_;  // name -> fingerprint of the last good version
  FeedStatus status_;
};

}  // namespace vicinity::feed
