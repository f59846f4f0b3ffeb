// The object itself is embedded beside this file.
#include <cstddef>
#include <span>

namespace vicinity::testing {
std::span<const std::byte> select_object();
}  // namespace vicinity::testing
