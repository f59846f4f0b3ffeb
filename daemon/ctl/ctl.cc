// The table of vicinityctl's commands, and their dispatch.
#include <array>
#include <utility>

#include "ctl/commands.h"
#include "ctl/failure.h"

namespace vicinity::ctl {
namespace {

using config::Command;
using config::CommandOption;

constexpr CommandOption kSocket{"admin-socket", "PATH",
                                "socket of the daemon (also VICINITY_ADMIN_SOCKET) "
                                "[/run/vicinity/admin.sock]"};
constexpr CommandOption kOutput{"o", "json|table", "for programs or for people [table]"};
constexpr CommandOption kMesh{"mesh", "FILE", "work on this mesh file, without a daemon"};
constexpr CommandOption kClient{
    "client", "KEY=VALUE,...",
    "with --mesh: who connects: region, zone, subzone, node, cluster, network, namespace, "
    "label.KEY"};

constexpr CommandOption kBundle{"bundle", "FILE", "ask this bundle instead of the daemon"};

constexpr std::array kAsking{kOutput, kSocket};
constexpr std::array kReplaying{kOutput, kBundle, kSocket};
constexpr std::array kBundling{
    CommandOption{"file", "FILE", "where to write it [vicinity-bundle.tar.gz]"}, kSocket};
constexpr std::array kChecking{
    kOutput, CommandOption{"cgroup", "PATH", "without a daemon: the cgroup to look at"},
    CommandOption{"pin-dir", "PATH", "without a daemon: its pin directory"}, kSocket};
constexpr std::array kReady{kSocket};
constexpr std::array kDumping{kOutput, kMesh, kClient, kSocket};
constexpr std::array kExplaining{
    CommandOption{"service", "NAMESPACE/HOSTNAME", "the service"},
    CommandOption{"port", "N", "its port; without: every port, as JSON the lowest"},
    CommandOption{"family", "ipv4|ipv6", "without: those it has addresses of, as JSON the first"},
    kOutput,
    kMesh,
    kClient,
    kBundle,
    CommandOption{"policy", "FILE", "with --mesh: a file of policies", true},
    CommandOption{"kuma-zone", "SOURCE", "with --policy, as for vicinityd"},
    CommandOption{"kuma-threshold", "exact|compat", "with --policy, as for vicinityd"},
    CommandOption{"kuma-mesh", "NAME", "with --policy, as for vicinityd"},
    CommandOption{"kuma-panic-threshold", "PERCENT", "with --policy, as for vicinityd"},
    kSocket,
};

constexpr std::array kTracing{
    CommandOption{"service", "NAMESPACE/HOSTNAME", "only this service; * and ? as in a shell"},
    CommandOption{"pod", "IP", "only connects of the pod with this address"},
    CommandOption{"refused", "", "only connects that failed, here or at the endpoint"},
    CommandOption{"count", "N", "end after N lines"},
    CommandOption{"for", "DURATION", "end after this time (10s, 5m)"},
    CommandOption{"o", "json|table", "one object a line, or columns for people [table]"},
    kSocket,
};

constexpr std::array kWatching{
    CommandOption{"interval", "DURATION",
                  "what a table is about; without --once also how often "
                  "there is a new one [1s]"},
    CommandOption{"once", "", "one table, then end"},
    CommandOption{"o", "json|table", "one object a line, or a table for people [table]"},
    kSocket,
};

constexpr std::array kCommands{
    Command{"status", "feed, own place, tables, connects, problems", "", kReplaying},
    Command{"ready", "exit status 0 when connects are translated, 1 and why when not", "", kReady},
    Command{"services", "all services", "", kReplaying},
    Command{"endpoints", "a service's endpoints by tier and locality", "NAMESPACE/HOSTNAME[:PORT]",
            kReplaying},
    Command{"explain", "what a connect to a service does, and why", "", kExplaining},
    Command{"dump", "one stage of the data flow as text", "snapshot|plan|tables", kDumping},
    Command{"policy",
            "check: what is wrong with policy files, without a daemon; list: which policy "
            "decides for which service, and why",
            "check FILE...|list", kAsking, true},
    Command{"trace", "connects as they happen: where each went and why", "", kTracing},
    Command{"top", "connects a second by service and by zone, and how many stayed near", "",
            kWatching},
    Command{"check",
            "what is wrong with this installation, and what helps; exit status 1 when something is",
            "", kChecking},
    Command{"bundle", "one file with all that the daemon knows, without secrets, to be replayed",
            "", kBundling},
    Command{"metrics", "the metrics, as Prometheus scrapes them", "", kAsking},
    Command{
        "completion", "completion of both programs, for a shell to source", "bash|zsh|fish", {}},
    Command{"manual", "a page for man(1)", "vicinityctl|vicinityd", {}},
};

using Run = int (*)(const config::CommandLine&, const Terminal&);
constexpr std::array<std::pair<std::string_view, Run>, 14> kRuns{{
    {"status", run_status},
    {"ready", run_ready},
    {"services", run_services},
    {"endpoints", run_endpoints},
    {"explain", run_explain},
    {"dump", run_dump},
    {"policy", run_policy},
    {"trace", run_trace},
    {"top", run_top},
    {"check", run_check},
    {"bundle", run_bundle},
    {"metrics", run_metrics},
    {"completion", run_completion},
    {"manual", run_manual},
}};

}  // namespace

config::Program program() {
  return {.name = "vicinityctl",
          .about = "Shows what vicinityd does with this node's connects.",
          .version = VICINITY_VERSION,
          .commands = kCommands};
}

int run_ctl(int argc, const char* const* argv, const Terminal& terminal) {
  const auto line = config::parse_command_line(program(), argc, argv);
  if (!line.ok()) return fail(terminal, line.status());
  if (!line->print.empty()) {
    terminal.out(line->print);
    return kExitOk;
  }
  for (const auto& [name, run] : kRuns) {
    if (name == line->command) return run(*line, terminal);
  }
  return kExitUsage;
}

}  // namespace vicinity::ctl
