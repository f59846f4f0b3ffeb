// Where the recordings of a real control plane are: beside the source tree, in places that have
// them. Tests use them when they exist and say loudly when they do not.
#pragma once

#include <filesystem>
#include <optional>

namespace vicinity::testing {

// $VICINITY_SHARED, else ../shared beside the source tree.
[[nodiscard]] std::optional<std::filesystem::path> shared_dir();
// Its folder wds.
[[nodiscard]] std::optional<std::filesystem::path> recordings_dir();
// tests/data of this tree, which is always there.
[[nodiscard]] std::filesystem::path test_data_dir();

}  // namespace vicinity::testing
