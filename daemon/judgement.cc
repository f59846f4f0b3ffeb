#include "judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/steady_time.h"
#include "explained_states.h"
#include "telemetry/log.h"

namespace vicinity {
namespace {

using telemetry::log_event;
using telemetry::LogLevel;

// Ejections of a clock that stood elsewhere before the restart last no longer than they were meant
// to.
health::KeptEjection from_stored(const dataplane::StoredEjection& stored, absl::Time now) {
  const absl::Duration length = stored.until - stored.at;
  return {.service = stored.service,
          .service_port = stored.service_port,
          .ejection = {.host = {.address = stored.address, .port = stored.port},
                       .cause = static_cast<health::Cause>(stored.cause),
                       .at = std::min(stored.at, now),
                       .until = std::min(stored.until, now + length),
                       .multiplier = stored.multiplier}};
}

dataplane::StoredEjection to_stored(const health::KeptEjection& kept) {
  const health::Ejection& ejection = kept.ejection;
  return {.service = kept.service,
          .service_port = kept.service_port,
          .address = ejection.host.address,
          .port = ejection.host.port,
          .cause = static_cast<uint8_t>(ejection.cause),
          .multiplier = ejection.multiplier,
          .at = ejection.at,
          .until = ejection.until};
}

health::Counted to_counted(const dataplane::ObservedEndpoint& endpoint) {
  const dataplane::Observation& seen = endpoint.seen;
  return {.id = endpoint.id,
          .service = endpoint.service,
          .service_port = endpoint.service_port,
          .host = {.address = endpoint.address, .port = endpoint.port},
          .established = static_cast<uint32_t>(seen.established),
          .failed = seen.refused + seen.unreachable,
          .timed_out = seen.timed_out,
          .reset_early = seen.reset_early,
          .failed_in_row = seen.failed_in_row};
}

std::string event_text(const health::Event& event) {
  return fmt::format("{} {} ({})", time_text(event.at), verdict_name(event.verdict),
                     cause_name(event.cause));
}

uint64_t monotonic_ns() {
  return static_cast<uint64_t>(absl::ToInt64Nanoseconds(base::monotonic_time()));
}

std::string_view cause_text(dataplane::SuspicionEvent::Cause cause) {
  using Cause = dataplane::SuspicionEvent::Cause;
  switch (cause) {
    case Cause::kRefused:
      return "refused";
    case Cause::kUnreachable:
      return "unreachable";
    case Cause::kTimedOut:
      return "timed out";
    case Cause::kEstablished:
      return "a connect came through";
    case Cause::kTimeUp:
      return "time is up";
  }
  return "?";
}

std::string suspicion_text(const dataplane::SuspicionEvent& event) {
  const absl::Duration ago = absl::Nanoseconds(static_cast<int64_t>(monotonic_ns() - event.at_ns));
  const bool begins = event.kind == dataplane::SuspicionEvent::Kind::kSuspected;
  return fmt::format("{} {} ({})", time_text(base::steady_now() - ago),
                     begins ? "suspected" : "taken again", cause_text(event.cause));
}

compile::ExplainedState& state_of(const std::string& address, compile::Explanation& explanation) {
  auto& states = explanation.states;
  const auto found = std::ranges::find(states, address, &compile::ExplainedState::address);
  if (found != states.end()) return *found;
  return states.emplace_back(compile::ExplainedState{
      .address = address, .state = std::string(kHealthy), .reason = {}, .events = {}});
}

}  // namespace

Judgement::Judgement(dataplane::Dataplane& dataplane, absl::Time now)
    : dataplane_(dataplane), now_(now) {}

void Judgement::restore(model::Snapshot& snapshot, absl::Time now) {
  now_ = now;
  const auto stored = dataplane_.load_ejections();
  for (const auto& one : stored) {
    if (one.cause < health::kCauses) judge_.restore(from_stored(one, now), now);
  }
  for (const auto& one : stored) {
    snapshot.set_ejected(snapshot.symbols().intern(one.service), judge_.ejected(one.service));
  }
  const auto draw = [this] { return random_(); };
  read_counts({.now = now, .random = draw});
}

bool Judgement::compiled(std::string_view service, std::span<const policy::JudgedPort> ports,
                         model::Snapshot& snapshot) {
  if (!judge_.watch(service, ports, now_)) return false;
  snapshot.set_ejected(snapshot.symbols().intern(service), judge_.ejected(service));
  keep();
  return true;
}

bool Judgement::step(model::Snapshot& snapshot, absl::Time now) {
  now_ = now;
  if (now < next()) return false;
  looked_ = now;
  const auto draw = [this] { return random_(); };
  const health::Moment moment{.now = now, .random = draw};
  read_counts(moment);
  judge_.look(moment);
  hear_suspicions();
  const auto changed = judge_.take_changed();
  for (const std::string& service : changed) {
    snapshot.set_ejected(snapshot.symbols().intern(service), judge_.ejected(service));
  }
  if (!changed.empty()) keep();
  return !changed.empty();
}

absl::Time Judgement::next() const {
  const absl::Time look = judge_.next_look();
  return look == absl::InfiniteFuture() ? look : std::min(look, looked_ + kLook);
}

telemetry::HealthInfo Judgement::report() const {
  const health::JudgeCounts counts = judge_.counts();
  telemetry::HealthInfo info;
  for (size_t i = 0; i < health::kCauses; ++i) {
    info.ejections[std::string(cause_name(static_cast<health::Cause>(i)))] = counts.ejections[i];
  }
  info.returned = counts.returned;
  info.spared = counts.spared;
  info.judged = counts.judged;
  info.ejected = counts.ejected;
  return info;
}

void Judgement::add_states(compile::Explanation& explanation) const {
  for (const auto& state : judge_.states(explanation.service, explanation.port)) {
    if (model::family_name(state.host.address.family) != explanation.family) continue;
    compile::ExplainedState line{.address = endpoint_text(state.host.address, state.host.port),
                                 .state = std::string(kHealthy),
                                 .reason = {},
                                 .events = {}};
    for (const health::Event& event : state.history) line.events.push_back(event_text(event));
    if (const auto& ejection = state.ejection; ejection.has_value()) {
      line.state = fmt::format("ejected until {}", time_text(ejection->until));
      line.reason = cause_name(ejection->cause);
    }
    explanation.states.push_back(std::move(line));
  }
  add_suspicions(explanation);
}

// The hook's own: it avoids them before anybody has judged.
void Judgement::add_suspicions(compile::Explanation& explanation) const {
  for (const auto& endpoint : dataplane_.observed()) {
    const bool asked = endpoint.service == explanation.service &&
                       endpoint.service_port == explanation.port &&
                       family_name(endpoint.address.family) == explanation.family;
    const auto heard = suspicions_.find(endpoint.id);
    const bool suspected = endpoint.seen.suspected_until_ns > monotonic_ns();
    if (!asked || (!suspected && heard == suspicions_.end())) continue;
    compile::ExplainedState& line =
        state_of(endpoint_text(endpoint.address, endpoint.port), explanation);
    if (heard != suspicions_.end()) {
      line.events.insert(line.events.end(), heard->second.begin(), heard->second.end());
      std::ranges::sort(line.events);  // by time, with which they begin
    }
    if (!suspected || line.state != kHealthy) continue;
    line.state = "suspected";
    line.reason = fmt::format("{} connects failed in a row", endpoint.seen.failed_in_row);
  }
  std::ranges::sort(explanation.states);
}

void Judgement::hear_suspicions() {
  for (const auto& event : dataplane_.take_suspicions()) {
    std::deque<std::string>& heard = suspicions_[event.endpoint];
    heard.push_back(suspicion_text(event));
    if (heard.size() > health::Judge::kHistory) heard.pop_front();
  }
  if (suspicions_.empty()) return;
  const auto watched = dataplane_.observed();
  std::erase_if(suspicions_, [&](const auto& entry) {
    return !std::ranges::binary_search(watched, entry.first, {}, &dataplane::ObservedEndpoint::id);
  });
}

void Judgement::read_counts(const health::Moment& moment) {
  counted_.clear();
  for (const auto& endpoint : dataplane_.observed()) counted_.push_back(to_counted(endpoint));
  judge_.observe(counted_, moment);
}

void Judgement::keep() {
  std::vector<dataplane::StoredEjection> stored;
  for (const auto& one : judge_.ejections()) stored.push_back(to_stored(one));
  const absl::Status status = dataplane_.save_ejections(stored);
  if (status.message() == last_error_) return;
  last_error_ = std::string(status.message());
  if (!status.ok()) log_event(LogLevel::kWarn, "ejections not kept", {{"error", last_error_}});
}

}  // namespace vicinity
