#include "ctl/status_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ctl/table.h"

namespace vicinity::ctl {
namespace {

using admin::StatusReply;

std::string duration_text(absl::Duration duration) {
  const absl::Duration whole = absl::Trunc(duration, absl::Seconds(1));
  return whole == absl::ZeroDuration() ? "0s" : absl::FormatDuration(whole);
}

std::string ago(double seconds_since_epoch, absl::Time now) {
  if (seconds_since_epoch == 0) return "never";
  const absl::Duration age = now - (absl::UnixEpoch() + absl::Seconds(seconds_since_epoch));
  return fmt::format("{} ago", duration_text(std::max(age, absl::ZeroDuration())));
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string feed_text(const admin::Feed& feed, absl::Time now) {
  std::string text = fmt::format(
      "{} ({}), last message {}, {} messages, {} resources, {} removals, {} answered with NACK",
      feed.state(), or_dash(feed.source()), ago(feed.last_message_at(), now), feed.messages(),
      feed.resources(), feed.removals(), feed.nacks());
  if (feed.oversized() > 0) {
    text += fmt::format(", {} over --max-receive-bytes", feed.oversized());
  }
  if (feed.next_attempt_at() > 0 && feed.state() == "backoff") {
    const absl::Duration left = absl::UnixEpoch() + absl::Seconds(feed.next_attempt_at()) - now;
    text +=
        fmt::format(", next attempt in {}", duration_text(std::max(left, absl::ZeroDuration())));
  }
  return text;
}

// "region/zone/subzone" without the levels that are not set.
std::string locality_text(const admin::Context& context) {
  std::string text = fmt::format("{}/{}/{}", context.region(), context.zone(), context.subzone());
  while (text.ends_with('/')) text.pop_back();
  return or_dash(text);
}

std::string context_text(const admin::Context& context) {
  return fmt::format("{} network={} cluster={} locality={}{}", or_dash(context.node()),
                     or_dash(context.network()), or_dash(context.cluster()), locality_text(context),
                     context.known() ? "" : " (not known yet)");
}

std::string services_text(const StatusReply& status) {
  const admin::Counts& counts = status.counts();
  return fmt::format(
      "{} known, {} workloads; {} tables compiled, {} written, {} removed, {} pending, {} refused",
      counts.services(), counts.workloads(), counts.services_compiled(),
      counts.services_published(), counts.services_removed(),
      status.data_plane().pending_services_count(), status.refused_size());
}

using Count = std::pair<std::string_view, uint64_t>;

// Those that there were.
std::string counts_text(std::initializer_list<Count> counts) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, name));
  }
  return parts.empty() ? "none" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string refused_text(const admin::Outcomes& o) {
  return counts_text({{"empty", o.refused_empty()}, {"unknown port", o.unknown_port_refused()}});
}

std::string passed_text(const admin::Outcomes& o) {
  return counts_text({{"no service", o.not_a_service()},
                      {"empty", o.passed_empty()},
                      {"passthrough", o.passed_passthrough()},
                      {"waypoint", o.passed_waypoint()},
                      {"unknown port", o.unknown_port_passed()},
                      {"opted out", o.opted_out()},
                      {"captured", o.captured()},
                      {"host network", o.host_network()},
                      {"lease expired", o.lease_expired()},
                      {"own", o.own_socket()},
                      {"internal error", o.internal_error()},
                      {"unrecorded", o.unrecorded()},
                      {"kernel", o.kernel_socket()}});
}

std::string tables_text(const admin::DataPlane& plane) {
  return fmt::format("generation {}, {} KiB, {} reclaims pending, {} open connections counted",
                     plane.generation(), plane.memory_bytes() / 1024, plane.pending_reclaims(),
                     plane.active_connections());
}

