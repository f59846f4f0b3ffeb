#include "ctl/failure.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/status.h"
#include "config/flags.h"

namespace vicinity::ctl {

absl::StatusOr<AdminClient> open_daemon(const config::CommandLine& line) {
  if (line.has("admin-socket")) return AdminClient::open(line.get("admin-socket"));
  const config::Flag& flag = *config::find_flag("admin-socket");
  const char* variable = std::getenv(config::environment_name(flag).c_str());
  return AdminClient::open(variable != nullptr ? variable : std::string(flag.default_text));
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
