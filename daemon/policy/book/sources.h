// The policy sources there are. A new one is its folder and one line in sources.cc. Any thread.
#pragma once

#include <span>

#include "policy/source.h"

namespace vicinity::policy::book {

// In order of precedence between documents of equal reach.
[[nodiscard]] std::span<const Source* const> sources();

}  // namespace vicinity::policy::book
