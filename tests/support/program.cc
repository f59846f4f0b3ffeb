#include "support/program.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "support/paths.h"

namespace vicinity::testing {

std::string program_path(std::string_view name) {
  namespace fs = std::filesystem;
  std::vector<fs::path> folders;
  if (const char* folder = std::getenv("VICINITY_TEST_PROGRAMS")) folders.emplace_back(folder);
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (!error) folders.push_back(self.parent_path());
  const fs::path built = binary_dir() / "bin" / name;
  for (const fs::path& folder : folders) {
    const fs::path candidate = folder / name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return built.string();
}

}  // namespace vicinity::testing
