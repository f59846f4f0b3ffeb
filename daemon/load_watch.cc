#include "load_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "explained_states.h"
#include "telemetry/log.h"

namespace vicinity {
namespace {

using compile::ExplainedState;

health::LoadCounted to_counted(const dataplane::ObservedEndpoint& endpoint) {
  return {.id = endpoint.id,
          .service = endpoint.service,
          .service_port = endpoint.service_port,
          .host = {.address = endpoint.address, .port = endpoint.port},
          .active = endpoint.seen.active,
          .established = endpoint.seen.established,
          .connect_ns = endpoint.seen.connect_ns};
}

void log_decision(const health::LoadDecision& decision) {
  const health::LoadStep& step = decision.step;
  telemetry::log_event(
      telemetry::LogLevel::kInfo,
      step.back() ? "tier takes load back" : "overloaded tier gives load up",
      {{"service", decision.service},
       {"port", fmt::format("{}/{}", decision.service_port, model::family_name(decision.family))},
       {"tier", std::to_string(step.priority)},
       {"percent", std::to_string(step.given_percent)},
       {"before", std::to_string(step.before_percent)},
       {"why", to_text(step.why)}});
}

std::string event_text(const health::LoadStep& step) {
  return fmt::format("{} tier {} gives {}% ({})", time_text(step.at), step.priority,
                     step.given_percent, to_text(step.why));
}

std::string reason_text(const health::HostTier& tier) {
  std::string text = fmt::format("tier {}", tier.priority);
  if (tier.state->worst) text += ": " + to_text(*tier.state->worst);
  return text + fmt::format(", gives {}%", tier.state->given_percent);
}

void add(const health::HostTier& tier, ExplainedState& line) {
  for (const health::LoadStep& step : tier.state->history) line.events.push_back(event_text(step));
  std::ranges::sort(line.events);  // by time, with which they begin
  if (!tier.state->overloaded() || line.state != kHealthy) return;
  line.state = "overloaded";
  line.reason = reason_text(tier);
}

}  // namespace

bool LoadWatch::compiled(std::string_view service, std::span<const policy::WeighedPort> ports,
                         model::Snapshot& snapshot) {
  judge_.watch(service, ports, now_);
  const model::SymbolId key = snapshot.symbols().intern(service);
  auto given = judge_.given(service);
  if (std::ranges::equal(given, snapshot.given(key))) return false;
  snapshot.set_given(key, std::move(given));
  return true;
}

void LoadWatch::gone(std::string_view service, model::Snapshot& snapshot) {
  judge_.leave(service, now_);
  if (const auto key = snapshot.symbols().find(service)) snapshot.set_given(*key, {});
}

bool LoadWatch::step(model::Snapshot& snapshot, absl::Time now) {
  now_ = now;
  if (now < next()) return false;
  sampled_ = now;
  read_counts();
  std::set<std::string> changed;
  for (const health::LoadDecision& decision : judge_.look(now)) {
    log_decision(decision);
    changed.insert(decision.service);
  }
  for (const std::string& service : changed) {
    snapshot.set_given(snapshot.symbols().intern(service), judge_.given(service));
  }
  return !changed.empty();
}

absl::Time LoadWatch::next() const {
  const absl::Time look = judge_.next_look();
  return look == absl::InfiniteFuture() ? look : sampled_ + kSample;
}

// Rows of one service stand together mostly.
void LoadWatch::read_counts() {
  counted_.clear();
  std::string_view service;
  bool watched = false;
  for (const auto& endpoint : dataplane_.observed()) {
    if (endpoint.service != service) {
      service = endpoint.service;
      watched = judge_.watches(service);
    }
    if (watched) counted_.push_back(to_counted(endpoint));
  }
  judge_.observe(counted_);
}

void LoadWatch::add_states(compile::Explanation& explanation) const {
  const auto family = explanation.family == model::family_name(model::Family::kIpv4)
                          ? model::Family::kIpv4
                          : model::Family::kIpv6;
  auto& states = explanation.states;
  const auto known = static_cast<std::ptrdiff_t>(states.size());  // sorted
  for (const auto& tier : judge_.states(explanation.service, explanation.port, family)) {
    const std::string address = endpoint_text(tier.host.address, tier.host.port);
    const auto end = states.begin() + known;
    auto line =
        std::ranges::lower_bound(states.begin(), end, address, {}, &ExplainedState::address);
    if (line == end || line->address != address) {
      states.push_back(
          {.address = address, .state = std::string(kHealthy), .reason = {}, .events = {}});
      line = std::prev(states.end());
    }
    add(tier, *line);
  }
  std::ranges::sort(states);
}

void LoadWatch::add_report(telemetry::HealthInfo& info) const {
  const health::LoadCounts counts = judge_.counts();
  info.load_steps_out = counts.steps_out;
  info.load_steps_back = counts.steps_back;
  info.weighed_tiers = counts.weighed;
  info.overloaded_tiers = counts.overloaded;
}

}  // namespace vicinity
