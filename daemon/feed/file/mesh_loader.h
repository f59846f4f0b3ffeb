// Reads a mesh file again and again. Used by the file feed's I/O thread and by tools that follow a
// file. One thread.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/strings.h"
#include "feed/file/mesh_file.h"

namespace vicinity::feed {

// One reading of the file.
struct MeshLoad {
  absl::Status status;  // why the file could not be used at all
  MeshFile mesh;
  base::StringMap<uint64_t> fingerprints;  // of each resource in `mesh`, by name
  absl::Time received = absl::InfinitePast();
};

class MeshLoader {
 public:
  explicit MeshLoader(std::filesystem::path path) : path_(std::move(path)) {}

  // Nothing when the file is as it was the last time, or missing as it was.
  std::optional<MeshLoad> load();

 private:
  std::filesystem::path path_;
  std::optional<std::string> last_text_;  // or what was wrong with the file
  bool last_good_ = false;
};

}  // namespace vicinity::feed
