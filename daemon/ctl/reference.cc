// vicinityctl completion, vicinityctl manual
#include "config/reference.h"

#include "base/status.h"
#include "ctl/commands.h"
#include "ctl/failure.h"

namespace vicinity::ctl {

int run_completion(const config::CommandLine& line, const Terminal& terminal) {
  const auto text = config::completion(
      line.positional,
      {config::reference_of(program()), config::reference_of_flags(program().version)});
  if (!text.ok()) return fail(terminal, text.status());
  terminal.out(*text);
  return kExitOk;
}

int run_manual(const config::CommandLine& line, const Terminal& terminal) {
  if (line.positional == "vicinityd") {
    terminal.out(config::manual(config::reference_of_flags(program().version)));
  } else if (line.positional == "vicinityctl") {
    terminal.out(config::manual(config::reference_of(program())));
  } else {
    return fail(terminal,
                base::invalid("no manual of '{}': vicinityctl or vicinityd", line.positional));
  }
  return kExitOk;
}

}  // namespace vicinity::ctl
