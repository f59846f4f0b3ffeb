// Entry point of vicinityd. Exit status: 0 stopped as asked, 1 could not start, 2 bad usage.
#include <absl/synchronization/mutex.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "app.h"
#include "config/parse.h"

int main(int argc, char** argv) {
  using vicinity::config::Action;
  const auto config = vicinity::config::parse_config(argc, argv, VICINITY_VERSION);
  if (!config.ok()) {
    std::fprintf(stderr, "vicinityd: %s\n", std::string(config.status().message()).c_str());
    return 2;
  }
  if (config->action == Action::kPrint) {
    std::fputs(config->print.c_str(), stdout);
    return 0;
  }
  // Before any thread: each waits for its own sockets. By default all of gRPC's threads take turns
  // to wait for all of them, and a message goes through one or two of the admin socket's (decision
  // 023).
  ::setenv("GRPC_POLL_STRATEGY", "poll", 0);
  // A distribution's abseil may look for cycles at each lock; the tests do that.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const auto status = config->action == Action::kUninstall ? vicinity::uninstall(*config)
                                                           : vicinity::run_app(*config);
  if (status.ok()) return 0;
  std::fprintf(stderr, "vicinityd: %s\n", std::string(status.message()).c_str());
  return 1;
}
