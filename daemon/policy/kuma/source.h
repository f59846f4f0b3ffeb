// Kuma's policies as a policy source. Any thread.
#pragma once

#include "policy/source.h"

namespace vicinity::policy::kuma {

[[nodiscard]] const Source& source();

}  // namespace vicinity::policy::kuma
