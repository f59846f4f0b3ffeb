// vicinityctl status
#include <absl/time/clock.h>

#include "base/status.h"
#include "ctl/bundle_file.h"
#include "ctl/client_text.h"
#include "ctl/commands.h"
#include "ctl/failure.h"
#include "ctl/proto_json.h"
#include "ctl/status_text.h"

namespace vicinity::ctl {
namespace {

absl::StatusOr<admin::StatusReply> ask(const config::CommandLine& line) {
  if (line.has("bundle")) return bundle_status(line.get("bundle"));
  VIC_ASSIGN_OR_RETURN(auto client, open_daemon(line));
  return client.status();
}

}  // namespace

int run_status(const config::CommandLine& line, const Terminal& terminal) {
  const auto json = wants_json(line);
  if (!json.ok()) return fail(terminal, json.status());
  const auto status = ask(line);
  if (!status.ok()) return fail(terminal, status.status());
  // A bundle's "2 s ago" counts from when it was made.
  const absl::Time now =
      line.has("bundle") ? absl::UnixEpoch() + absl::Seconds(status->sampled_at()) : absl::Now();
  terminal.out(*json ? to_json(*status).pretty() : status_text(*status, now));
  return kExitOk;
}

}  // namespace vicinity::ctl
