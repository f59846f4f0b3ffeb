// The daemon's status for people. Pure.
#pragma once

#include <absl/time/time.h>

#include <string>

#include "proto/vicinity/admin.pb.h"

namespace vicinity::ctl {

[[nodiscard]] std::string status_text(const admin::StatusReply& status, absl::Time now);

}  // namespace vicinity::ctl
