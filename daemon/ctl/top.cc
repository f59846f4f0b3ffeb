// vicinityctl top
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>

#include "base/status.h"
#include "config/values.h"
#include "ctl/client_text.h"
#include "ctl/commands.h"
#include "ctl/failure.h"
#include "ctl/top_rows.h"

namespace vicinity::ctl {
namespace {

// ECMA-48: the cursor to the first place, and nothing below it.
constexpr std::string_view kClear = "\x1b[H\x1b[J";

struct Plan {
  absl::Duration interval = absl::Seconds(1);
  bool once = false;
  bool json = false;
  bool clear = false;  // each table in the place of the last one
};

absl::StatusOr<Plan> plan_of(const config::CommandLine& line) {
  Plan plan;
  VIC_ASSIGN_OR_RETURN(plan.json, wants_json(line));
  plan.once = line.has("once");
  if (line.has("interval")) {
    VIC_ASSIGN_OR_RETURN(plan.interval, config::parse_positive_duration(line.get("interval")));
  }
  plan.clear = !plan.once && !plan.json && ::isatty(STDOUT_FILENO) == 1;
  return plan;
}

// Of the terminal; 0: not known.
size_t screen_lines() {
  winsize size = {};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

void show(const Plan& plan, const Top& top, const Terminal& terminal) {
  if (plan.json) return terminal.out(to_json(top).dump() + "\n");
  if (!plan.clear) return terminal.out(to_text(top));
  terminal.out(std::string(kClear) + to_text(top, screen_lines()));
}

// Returns when there is nobody to ask any more.
absl::Status watch(const Plan& plan, AdminClient& client, const Terminal& terminal) {
  VIC_ASSIGN_OR_RETURN(admin::TrafficReply before, client.traffic());
  while (true) {
    absl::SleepFor(plan.interval);
    VIC_ASSIGN_OR_RETURN(admin::TrafficReply after, client.traffic());
    show(plan, top_between(before, after), terminal);
    if (plan.once) return absl::OkStatus();
    before = std::move(after);
  }
}

}  // namespace

int run_top(const config::CommandLine& line, const Terminal& terminal) {
  const auto plan = plan_of(line);
  if (!plan.ok()) return fail(terminal, plan.status());
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  const absl::Status status = watch(*plan, *client, terminal);
  return status.ok() ? kExitOk : fail(terminal, status);
}

}  // namespace vicinity::ctl
