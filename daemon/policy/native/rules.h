// Which ConnectionPolicy counts for a port of a service, for each of the things that they may say:
// one of the service's own namespace before one of the root namespace, one that names the service
// before "*", one that names the port before one that does not; of equals the alphabetically first.
// Pure.
#pragma once

#include <memory>
#include <span>

#include "policy/source.h"

namespace vicinity::policy::native {

// The documents, all of this source, outlive the rules.
[[nodiscard]] std::unique_ptr<const Rules> make_rules(std::span<const Document* const> documents,
                                                      const Settings& settings);

}  // namespace vicinity::policy::native
