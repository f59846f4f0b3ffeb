// The objects themselves are embedded beside this file.
#include <cstddef>
#include <span>

namespace vicinity::testing {
std::span<const std::byte> algorithms_object();
std::span<const std::byte> select_object();
}  // namespace vicinity::testing
