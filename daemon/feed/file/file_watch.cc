#include "feed/file/file_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/status.h"

namespace vicinity::feed {
namespace {

// The kernel's own limit on links in one path.
constexpr int kMaxLinks = 40;
constexpr size_t kBufferBytes = 16384;

// No IN_MODIFY: a file that is being written is read once it is closed, so that nobody sees half.
constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

// The folders that `path` and the links it leads over stand in.
std::set<std::filesystem::path> folders_of(std::filesystem::path path) {
  std::set<std::filesystem::path> folders;
  for (int i = 0; i < kMaxLinks; ++i) {
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    folders.insert(folder);
    std::error_code error;
    const auto target = std::filesystem::read_symlink(path, error);
    if (error) break;
    path = target.is_absolute() ? target : folder / target;
  }
  return folders;
}

}  // namespace

FileWatch::FileWatch(std::filesystem::path path, base::UniqueFd inotify)
    : path_(std::move(path)), inotify_(std::move(inotify)) {}

absl::StatusOr<FileWatch> FileWatch::open(std::filesystem::path path) {
  base::UniqueFd inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.valid()) return base::errno_status("inotify_init1");
  return FileWatch(std::move(path), std::move(inotify));
}

bool FileWatch::rearm(const std::vector<std::filesystem::path>& paths) {
  bool complete = true;
  std::map<int, std::filesystem::path> now;
  std::set<std::filesystem::path> folders;
  for (const auto& path : paths) folders.merge(folders_of(path));
  for (const auto& folder : folders) {
    const int watch = inotify_add_watch(inotify_.get(), folder.c_str(), kEvents);
    if (watch >= 0) {
      now.emplace(watch, folder);
    } else {
      complete = false;
    }
  }
  for (const auto& [watch, folder] : folders_) {
    // Fails for a folder that is gone, whose watch went with it.
    if (!now.contains(watch)) inotify_rm_watch(inotify_.get(), watch);
  }
  folders_ = std::move(now);
  return complete;
}

bool FileWatch::drain() {
  bool changed = false;
  alignas(inotify_event) std::array<char, kBufferBytes> buffer;
  for (;;) {
    const ssize_t got = read(inotify_.get(), buffer.data(), buffer.size());
    if (got <= 0) return changed;
    for (ssize_t at = 0; at < got;) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof(event));
      const char* name = buffer.data() + at + sizeof(event);
      changed = changed || matters(event.wd, event.mask, event.len > 0 ? name : "");
      at += static_cast<ssize_t>(sizeof(event) + event.len);
    }
  }
}

// A new regular file is still being written; its closing is an event of its own. Links, which are
// whole from the start, count: symbolic ones, and hard ones by their count.
bool FileWatch::matters(int watch, uint32_t mask, std::string_view name) const {
  if ((mask & IN_CREATE) == 0) return (mask & IN_IGNORED) == 0;
  const auto folder = folders_.find(watch);
  if (folder == folders_.end()) return true;
  struct stat info{};
  if (lstat((folder->second / name).c_str(), &info) != 0) return false;
  return !S_ISREG(info.st_mode) || info.st_nlink > 1;
}

}  // namespace vicinity::feed
