#include "support/pod_agent.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "support/ip.h"
#include "support/program.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

// On top of what the request itself may take.
constexpr Duration kPatience = 30s;

absl::StatusOr<WireTarget> wire_target(const Target& target) {
  VIC_ASSIGN_OR_RETURN(const Ip ip, parse_ip(target.address));
  WireTarget wire{.family = static_cast<std::uint16_t>(ip.family),
                  .port = target.port,
                  .protocol = target.protocol};
  std::copy(ip.bytes.begin(), ip.bytes.end(), wire.address);
  return wire;
}

absl::StatusOr<std::unique_ptr<AgentRequest>> load_request(const LoadSpec& spec) {
  if (spec.targets.empty() || spec.targets.size() > kMaxTargets) {
    return base::invalid("load: {} targets, not 1 to {}", spec.targets.size(), kMaxTargets);
  }
  auto request = std::make_unique<AgentRequest>();
  request->command = AgentCommand::kStartLoad;
  request->workers = spec.workers;
  request->timeout_ns = spec.timeout.count();
  request->rate_per_second = spec.rate_per_second;
  request->limit = spec.limit;
  request->talk = spec.talk;
  for (const Target& target : spec.targets) {
    VIC_ASSIGN_OR_RETURN(request->targets[request->target_count++], wire_target(target));
  }
  return request;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PodAgent>> PodAgent::start(const Netns& netns,
                                                          const Cgroup& cgroup) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::errno_status("pod agent: socketpair");
  }
  base::UniqueFd ours(ends[0]);
  const base::UniqueFd theirs(ends[1]);
  VIC_ASSIGN_OR_RETURN(Process process, Process::spawn({.argv = {program_path("vic_pod_agent")},
                                                        .netns = &netns,
                                                        .cgroup = &cgroup,
                                                        .output = Output::kInherit,
                                                        .extra_fds = {theirs.get()}}));
  return std::unique_ptr<PodAgent>(new PodAgent(std::move(ours), std::move(process)));
}

absl::StatusOr<std::vector<std::uint8_t>> PodAgent::ask(const AgentRequest& request,
                                                        Duration timeout) {
  if (send(fd_.get(), &request, request.size(), MSG_NOSIGNAL) < 0) {
    return base::errno_status(fmt::format("pod agent {}: send", pid()));
  }
  return receive_answer(fd_.get(), timeout);
}

absl::StatusOr<ConnectResult> PodAgent::connect(const ConnectSpec& spec) {
  VIC_ASSIGN_OR_RETURN(auto request,
                       load_request({.targets = {{spec.address, spec.port, spec.protocol}},
                                     .talk = spec.talk,
                                     .timeout = spec.timeout}));
  request->command = AgentCommand::kConnect;
  VIC_ASSIGN_OR_RETURN(const auto answer, ask(*request, kPatience + 3 * spec.timeout));
  WireReader reader(answer);
  ConnectResult result = read_result(reader);
  if (reader.failed()) return base::internal("pod agent {}: short answer", pid());
  return result;
}

absl::Status PodAgent::start_load(const LoadSpec& spec) {
  VIC_ASSIGN_OR_RETURN(const auto request, load_request(spec));
  VIC_ASSIGN_OR_RETURN(const auto answer, ask(*request, kPatience));
  WireReader reader(answer);
  const int error = reader.get<int>();
  if (error == 0) return absl::OkStatus();
  return base::errno_status(fmt::format("pod agent {}: start load", pid()), error);
}

absl::StatusOr<LoadReport> PodAgent::ask_report(AgentCommand command, Duration timeout) {
  const auto request = std::make_unique<AgentRequest>();
  request->command = command;
  VIC_ASSIGN_OR_RETURN(const auto answer, ask(*request, timeout));
  WireReader reader(answer);
  LoadReport report = read_report(reader);
  if (reader.failed()) return base::internal("pod agent {}: short answer", pid());
  return report;
}

absl::StatusOr<Tally> PodAgent::connect_many(const LoadSpec& spec) {
  if (spec.limit == 0) return base::invalid("load: no limit");
  VIC_RETURN_IF_ERROR(start_load(spec));
  const auto attempts = static_cast<std::int64_t>(spec.limit);
  const Duration paced = spec.rate_per_second <= 0
                             ? Duration::zero()
                             : Duration(static_cast<std::int64_t>(static_cast<double>(spec.limit) *
                                                                  1e9 / spec.rate_per_second));
  const Duration longest = std::min<Duration>(attempts * 2 * spec.timeout, 10min);
  VIC_ASSIGN_OR_RETURN(const LoadReport report,
                       ask_report(AgentCommand::kFinish, kPatience + paced + longest));
  return report.tally;
}

absl::StatusOr<Tally> PodAgent::load_so_far() {
  VIC_ASSIGN_OR_RETURN(const LoadReport report, ask_report(AgentCommand::kProgress, kPatience));
  return report.tally;
}

absl::StatusOr<LoadReport> PodAgent::stop_load() {
  return ask_report(AgentCommand::kStop, kPatience);
}

}  // namespace vicinity::testing
