// Where the programs that tests start are. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace vicinity::testing {

// In $VICINITY_TEST_PROGRAMS, else beside the running program, else where the build put them.
[[nodiscard]] std::string program_path(std::string_view name);

}  // namespace vicinity::testing
