// Ejections as vic_ejections has them, and back. Stateless.
#pragma once

#include <absl/status/status.h>
#include <vicinity/abi.h>

#include <span>
#include <vector>

#include "dataplane/dataplane.h"

namespace vicinity::dataplane {

[[nodiscard]] std::vector<StoredEjection> load_ejections(std::span<const vic_ejection> stored);
// Replaces what is stored. ResourceExhausted: there is no room for all, the last ones are left out.
[[nodiscard]] absl::Status store_ejections(std::span<vic_ejection> stored,
                                           std::span<const StoredEjection> ejections);

}  // namespace vicinity::dataplane
