// vicinityctl metrics
#include "ctl/commands.h"
#include "ctl/failure.h"

namespace vicinity::ctl {

int run_metrics(const config::CommandLine& line, const Terminal& terminal) {
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  const auto text = client->metrics();
  if (!text.ok()) return fail(terminal, text.status());
  terminal.out(*text);
  return kExitOk;
}

}  // namespace vicinity::ctl
