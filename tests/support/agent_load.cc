#include "support/agent_load.h"

#include <algorithm>
#include <utility>

namespace vicinity::testing {

AgentLoad::AgentLoad(LoadPlan plan) : plan_(std::move(plan)), started_ns_(monotonic_ns()) {
  for (unsigned i = 0; i < std::max(plan_.workers, 1U); ++i) {
    workers_.emplace_back([this] { work(); });
  }
}

AgentLoad::~AgentLoad() {
  stopping_ = true;
  finish();
}

void AgentLoad::work() {
  while (!stopping_) {
    const std::uint64_t ticket = next_.fetch_add(1);
    if (plan_.limit != 0 && ticket >= plan_.limit) return;
    if (!wait_for_turn(ticket)) return;
    const std::uint64_t target = ticket % plan_.targets.size();
    Attempt entry{.started_ns = monotonic_ns(), .target = static_cast<std::uint16_t>(target)};
    const AttemptOutcome outcome = attempt(plan_.targets[target]);
    entry.ended_ns = monotonic_ns();
    entry.error = static_cast<std::int16_t>(outcome.error);
    entry.stage = outcome.stage;
    entry.connect_ns =
        static_cast<std::uint32_t>(std::min<std::int64_t>(outcome.connect_ns, UINT32_MAX));
    record(entry, outcome.answer);
  }
}

// False: the load is being stopped.
bool AgentLoad::wait_for_turn(std::uint64_t ticket) const {
  if (plan_.rate_per_second <= 0) return !stopping_;
  const double offset_ns = static_cast<double>(ticket) * 1e9 / plan_.rate_per_second;
  const std::int64_t due = started_ns_ + static_cast<std::int64_t>(offset_ns);
  constexpr Duration kMostAtOnce = std::chrono::milliseconds(20);
  for (;;) {
    const Duration left(due - monotonic_ns());
    if (stopping_) return false;
    if (left <= Duration::zero()) return true;
    pause_for(std::min(left, kMostAtOnce));
  }
}

void AgentLoad::record(Attempt attempt, const std::string& answer) {
  const std::lock_guard lock(mutex_);
  if (!answer.empty()) {
    const auto next = static_cast<std::uint32_t>(report_.answers.size());
    const auto [entry, added] = answers_.try_emplace(answer, next);
    if (added) report_.answers.push_back(answer);
    attempt.answer = entry->second;
    ++report_.tally.by_answer[answer];
  }
  if (attempt.error != 0) ++report_.tally.by_error[attempt.error];
  ++report_.tally.attempts;
  report_.attempts.push_back(attempt);
}

LoadReport AgentLoad::progress() {
  const std::lock_guard lock(mutex_);
  return LoadReport{.tally = report_.tally, .answers = report_.answers, .attempts = {}};
}

void AgentLoad::finish() {
  if (plan_.limit == 0) stopping_ = true;
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

LoadReport AgentLoad::stop() {
  stopping_ = true;
  finish();
  return std::move(report_);
}

}  // namespace vicinity::testing
