// vicinityctl trace
#include <absl/strings/numbers.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <limits>

#include "base/status.h"
#include "config/values.h"
#include "ctl/client_text.h"
#include "ctl/commands.h"
#include "ctl/failure.h"
#include "ctl/proto_json.h"
#include "ctl/trace_text.h"

namespace vicinity::ctl {
namespace {

using Clock = std::chrono::system_clock;

struct Plan {
  admin::TraceRequest request;
  uint64_t count = std::numeric_limits<uint64_t>::max();
  Clock::time_point until = Clock::time_point::max();
  bool json = false;
};

absl::StatusOr<Plan> plan_of(const config::CommandLine& line) {
  Plan plan;
  VIC_ASSIGN_OR_RETURN(plan.json, wants_json(line));
  plan.request.set_service(line.get("service"));
  plan.request.set_pod(line.get("pod"));
  plan.request.set_refused(line.has("refused"));
  if (line.has("count") && (!absl::SimpleAtoi(line.get("count"), &plan.count) || plan.count == 0)) {
    return base::invalid("--count {}: not a number above 0", line.get("count"));
  }
  if (line.has("for")) {
    VIC_ASSIGN_OR_RETURN(const auto time, config::parse_positive_duration(line.get("for")));
    plan.until = Clock::now() + absl::ToChronoMicroseconds(time);
  }
  return plan;
}

// Writes what comes, and counts it.
class Lines {
 public:
  Lines(const Plan& plan, const Terminal& terminal) : plan_(plan), terminal_(terminal) {}

  void begin() const {
    if (!plan_.json) terminal_.out(trace_heading());
  }

  AdminClient::Go write(const admin::TraceReply& reply) {
    for (const admin::TraceEvent& event : reply.events()) {
      if (written_ == plan_.count) break;
      ++written_;
      terminal_.out(plan_.json ? to_json(event).dump() + "\n" : trace_line(event));
    }
    if (reply.lost() > lost_) write_lost(reply.lost());
    return written_ == plan_.count ? AdminClient::Go::kStop : AdminClient::Go::kOn;
  }

 private:
  void write_lost(uint64_t lost) {
    lost_ = lost;
    if (plan_.json) return terminal_.out(fmt::format("{{\"lost\": {}}}\n", lost));
    terminal_.err(fmt::format("{} lost so far: more than could be shown\n", lost));
  }

  const Plan& plan_;
  const Terminal& terminal_;
  uint64_t written_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace

int run_trace(const config::CommandLine& line, const Terminal& terminal) {
  const auto plan = plan_of(line);
  if (!plan.ok()) return fail(terminal, plan.status());
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  Lines lines(*plan, terminal);
  const absl::Status status = client->trace(
      plan->request, [&] { lines.begin(); },
      [&](const admin::TraceReply& reply) { return lines.write(reply); }, plan->until);
  return status.ok() ? kExitOk : fail(terminal, status);
}

}  // namespace vicinity::ctl
