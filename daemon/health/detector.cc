#include "health/detector.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vicinity::health {
namespace {

absl::Duration interval_of(const policy::OutlierSpec& spec) {
  return absl::Milliseconds(spec.interval_ms);
}

absl::Duration ejection_time(const policy::OutlierSpec& spec, uint32_t multiplier) {
  const uint64_t grown = uint64_t{spec.base_ejection_ms} * multiplier;
  return absl::Milliseconds(std::min<uint64_t>(grown, spec.max_ejection_ms));
}

uint32_t grown(const policy::OutlierSpec& spec, uint32_t multiplier) {
  const uint64_t now = uint64_t{multiplier} * spec.base_ejection_ms;
  const uint64_t end = uint64_t{spec.max_ejection_ms} + spec.base_ejection_ms;
  return now < end ? multiplier + 1 : multiplier;
}

}  // namespace

Detector::Detector(const policy::OutlierSpec& spec, absl::Time now)
    : spec_(spec), next_look_(now + interval_of(spec)) {}

void Detector::configure(const policy::OutlierSpec& spec) {
  if (spec == spec_) return;
  next_look_ = std::min(next_look_, next_look_ - interval_of(spec_) + interval_of(spec));
  spec_ = spec;
}

void Detector::set_hosts(std::span<const Host> hosts) {
  if (std::ranges::equal(hosts, hosts_)) return;
  std::vector<State> states(hosts.size());
  std::vector<Ejection> ejections = std::exchange(absent_, {});
  for (size_t i = 0; i < hosts_.size(); ++i) {
    const auto found = std::ranges::lower_bound(hosts, hosts_[i]);
    if (found != hosts.end() && *found == hosts_[i]) {
      states[found - hosts.begin()] = states_[i];
    } else if (states_[i].ejected) {
      absent_.push_back(ejection_of(hosts_[i], states_[i]));
    }
  }
  hosts_.assign(hosts.begin(), hosts.end());
  states_ = std::move(states);
  ejected_ = static_cast<uint32_t>(std::ranges::count_if(states_, &State::ejected));
  for (const Ejection& ejection : ejections) restore(ejection);
}

void Detector::restore(const Ejection& ejection) {
  const auto found = std::ranges::lower_bound(hosts_, ejection.host);
  if (found == hosts_.end() || *found != ejection.host) {
    std::erase_if(absent_, [&](const Ejection& one) { return one.host == ejection.host; });
    absent_.push_back(ejection);
    return;
  }
  State& state = states_[found - hosts_.begin()];
  if (!state.ejected) ++ejected_;
  state.ejected = true;
  state.cause = ejection.cause;
  state.ejected_at = ejection.at;
  state.until = ejection.until;
  state.multiplier = ejection.multiplier;
}

// Envoy counts results one by one. What is known of a look's are their numbers and how many came
// last: failures with a success somewhere among them are no streak.
void Detector::observe_together(State& state, const Outcomes& outcomes) const {
  const uint32_t failed = outcomes.failed + outcomes.timed_out;
  const uint32_t last = outcomes.established == 0 ? failed : outcomes.failed_in_row;
  if (outcomes.established > outcomes.reset_early) {
    state.errors = last;
    state.gateway = last;
  } else {
    state.errors += failed + outcomes.reset_early;
    state.gateway = outcomes.reset_early > 0 ? last : state.gateway + failed;
  }
  state.external.requests += outcomes.connects();
  state.external.successes += outcomes.established - outcomes.reset_early;
}

void Detector::observe_split(State& state, const Outcomes& outcomes) const {
  const uint32_t failed = outcomes.failed + outcomes.timed_out;
  state.local = outcomes.established == 0 ? state.local + failed : outcomes.failed_in_row;
  state.local_rate.requests += outcomes.connects();
  state.local_rate.successes += outcomes.established;
  if (outcomes.established > outcomes.reset_early) {
    state.errors = 0;
    state.gateway = 0;
  } else {
    state.errors += outcomes.reset_early;
    state.gateway += outcomes.reset_early;
  }
  state.external.requests += outcomes.established;
  state.external.successes += outcomes.established - outcomes.reset_early;
}

// A streak that is long enough, which starts again; in Envoy's order.
std::optional<Cause> Detector::broken_streak(State& state) const {
  const auto broken = [](const policy::Streak& streak, uint32_t& count) {
    if (streak.failures == 0 || streak.enforced_percent == 0 || count < streak.failures) {
      return false;
    }
    count = 0;
    return true;
  };
  if (broken(spec_.consecutive_gateway, state.gateway)) return Cause::kConsecutiveGateway;
  if (broken(spec_.consecutive_5xx, state.errors)) return Cause::kConsecutive5xx;
  if (spec_.split_local_origin && broken(spec_.consecutive_local_origin, state.local)) {
    return Cause::kConsecutiveLocalOrigin;
  }
  return std::nullopt;
}