// Of the tables that hold something.
std::string usage_text(const admin::DataPlane& plane) {
  std::vector<std::string> parts;
  for (const admin::Usage& usage : plane.usage()) {
    if (usage.used() == 0) continue;
    parts.push_back(fmt::format("{} {}/{}", usage.table(), usage.used(), usage.capacity()));
  }
  return parts.empty() ? "nothing" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string hooks_text(const admin::DataPlane& plane) {
  if (plane.predecessor_abi() != 0) {
    return fmt::format("tables of ABI {} serve until the feed is in sync and quiet",
                       plane.predecessor_abi());
  }
  if (!plane.attached()) {
    return plane.attach_problem().empty() ? "not attached"
                                          : fmt::format("not attached: {}", plane.attach_problem());
  }
  return fmt::format("attached to {}", plane.cgroup());
}

std::string policies_text(const admin::PolicyStatus& policies) {
  std::string text =
      fmt::format("{} in force, {} refused, {} kept in an older version, {} warnings",
                  policies.documents(), policies.refused(), policies.kept(), policies.warnings());
  if (!policies.error().empty()) text += "; not read: " + policies.error();
  return text;
}

std::string kernel_text(const admin::DataPlane& plane) {
  std::vector<std::string> missing;
  for (const admin::Feature& feature : plane.features()) {
    if (!feature.present()) missing.push_back(feature.name());
  }
  if (missing.empty()) return plane.kernel();
  return fmt::format("{}, without {}", plane.kernel(), fmt::join(missing, ", "));
}

std::vector<std::string> degradations(const admin::DataPlane& plane) {
  std::vector<std::string> lines;
  for (const admin::Feature& feature : plane.features()) {
    if (!feature.present()) lines.push_back(feature.name() + ": " + feature.without());
  }
  return lines;
}

std::string ready_text(const StatusReply& status) {
  const admin::Probe& probe = status.probe();
  if (!status.unready().empty()) return fmt::format("no: {}", fmt::join(status.unready(), "; "));
  if (probe.from_sibling()) return "yes; a connect from a cgroup beside the daemon's is translated";
  return fmt::format(
      "yes; a connect from the daemon's own cgroup is translated, none beside it "
      "could be tried ({})",
      probe.why_no_sibling());
}

std::string pods_text(const admin::Pods& pods) {
  const std::string_view host = pods.leaves_host() ? "the host's sockets are left alone"
                                                   : "the host's sockets are balanced too";
  if (!pods.problem().empty()) return fmt::format("not told apart: {}; {}", pods.problem(), host);
  return fmt::format("{} of {} network namespaces known; left alone: {} opted out, {} captured; {}",
                     pods.known(), pods.namespaces(), pods.opted_out(), pods.captured(), host);
}

std::string terminate_text(const admin::DataPlane& plane) {
  return fmt::format("{}; {} sockets closed", plane.termination(), plane.closed_sockets());
}

std::string lease_text(const admin::Lease& lease, absl::Time now) {
  if (lease.length_seconds() == 0) return "tables never expire";
  return fmt::format("{}, renewed {}", duration_text(absl::Seconds(lease.length_seconds())),
                     ago(lease.renewed_at(), now));
}

// One screen: of each list the first few; -o json has what the daemon keeps.
constexpr int kMostLines = 10;

void add_rest(int count, std::string& text) {
  if (count > 0) text += fmt::format("  ... and {} more\n", count);
}

template <class Problems>
void add_problems(std::string_view title, const Problems& problems, std::string& text) {
  if (problems.empty()) return;
  text += fmt::format("\n{}:\n", title);
  const int shown = std::min(problems.size(), kMostLines);
  for (const admin::Problem& problem : std::views::take(problems, shown)) {
    text += fmt::format("  {}: {}\n", problem.object(), problem.message());
  }
  add_rest(problems.size() - shown, text);
}

template <class Lines>
void add_lines(std::string_view title, const Lines& lines, std::string& text) {
  if (lines.empty()) return;
  text += fmt::format("\n{}:\n", title);
  const int count = static_cast<int>(lines.size());
  const int shown = std::min(count, kMostLines);
  for (const std::string& line : std::views::take(lines, shown)) {
    text += fmt::format("  {}\n", line);
  }
  add_rest(count - shown, text);
}

}  // namespace

std::string status_text(const StatusReply& status, absl::Time now) {
  std::vector<Row> rows{
      {"daemon", fmt::format("vicinityd {}, tables ABI {}, started {}", status.version(),
                             status.abi_version(), ago(status.started_at(), now))},
      {"feed", feed_text(status.feed(), now)},
      {"node", context_text(status.context())},
      {"services", services_text(status)},
      {"connects", fmt::format("{} translated", status.outcomes().translated())},
      {"refused", refused_text(status.outcomes())},
      {"passed", passed_text(status.outcomes())},
      {"hooks", hooks_text(status.data_plane())},
      {"kernel", kernel_text(status.data_plane())},
      {"ready", ready_text(status)},
      {"pods", pods_text(status.pods())},
      {"tables", tables_text(status.data_plane())},
      {"in use", usage_text(status.data_plane())},
      {"lease", lease_text(status.lease(), now)},
      {"terminate", terminate_text(status.data_plane())},
  };
  if (status.policies().readings() > 0)
    rows.push_back({"policies", policies_text(status.policies())});
  if (!status.feed().last_error().empty()) {
    rows.insert(rows.begin() + 2, Row{"feed error", status.feed().last_error()});
  }
  if (!status.last_error().empty()) rows.push_back({"last error", status.last_error()});
  std::string text = table_text(rows);
  add_lines("missing in this kernel", degradations(status.data_plane()), text);
  add_problems("rejected resources", status.rejected(), text);
  add_problems("services without their current table", status.refused(), text);
  add_lines("policies", status.policies().findings(), text);
  add_lines("host names of endpoints not resolved", status.dns_problems(), text);
  add_lines("services waiting for room", status.data_plane().pending_services(), text);
  add_lines("addresses claimed by several services", status.conflicts(), text);
  return text;
}

}  // namespace vicinity::ctl
