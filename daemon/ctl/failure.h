// What the commands share: the socket to ask, and errors to message and exit status. One thread.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "config/command_line.h"
#include "ctl/admin_client.h"
#include "ctl/terminal.h"

namespace vicinity::ctl {

// --admin-socket, or VICINITY_ADMIN_SOCKET, or where the daemon's default is.
[[nodiscard]] std::string admin_socket(const config::CommandLine& line);
// The daemon that listens there.
[[nodiscard]] absl::StatusOr<AdminClient> open_daemon(const config::CommandLine& line);

// Writes the message; NotFound: kExitNotFound, bad input or no daemon: kExitUsage, else
// kExitFailed.
int fail(const Terminal& terminal, const absl::Status& status);

}  // namespace vicinity::ctl
