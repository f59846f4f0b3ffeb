#include "support/recordings.h"

#include <cstdlib>
#include <system_error>

#include "support/paths.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> existing(fs::path path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::nullopt;
  return path;
}

}  // namespace

std::optional<fs::path> shared_dir() {
  if (const char* given = std::getenv("VICINITY_SHARED")) return existing(given);
  return existing((source_dir() / ".." / "shared").lexically_normal());
}

std::optional<fs::path> recordings_dir() {
  const auto shared = shared_dir();
  return shared ? existing(*shared / "wds") : std::nullopt;
}

fs::path test_data_dir() { return source_dir() / "tests" / "data"; }

}  // namespace vicinity::testing
