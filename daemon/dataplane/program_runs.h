// What the kernel measured of our programs. Control thread.
#pragma once

#include <vector>

#include "dataplane/dataplane.h"
#include "dataplane/object.h"

namespace vicinity::dataplane {

// Of every hook's program, in the order of hooks().
[[nodiscard]] std::vector<ProgramRuns> program_runs(const Object& object);

}  // namespace vicinity::dataplane
