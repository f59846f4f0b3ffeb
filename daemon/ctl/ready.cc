// vicinityctl ready: for probes and scripts; its exit status is the answer.
#include <fmt/ranges.h>

#include "ctl/commands.h"
#include "ctl/failure.h"

namespace vicinity::ctl {

int run_ready(const config::CommandLine& line, const Terminal& terminal) {
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  const auto status = client->status();
  if (!status.ok()) return fail(terminal, status.status());
  if (!status->unready().empty()) {
    return fail(terminal, absl::UnavailableError(
                              fmt::format("not ready: {}", fmt::join(status->unready(), "; "))));
  }
  terminal.out("ready\n");
  return kExitOk;
}

}  // namespace vicinity::ctl
