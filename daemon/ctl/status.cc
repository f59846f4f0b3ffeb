// vicinityctl status
#include <absl/time/clock.h>

#include "ctl/client_text.h"
#include "ctl/commands.h"
#include "ctl/failure.h"
#include "ctl/proto_json.h"
#include "ctl/status_text.h"

namespace vicinity::ctl {

int run_status(const config::CommandLine& line, const Terminal& terminal) {
  const auto json = wants_json(line);
  if (!json.ok()) return fail(terminal, json.status());
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  const auto status = client->status();
  if (!status.ok()) return fail(terminal, status.status());
  terminal.out(*json ? to_json(*status).pretty() : status_text(*status, absl::Now()));
  return kExitOk;
}

}  // namespace vicinity::ctl
