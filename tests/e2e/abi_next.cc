// Makes the daemon that it is linked into one of the next ABI version.
#include <vicinity/abi.h>

#include "dataplane/abi_version.h"

namespace vicinity::dataplane {

uint32_t abi_version() { return VICINITY_ABI_VERSION + 1; }

}  // namespace vicinity::dataplane
