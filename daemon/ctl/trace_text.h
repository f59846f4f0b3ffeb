// One traced choice as a line for people. Pure.
#pragma once

#include <string>

#include "proto/vicinity/admin.pb.h"

namespace vicinity::ctl {

[[nodiscard]] std::string trace_heading();
// Columns as wide as their usual content: nobody knows what is still to come.
[[nodiscard]] std::string trace_line(const admin::TraceEvent& event);

}  // namespace vicinity::ctl
