// The test's end of a pod's agent: a process in the pod's network namespace and cgroup that makes
// connections on request. (A socket belongs to the cgroup of the process that made it, so no thread
// of the test could.) One thread at a time per agent.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "support/agent_protocol.h"
#include "support/cgroup.h"
#include "support/connect.h"
#include "support/netns.h"
#include "support/process.h"

namespace vicinity::testing {

class PodAgent {
 public:
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<PodAgent>> start(const Netns& netns,
                                                                       const Cgroup& cgroup);

  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  // What the *connection* met is in the result; the status is the agent's own.
  [[nodiscard]] absl::StatusOr<ConnectResult> connect(const ConnectSpec& spec);
  // `spec.limit` attempts. REQUIRES: a limit; no load running.
  [[nodiscard]] absl::StatusOr<Tally> connect_many(const LoadSpec& spec);
  // A load in the background, one at a time; connect() works meanwhile.
  [[nodiscard]] absl::Status start_load(const LoadSpec& spec);
  [[nodiscard]] absl::StatusOr<Tally> load_so_far();
  [[nodiscard]] absl::StatusOr<LoadReport> stop_load();

 private:
  PodAgent(base::UniqueFd fd, Process process) : fd_(std::move(fd)), process_(std::move(process)) {}
  [[nodiscard]] absl::StatusOr<std::vector<std::uint8_t>> ask(const AgentRequest& request,
                                                              Duration timeout);
  [[nodiscard]] absl::StatusOr<LoadReport> ask_report(AgentCommand command, Duration timeout);

  base::UniqueFd fd_;
  Process process_;  // killed before its descriptor closes
};

}  // namespace vicinity::testing
