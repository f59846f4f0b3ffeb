// What the engine does later: what waits for the whole feed after a restart, what failed.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine.h"

namespace vicinity {

using telemetry::log_event;
using telemetry::LogLevel;

// Silence ends the resync, but only of a feed that is there.
void Engine::watch_adoption() {
  if (adoption_.over()) return;
  if (feed_status_.state != feed::FeedState::kInSync) return adoption_.feed_away();
  adoption_.feed_in_sync(now_);
  if (live_ && now_ >= adoption_.closes_at()) close_adoption();
}

void Engine::close_adoption() {
  compile::Diff diff;
  gather(adoption_.close(), diff);
  for (const auto& name : adoption_.names()) {
    if (snapshot_.find_service(symbols().intern(name)) != nullptr) continue;
    if (!dataplane_.has(name)) continue;
    diff.removals.push_back(name);
  }
  std::ranges::sort(diff.removals);
  diff.removals.erase(std::ranges::unique(diff.removals).begin(), diff.removals.end());
  if (departures_) departures_->model_changed();
  log_event(LogLevel::kInfo, "resync complete",
            {{"updated", std::to_string(diff.upserts.size())},
             {"removed", std::to_string(diff.removals.size())}});
  if (!diff.empty()) settle(dataplane_.apply(diff));
  take_over();
}

// The kernel keeps the last good table meanwhile.
void Engine::retry_failed() {
  if (failed_.empty()) return;
  std::vector<model::SymbolId> services;
  for (const std::string& name : std::exchange(failed_, {})) {
    services.push_back(symbols().intern(name));
  }
  compile::Diff diff;
  gather(services, diff);
  if (!diff.empty()) settle(dataplane_.apply(diff));
}

// Tables of another ABI version go once ours say all that the feed says. A failure is tried again
// with the next tick; what serves goes on serving.
void Engine::take_over() {
  if (!dataplane_.has_predecessor()) return;
  if (const auto status = dataplane_.take_over(); !status.ok()) {
    if (last_error_ == status.message()) return;
    last_error_ = std::string(status.message());
    return log_event(LogLevel::kError, "not taken over", {{"error", last_error_}});
  }
  log_event(LogLevel::kInfo, "tables of another ABI version replaced");
}

}  // namespace vicinity
