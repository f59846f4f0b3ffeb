// Which tables this program makes and reads: VICINITY_ABI_VERSION. A file of its own, so that a
// test can link a daemon of another version.
#pragma once

#include <cstdint>

namespace vicinity::dataplane {

[[nodiscard]] uint32_t abi_version();

}  // namespace vicinity::dataplane
