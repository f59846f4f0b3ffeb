// vicinityd as a whole: opens the data plane, builds feed, engine, admin server and exporter from
// the configuration, and runs the control loop until SIGTERM or SIGINT. Main thread.
#pragma once

#include <absl/status/status.h>

#include "config/config.h"

namespace vicinity {

// Runs until told to stop; the data plane keeps serving after that. Error: it could not start.
absl::Status run_app(const config::Config& config);

// --uninstall: detaches the hooks and removes everything pinned.
absl::Status uninstall(const config::Config& config);

}  // namespace vicinity
