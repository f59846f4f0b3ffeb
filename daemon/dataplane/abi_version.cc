#include "dataplane/abi_version.h"

#include <vicinity/abi.h>

namespace vicinity::dataplane {

uint32_t abi_version() { return VICINITY_ABI_VERSION; }

}  // namespace vicinity::dataplane
