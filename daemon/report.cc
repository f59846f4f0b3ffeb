#include "report.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

namespace vicinity {
namespace {

constexpr size_t kMaxConflicts = 100;

std::string_view state_name(feed::FeedState state) {
  switch (state) {
    case feed::FeedState::kConnecting:
      return "connecting";
    case feed::FeedState::kSyncing:
      return "syncing";
    case feed::FeedState::kInSync:
      return "in_sync";
    case feed::FeedState::kBackoff:
      return "backoff";
    case feed::FeedState::kStopped:
      return "stopped";
  }
  return "unknown";
}

telemetry::FeedInfo feed_info(const feed::FeedStatus& status) {
  return {.state = std::string(state_name(status.state)),
          .source = status.source,
          .last_error = status.last_error,
          .last_nonce = status.last_nonce,
          .connected_at = status.connected_at,
          .last_message_at = status.last_message_at,
          .next_attempt_at = status.next_attempt_at,
          .connects = status.connects,
          .disconnects = status.disconnects,
          .messages = status.messages,
          .resources = status.resources,
          .removals = status.removals,
          .nacks = status.nacks,
          .oversized = status.oversized};
}

telemetry::ContextInfo context_info(const model::Snapshot& snapshot) {
  const auto& place = snapshot.self().place;
  const auto text = [&](model::SymbolId id) { return std::string(snapshot.symbols().name(id)); };
  return {.known = snapshot.self_known(),
          .node = text(place.node),
          .network = text(place.network),
          .cluster = text(place.cluster),
          .region = text(place.region),
          .zone = text(place.zone),
          .subzone = text(place.subzone)};
}

std::string name_list(const std::vector<model::SymbolId>& services, const model::Symbols& symbols) {
  std::string names;
  for (const auto service : services) {
    if (!names.empty()) names += ", ";
    names += symbols.name(service);
  }
  return names;
}

std::string conflict_line(const model::AddressConflict& conflict, const model::Symbols& symbols) {
  std::string line = model::prefix_text(conflict.address, conflict.length) + ":";
  std::string_view separator = " ";
  const auto say = [&](const std::string& what) {
    line += fmt::format("{}{}", std::exchange(separator, "; "), what);
  };
  if (conflict.owner) say(fmt::format("{} serves it", symbols.name(*conflict.owner)));
  if (!conflict.own_namespace.empty()) {
    say(fmt::format("{} to the own namespace only", name_list(conflict.own_namespace, symbols)));
  }
  if (!conflict.others.empty()) {
    say(fmt::format("{} does not", name_list(conflict.others, symbols)));
  }
  return line;
}

std::vector<std::string> conflict_lines(const std::vector<model::AddressConflict>& conflicts,
                                        const model::Symbols& symbols) {
  std::vector<std::string> lines;
  for (const auto& conflict : conflicts) {
    if (lines.size() == kMaxConflicts) break;
    lines.push_back(conflict_line(conflict, symbols));
  }
  return lines;
}

void add_problems(const std::map<std::string, std::string>& refusals,
                  std::vector<telemetry::Problem>& problems) {
  for (const auto& [service, why] : refusals) {
    if (problems.size() == telemetry::Problem::kMaxKept) return;
    problems.push_back({.object = service, .message = why});
  }
}

}  // namespace

telemetry::Published make_report(const ReportInput& input) {
  telemetry::Published report;
  report.dataplane = input.dataplane.status();
  report.build = {.version = VICINITY_VERSION, .abi_version = report.dataplane.abi_version};
  report.context = context_info(input.snapshot);
  report.feed = feed_info(input.feed);
  report.outcomes = input.dataplane.outcomes();
  report.rejected.assign(input.rejected.begin(), input.rejected.end());
  for (const auto* refusals : {&input.unpublishable, &input.refused}) {
    add_problems(*refusals, report.refused);
  }
  report.conflicts = conflict_lines(input.snapshot.conflicts(), input.snapshot.symbols());
  return report;
}

telemetry::EngineCounts with_model_counts(telemetry::EngineCounts counts,
                                          const model::Snapshot& snapshot) {
  counts.services = snapshot.service_count();
  counts.workloads = snapshot.workload_count();
  counts.names = snapshot.symbols().size();
  counts.address_conflicts = snapshot.conflicts().size();
  return counts;
}

}  // namespace vicinity
