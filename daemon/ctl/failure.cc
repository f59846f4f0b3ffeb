#include "ctl/failure.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/status.h"
#include "config/flags.h"

namespace vicinity::ctl {

std::string admin_socket(const config::CommandLine& line) {
  if (line.has("admin-socket")) return line.get("admin-socket");
  const config::Flag& flag = *config::find_flag("admin-socket");
  const char* variable = std::getenv(config::environment_name(flag).c_str());
  return variable != nullptr ? variable : std::string(flag.default_text);
}

absl::StatusOr<AdminClient> open_daemon(const config::CommandLine& line) {
  return AdminClient::open(admin_socket(line));
}

int fail(const Terminal& terminal, const absl::Status& status) {
  terminal.err(fmt::format("vicinityctl: {}\n", base::message(status)));
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:  // a service that no table can hold
      return kExitUsage;
    default:
      return kExitFailed;
  }
}

}  // namespace vicinity::ctl
