// vic_pod_agent: makes connections from inside a pod (its network namespace, its cgroup) for a
// test, which drives it over descriptor 3. Ends when the test closes its end.
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "support/agent_connect.h"
#include "support/agent_load.h"
#include "support/agent_protocol.h"
#include "support/ip.h"

namespace vicinity::testing {
namespace {

class Agent {
 public:
  // The answer to one request.
  WireWriter handle(const AgentRequest& request) {
    WireWriter answer;
    switch (request.command) {
      case AgentCommand::kConnect:
        write_result(answer, attempt_with_names(target(request, 0)));
        break;
      case AgentCommand::kStartLoad:
        answer.put(start(request));
        break;
      case AgentCommand::kProgress:
        write_report(answer, load_ ? load_->progress() : LoadReport{});
        break;
      case AgentCommand::kFinish:
        if (load_) load_->finish();
        write_report(answer, load_ ? load_->progress() : LoadReport{});
        load_.reset();
        break;
      case AgentCommand::kStop:
        write_report(answer, load_ ? load_->stop() : LoadReport{});
        load_.reset();
        break;
    }
    return answer;
  }

 private:
  static AttemptSpec target(const AgentRequest& request, std::uint32_t index) {
    const WireTarget& wire = request.targets[index];
    Ip ip{.family = wire.family};
    std::copy_n(wire.address, ip.bytes.size(), ip.bytes.begin());
    return AttemptSpec{.to = socket_address(ip, wire.port),
                       .protocol = wire.protocol,
                       .talk = request.talk,
                       .timeout = Duration(request.timeout_ns)};
  }

  int start(const AgentRequest& request) {
    if (load_) return EBUSY;
    if (request.target_count == 0) return EINVAL;
    LoadPlan plan{.targets = {},
                  .rate_per_second = request.rate_per_second,
                  .workers = request.workers,
                  .limit = request.limit};
    for (std::uint32_t i = 0; i < request.target_count; ++i) {
      plan.targets.push_back(target(request, i));
    }
    load_ = std::make_unique<AgentLoad>(std::move(plan));
    return 0;
  }

  std::unique_ptr<AgentLoad> load_;
};

}  // namespace

int run_agent() {
  Agent agent;
  const auto request = std::make_unique<AgentRequest>();
  for (;;) {
    *request = AgentRequest{};
    const ssize_t size = recv(kAgentFd, request.get(), sizeof(AgentRequest), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size == 0 ? 0 : 1;
    if (request->target_count > kMaxTargets) return 1;
    if (!send_answer(kAgentFd, agent.handle(*request).bytes()).ok()) return 1;
  }
}

}  // namespace vicinity::testing

int main() { return vicinity::testing::run_agent(); }
