#include "support/paths.h"

#include <cstdlib>

namespace vicinity::testing {

std::filesystem::path source_dir() {
  const char* given = std::getenv("VICINITY_SOURCE_DIR");
  return given != nullptr ? given : VICINITY_SOURCE_DIR;
}

std::filesystem::path binary_dir() { return VICINITY_BINARY_DIR; }

}  // namespace vicinity::testing