std::optional<Event> Detector::observe(size_t index, const Outcomes& outcomes,
                                       const Moment& moment) {
  State& state = states_[index];
  if (spec_.split_local_origin) {
    observe_split(state, outcomes);
  } else {
    observe_together(state, outcomes);
  }
  if (state.ejected) return std::nullopt;
  std::optional<Event> event;
  while (const auto cause = broken_streak(state)) {
    event = eject(index, *cause, moment);
    if (state.ejected) break;
  }
  return event;
}

bool Detector::enforced(Cause cause, const Moment& moment) const {
  const auto percent = [&] {
    switch (cause) {
      case Cause::kConsecutive5xx:
        return spec_.consecutive_5xx.enforced_percent;
      case Cause::kConsecutiveGateway:
        return spec_.consecutive_gateway.enforced_percent;
      case Cause::kConsecutiveLocalOrigin:
        return spec_.consecutive_local_origin.enforced_percent;
      case Cause::kSuccessRate:
        return spec_.success_rate.enforced_percent;
      case Cause::kSuccessRateLocalOrigin:
        return spec_.success_rate.local_enforced_percent;
      case Cause::kFailurePercentage:
        return spec_.failure_percentage.enforced_percent;
      case Cause::kFailurePercentageLocalOrigin:
        return spec_.failure_percentage.local_enforced_percent;
    }
    return 0U;
  }();
  return percent >= 100 || moment.random() % 100 < percent;
}

Event Detector::eject(size_t index, Cause cause, const Moment& moment) {
  State& state = states_[index];
  Event event{.at = moment.now, .host = hosts_[index], .verdict = Verdict::kSpared, .cause = cause};
  const auto hosts = static_cast<uint32_t>(hosts_.size());
  if (ejected_ >= policy::most_ejected(spec_, hosts)) return event;
  event.verdict = Verdict::kNotEnforced;
  if (!enforced(cause, moment)) return event;
  ++ejected_;
  state.ejected = true;
  state.cause = cause;
  state.multiplier = grown(spec_, state.multiplier);
  state.ejected_at = moment.now;
  const uint64_t jitter =
      spec_.max_jitter_ms == 0 ? 0 : moment.random() % (uint64_t{spec_.max_jitter_ms} + 1);
  state.until =
      moment.now + ejection_time(spec_, state.multiplier) + absl::Milliseconds(int64_t(jitter));
  event.verdict = Verdict::kEjected;
  event.until = state.until;
  return event;
}

std::vector<Event> Detector::look(const Moment& moment) {
  std::vector<Event> events;
  if (moment.now < next_look_) return events;
  next_look_ = moment.now + interval_of(spec_);
  bring_back(moment, events);
  judge_rates(Origin::kExternal, moment, events);
  if (spec_.split_local_origin) judge_rates(Origin::kLocal, moment, events);
  forgive(moment.now);
  return events;
}

// Not sooner than one interval after the ejection, so that no host comes and goes faster.
void Detector::bring_back(const Moment& moment, std::vector<Event>& events) {
  std::erase_if(absent_, [&](const Ejection& one) { return one.until <= moment.now; });
  if (ejected_ == 0) return;
  const absl::Duration interval = interval_of(spec_);
  for (size_t i = 0; i < states_.size(); ++i) {
    State& state = states_[i];
    if (!state.ejected || moment.now < state.until) continue;
    if (moment.now - state.ejected_at < interval) continue;
    state.ejected = false;
    state.errors = state.gateway = state.local = 0;
    state.returned_at = moment.now;
    --ejected_;
    events.push_back(
        {.at = moment.now, .host = hosts_[i], .verdict = Verdict::kReturned, .cause = state.cause});
  }
}

void Detector::judge_rates(Origin origin, const Moment& moment, std::vector<Event>& events) {
  judge_success(origin, moment, events);
  judge_failures(origin, moment, events);
  for (State& state : states_) {
    (origin == Origin::kLocal ? state.local_rate : state.external) = {};
  }
}

void Detector::forgive(absl::Time now) {
  const absl::Duration interval = interval_of(spec_);
  for (State& state : states_) {
    if (state.ejected || state.multiplier == 0) continue;
    if (now - state.returned_at >= interval) --state.multiplier;
  }
}

Ejection Detector::ejection_of(const Host& host, const State& state) const {
  return {.host = host,
          .cause = state.cause,
          .at = state.ejected_at,
          .until = state.until,
          .multiplier = state.multiplier};
}

std::optional<Ejection> Detector::ejection(size_t index) const {
  if (!states_[index].ejected) return std::nullopt;
  return ejection_of(hosts_[index], states_[index]);
}

std::vector<Ejection> Detector::ejections() const {
  std::vector<Ejection> all = absent_;
  for (size_t i = 0; i < hosts_.size() && ejected_ > 0; ++i) {
    if (states_[i].ejected) all.push_back(ejection_of(hosts_[i], states_[i]));
  }
  std::ranges::sort(all, {}, &Ejection::host);
  return all;
}

}  // namespace vicinity::health
