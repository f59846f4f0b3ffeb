// The pin directory: which generations it holds, who works on it, taking it apart. Layout:
//   PIN_DIR/v<ABI>/gen-<N>/<map>...   the maps of one generation; "complete" is pinned last
//   PIN_DIR/v<ABI>/links/<hook>       what keeps the programs attached
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

namespace vicinity::dataplane {

using PinnedMaps = std::map<std::string, base::UniqueFd>;  // by name

struct GenerationPin {
  uint32_t number = 0;
  bool complete = false;
  std::filesystem::path path;
};

class Pins {
 public:
  explicit Pins(std::string_view pin_dir);

  // Makes the directories and becomes their only user, until the descriptor is closed.
  [[nodiscard]] absl::StatusOr<base::UniqueFd> lock() const;
  // Newest first.
  [[nodiscard]] std::vector<GenerationPin> generations() const;
  [[nodiscard]] std::filesystem::path generation_path(uint32_t number) const;
  [[nodiscard]] std::filesystem::path link_path(std::string_view hook) const;

  // Pins all maps, the mark of completeness last.
  [[nodiscard]] absl::Status pin(uint32_t number, const std::map<std::string, int>& maps) const;
  // Opens all maps of a generation by name; an error names the one that is missing.
  [[nodiscard]] static absl::StatusOr<PinnedMaps> open(const GenerationPin& generation);
  [[nodiscard]] static absl::Status remove(const std::filesystem::path& tree);

 private:
  std::filesystem::path root_;
  std::filesystem::path version_;
};

// Detaches everything and removes every pin of every version. An error when a daemon is running.
[[nodiscard]] absl::Status uninstall(std::string_view pin_dir);

}  // namespace vicinity::dataplane
