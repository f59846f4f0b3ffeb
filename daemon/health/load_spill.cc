#include "health/load_spill.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace vicinity::health {
namespace {

// How far the baseline follows a measurement: at once to a better one, slowly to a worse one, and
// hardly at all while the tier is over. So a lasting change becomes usual in the end, and hours of
// overload do not.
constexpr double kFollowDown = 1.0 / 4;
constexpr double kFollowUp = 1.0 / 64;
constexpr double kFollowOver = 1.0 / 16384;

constexpr double kNsPerMs = 1e6;

// The one that says more.
Weight heavier(Weight left, Weight right) {
  const auto rank = [](Weight weight) {
    if (weight == Weight::kOver) return 3;
    if (weight == Weight::kBetween) return 2;
    return weight == Weight::kUnknown ? 1 : 0;
  };
  return rank(left) < rank(right) ? right : left;
}

size_t shared(const std::vector<policy::HostAddress>& left,
              const std::vector<policy::HostAddress>& right) {
  size_t count = 0;
  auto at = right.begin();
  for (const policy::HostAddress& host : left) {
    at = std::lower_bound(at, right.end(), host);
    if (at == right.end()) break;
    if (*at == host) ++count;
  }
  return count;
}

double over_limit(const Measure& measure) { return measure.value / measure.limit; }

}  // namespace

std::string_view load_cause_name(LoadCause cause) {
  return cause == LoadCause::kActive ? "active_per_capacity" : "connect_time_ms";
}

std::string to_text(const Measure& measure) {
  return fmt::format("{} {:.3g}, limit {:.3g}", load_cause_name(measure.cause), measure.value,
                     measure.limit);
}

LoadSpill::LoadSpill(const policy::WeighedPort& port, absl::Time now)
    : port_(port),
      tiers_(port.tiers.size()),
      next_look_(now + absl::Milliseconds(port.spec.interval_ms)) {}

void LoadSpill::configure(const policy::WeighedPort& port) {
  if (port == port_) return;
  std::vector<Tier> next(port.tiers.size());
  std::vector<bool> taken(tiers_.size(), false);
  for (size_t i = 0; i < next.size(); ++i) {
    size_t best = tiers_.size();
    size_t most = 0;
    for (size_t old = 0; old < tiers_.size(); ++old) {
      const size_t common = shared(port.tiers[i].hosts, port_.tiers[old].hosts);
      if (taken[old] || common <= most) continue;
      best = old;
      most = common;
    }
    if (best == tiers_.size()) continue;
    taken[best] = true;
    next[i] = std::move(tiers_[best]);
  }
  port_ = port;
  tiers_ = std::move(next);
  for (Tier& tier : tiers_) {
    tier.state.given_percent = std::min(tier.state.given_percent, most_given());
  }
  if (!tiers_.empty()) tiers_.back().state.given_percent = 0;
}

std::vector<uint32_t> LoadSpill::given() const {
  std::vector<uint32_t> given;
  for (const Tier& tier : tiers_) given.push_back(tier.state.given_percent);
  return given;
}

uint64_t LoadSpill::overloaded() const {
  return static_cast<uint64_t>(
      std::ranges::count_if(tiers_, [](const Tier& tier) { return tier.state.overloaded(); }));
}

void LoadSpill::add(size_t tier, const TierSeen& seen) {
  tiers_[tier].active += seen.active;
  tiers_[tier].established += seen.established;
  tiers_[tier].connect_ns += seen.connect_ns;
}

std::vector<LoadStep> LoadSpill::look(absl::Time now) {
  std::vector<LoadStep> steps;
  if (now < next_look_) return steps;
  next_look_ = now + absl::Milliseconds(port_.spec.interval_ms);
  for (size_t i = 0; i < tiers_.size(); ++i) weigh(i);
  samples_ = 0;
  for (size_t i = 0; i < tiers_.size(); ++i) move(i, now, steps);
  return steps;
}

void LoadSpill::weigh(size_t tier) {
  WeighedState& state = tiers_[tier].state;
  const auto worst = std::exchange(state.worst, std::nullopt);
  const Weight active = weigh_active(tier);
  state.weight = heavier(active, weigh_connect_time(tiers_[tier]));
  if (!state.worst) state.worst = worst;
}

Weight LoadSpill::weigh_active(size_t tier) {
  const double active = static_cast<double>(std::exchange(tiers_[tier].active, 0)) / samples_;
  if (port_.spec.max_active_permille == 0) return Weight::kUnder;
  WeighedState& state = tiers_[tier].state;
  const double capacity = static_cast<double>(std::max<uint64_t>(port_.tiers[tier].capacity, 1));
  const Measure measure{.cause = LoadCause::kActive,
                        .value = active / capacity,
                        .limit = port_.spec.max_active_permille / 1000.0};
  state.worst = measure;
  if (over_limit(measure) > 1) return Weight::kOver;
  // A step back from a small share makes it much larger.
  const double kept = 100.0 - state.given_percent;
  const double grown = std::min(100.0, kept + port_.spec.step_percent) / kept;
  return over_limit(measure) * grown <= kBackAt ? Weight::kUnder : Weight::kBetween;
}

