// Notices that the file at a path may have changed: written in place, replaced by a rename, deleted
// and made again, or reached through a symbolic link that was switched, as Kubernetes does with
// ConfigMaps. Watches folders, not the file: a watch on a file stays with the replaced inode.
// One thread.
#pragma once

#include <absl/status/statusor.h>

#include <filesystem>
#include <map>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace vicinity::feed {

class FileWatch {
 public:
  static absl::StatusOr<FileWatch> open(std::filesystem::path path);

  // Readable when there is something for drain().
  [[nodiscard]] int fd() const { return inotify_.get(); }
  // Watches every folder the path leads through now. Before each reading of the file: what changes
  // after that is noticed. False when one of them is not there: then look again after a while.
  bool rearm() { return rearm({path_}); }
  // The same for several files: those of a folder, each perhaps a link elsewhere.
  bool rearm(const std::vector<std::filesystem::path>& paths);
  // Takes what has happened; true when the file may have changed.
  bool drain();

 private:
  FileWatch(std::filesystem::path path, base::UniqueFd inotify);
  [[nodiscard]] bool matters(int watch, uint32_t mask, std::string_view name) const;

  std::filesystem::path path_;
  base::UniqueFd inotify_;
  std::map<int, std::filesystem::path> folders_;  // by watch descriptor
};

}  // namespace vicinity::feed
