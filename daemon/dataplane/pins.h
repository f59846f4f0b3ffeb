// The pin directory: which generations it holds, who works on it, taking it apart. Layout:
//   PIN_DIR/v<ABI>/gen-<N>/<map>...   the maps of one generation; "complete" is pinned last
//   PIN_DIR/v<ABI>/links/<hook>       what keeps the programs attached
//   PIN_DIR/v<ABI>/tasks-<hash>       the iterator that finds pods (dataplane/tasks.h)
// Another version's directory is there only while its programs serve, or are being replaced.
// File names on a BPF file system have no '.'. Control thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "dataplane/abi_version.h"

namespace vicinity::dataplane {

using PinnedMaps = std::map<std::string, base::UniqueFd>;  // by name

struct GenerationPin {
  uint32_t number = 0;
  bool complete = false;
  std::filesystem::path path;
};

// The directory of one ABI version.
struct VersionPin {
  uint32_t number = 0;
  std::filesystem::path path;
  [[nodiscard]] std::filesystem::path links() const { return path / "links"; }
};

class Pins {
 public:
  explicit Pins(std::string_view pin_dir, uint32_t version = abi_version());

  // Makes the directories and becomes their only user, until the descriptor is closed.
  [[nodiscard]] absl::StatusOr<base::UniqueFd> lock() const;
  // Newest first.
  [[nodiscard]] std::vector<GenerationPin> generations() const { return generations_in(version_); }
  [[nodiscard]] static std::vector<GenerationPin> generations_in(
      const std::filesystem::path& version);
  // Directories of other ABI versions.
  [[nodiscard]] std::vector<VersionPin> other_versions() const;
  [[nodiscard]] const std::filesystem::path& directory() const { return version_; }
  [[nodiscard]] std::filesystem::path generation_path(uint32_t number) const;
  [[nodiscard]] std::filesystem::path link_path(std::string_view hook) const;

  // Pins all maps, the mark of completeness last.
  [[nodiscard]] absl::Status pin(uint32_t number, const std::map<std::string, int>& maps) const;
  // Opens all maps of a generation by name; an error names the one that is missing.
  [[nodiscard]] static absl::StatusOr<PinnedMaps> open(const GenerationPin& generation);
  [[nodiscard]] static absl::Status remove(const std::filesystem::path& tree);
  // Whatever in the directory has a name that begins so.
  [[nodiscard]] static absl::Status remove_in(const std::filesystem::path& directory,
                                              std::string_view prefix);
  // Detaches what is attached by the version's links, and removes it.
  [[nodiscard]] static absl::Status remove(const VersionPin& version);

 private:
  std::filesystem::path root_;
  std::filesystem::path version_;
};

// Detaches everything and removes every pin of every version. An error when a daemon is running.
[[nodiscard]] absl::Status uninstall(std::string_view pin_dir);

}  // namespace vicinity::dataplane
