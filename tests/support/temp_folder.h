// A folder of a test's own, in the system's folder for such, removed with all that is in it.
#pragma once

#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/status.h"

namespace vicinity::testing {

class TempFolder {
 public:
  // `what` is part of its name.
  [[nodiscard]] static absl::StatusOr<TempFolder> create(std::string_view what) {
    TempFolder folder;
    std::string pattern =
        (std::filesystem::temp_directory_path() / fmt::format("vicinity-{}-XXXXXX", what)).string();
    if (::mkdtemp(pattern.data()) == nullptr) return base::errno_status("mkdtemp " + pattern);
    folder.path_ = pattern;
    return folder;
  }

  TempFolder() = default;  // none
  TempFolder(TempFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempFolder& operator=(TempFolder&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string string() const { return path_.string(); }
  friend std::filesystem::path operator/(const TempFolder& folder, std::string_view name) {
    return folder.path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace vicinity::testing