Weight LoadSpill::weigh_connect_time(Tier& tier) {
  if (port_.spec.connect_time_permille == 0) return Weight::kUnder;
  if (tier.established < kSamples) {
    if (++tier.unknown_looks < kIdleLooks) return Weight::kUnknown;
    tier.established = 0;
    tier.connect_ns = 0;
    tier.unknown_looks = 0;
    return Weight::kUnder;
  }
  const double mean = static_cast<double>(std::exchange(tier.connect_ns, 0)) /
                      static_cast<double>(std::exchange(tier.established, 0));
  tier.unknown_looks = 0;
  return compare_connect_time(tier, mean);
}

Weight LoadSpill::compare_connect_time(Tier& tier, double mean_ns) const {
  if (tier.learned == 0) tier.baseline_ns = mean_ns;
  if (tier.learned < kLearn) {
    ++tier.learned;
    tier.baseline_ns = std::min(tier.baseline_ns, mean_ns);
    tier.state.baseline_ms = tier.baseline_ns / kNsPerMs;
    return Weight::kUnknown;
  }
  const double limit = tier.baseline_ns * port_.spec.connect_time_permille / 1000;
  const Measure measure{
      .cause = LoadCause::kConnectTime, .value = mean_ns / kNsPerMs, .limit = limit / kNsPerMs};
  const bool over = mean_ns > limit;
  const double follow = mean_ns < tier.baseline_ns ? kFollowDown : over ? kFollowOver : kFollowUp;
  tier.baseline_ns += (mean_ns - tier.baseline_ns) * follow;
  tier.state.baseline_ms = tier.baseline_ns / kNsPerMs;
  auto& worst = tier.state.worst;
  if (!worst || over_limit(measure) > over_limit(*worst)) worst = measure;
  if (over) return Weight::kOver;
  return mean_ns <= limit * kBackAt ? Weight::kUnder : Weight::kBetween;
}

// The next tier takes more only while it is not over itself, and only if a step moves anything:
// what may leave the zone is bounded.
bool LoadSpill::may_give(size_t tier) const {
  const uint32_t more = tiers_[tier].state.given_percent + port_.spec.step_percent;
  if (tier + 1 >= tiers_.size() || more > most_given()) return false;
  if (tiers_[tier + 1].state.weight == Weight::kOver) return false;
  std::vector<policy::TierLoad> loads;
  for (const policy::WeighedTier& one : port_.tiers) loads.push_back(one.load);
  std::vector<uint32_t> given = this->given();
  const auto before = policy::loads_after(loads, given, port_.spec.max_share_percent);
  given[tier] = more;
  return policy::loads_after(loads, given, port_.spec.max_share_percent) != before;
}

void LoadSpill::move(size_t tier, absl::Time now, std::vector<LoadStep>& steps) {
  Tier& one = tiers_[tier];
  const uint32_t given = one.state.given_percent;
  if (one.since_back < UINT32_MAX) ++one.since_back;
  if (one.state.weight == Weight::kUnder) ++one.calm;
  if (one.state.weight == Weight::kOver || one.state.weight == Weight::kBetween) one.calm = 0;
  if (one.state.weight == Weight::kOver && may_give(tier)) {
    if (one.since_back <= one.patience) one.patience = std::min(2 * one.patience, kMostCalmLooks);
    one.since_back = UINT32_MAX;
    step(tier, given + port_.spec.step_percent, now, steps);
  } else if (one.calm >= one.patience) {
    one.calm = 0;
    if (given == 0) {
      one.patience = kCalmLooks;
      return;
    }
    one.since_back = 0;
    step(tier, given - std::min(given, port_.spec.step_percent), now, steps);
  }
}

void LoadSpill::step(size_t tier, uint32_t given_percent, absl::Time now,
                     std::vector<LoadStep>& steps) {
  WeighedState& state = tiers_[tier].state;
  const LoadStep step{.at = now,
                      .priority = port_.tiers[tier].priority,
                      .before_percent = state.given_percent,
                      .given_percent = given_percent,
                      .why = state.worst.value_or(Measure{})};
  state.given_percent = given_percent;
  state.history.push_back(step);
  if (state.history.size() > kHistory) state.history.pop_front();
  steps.push_back(step);
}

}  // namespace vicinity::health
