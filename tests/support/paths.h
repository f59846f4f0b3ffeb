// Where the source tree and the build folder are. Only paths.cc is compiled with their names, so a
// compiler cache serves every checkout with what one of them has compiled.
#pragma once

#include <filesystem>

namespace vicinity::testing {

// $VICINITY_SOURCE_DIR, else the tree that this was built from.
[[nodiscard]] std::filesystem::path source_dir();
// The folder that this was built in; programs are below it in bin/.
[[nodiscard]] std::filesystem::path binary_dir();

}  // namespace vicinity::testing
