#include "health/load_judge.h"

#include <algorithm>
#include <utility>

namespace vicinity::health {

void LoadJudge::configure(const policy::WeighedPort& port, Group& group) {
  group.spill.configure(port);
  group.serial = ++serial_;
  group.tier_of.clear();
  for (size_t tier = 0; tier < port.tiers.size(); ++tier) {
    for (const policy::HostAddress& host : port.tiers[tier].hosts) {
      group.tier_of.emplace_back(host, tier);
    }
  }
  std::ranges::sort(group.tier_of);
}

LoadJudge::Group* LoadJudge::group_of(Ward& ward, uint16_t port, model::Family family) {
  const auto found = std::ranges::find_if(ward.groups, [&](const Group& group) {
    return group.spill.port().port == port && group.spill.port().family == family;
  });
  return found == ward.groups.end() ? nullptr : &*found;
}

void LoadJudge::watch(std::string_view service, std::span<const policy::WeighedPort> ports,
                      absl::Time now) {
  const auto found = wards_.find(service);
  if (ports.empty()) {
    if (found != wards_.end()) wards_.erase(found);
    return;
  }
  Ward& ward = found != wards_.end() ? found->second : wards_[std::string(service)];
  std::vector<Group> groups;
  for (const policy::WeighedPort& port : ports) {
    Group* old = group_of(ward, port.port, port.family);
    groups.push_back(old != nullptr ? std::move(*old)
                                    : Group{.spill = LoadSpill(port, now), .tier_of = {}});
    if (old == nullptr || groups.back().spill.port() != port) configure(port, groups.back());
  }
  ward.groups = std::move(groups);
  ward.left = absl::InfiniteFuture();
}

void LoadJudge::leave(std::string_view service, absl::Time now) {
  if (const auto found = wards_.find(service); found != wards_.end()) found->second.left = now;
}

bool LoadJudge::watches(std::string_view service) const { return wards_.contains(service); }

// Endpoints of one service stand together mostly. Of one that is seen for the first time it is not
// known when its connects were made.
void LoadJudge::observe(std::span<const LoadCounted> all) {
  std::vector<Last> next;
  next.reserve(all.size());
  auto known = last_.begin();
  std::string_view service;
  auto ward = wards_.end();
  for (const LoadCounted& one : all) {
    while (known != last_.end() && known->id < one.id) ++known;
    const bool is_known = known != last_.end() && known->id == one.id;
    next.push_back(
        is_known
            ? *known
            : Last{.id = one.id, .established = one.established, .connect_ns = one.connect_ns});
    if (one.service != service) ward = wards_.find(one.service);
    service = one.service;
    if (ward != wards_.end()) observe_one(one, ward->second, next.back());
  }
  last_ = std::move(next);
  for (auto& [name, one] : wards_) {
    for (Group& group : one.groups) group.spill.end_sample();
  }
}

void LoadJudge::observe_one(const LoadCounted& counted, Ward& ward, Last& last) {
  const TierSeen seen{.active = counted.active,
                      .established = counted.established - last.established,
                      .connect_ns = counted.connect_ns - last.connect_ns};
  last.established = counted.established;
  last.connect_ns = counted.connect_ns;
  Group* group = group_of(ward, counted.service_port, counted.host.address.family);
  if (group == nullptr) return;
  if (last.serial != group->serial) {
    const auto at = std::ranges::lower_bound(group->tier_of, counted.host, {},
                                             [](const auto& entry) { return entry.first; });
    const bool found = at != group->tier_of.end() && at->first == counted.host;
    last.tier = found ? at->second : kNoTier;
    last.serial = group->serial;
  }
  if (last.tier != kNoTier) group->spill.add(last.tier, seen);
}

std::vector<LoadDecision> LoadJudge::look(absl::Time now) {
  std::vector<LoadDecision> decisions;
  std::erase_if(wards_, [&](const auto& entry) { return entry.second.left + kRemember <= now; });
  for (auto& [service, ward] : wards_) {
    if (ward.left != absl::InfiniteFuture()) continue;
    for (Group& group : ward.groups) look_at(service, group.spill, now, decisions);
  }
  return decisions;
}

void LoadJudge::look_at(const std::string& service, LoadSpill& spill, absl::Time now,
                        std::vector<LoadDecision>& decisions) {
  for (const LoadStep& step : spill.look(now)) {
    ++(step.back() ? counts_.steps_back : counts_.steps_out);
    decisions.push_back({.service = service,
                         .service_port = spill.port().port,
                         .family = spill.port().family,
                         .step = step});
  }
}

absl::Time LoadJudge::next_look() const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [service, ward] : wards_) {
    if (ward.left != absl::InfiniteFuture()) next = std::min(next, ward.left + kRemember);
    if (ward.left != absl::InfiniteFuture()) continue;
    for (const Group& group : ward.groups) next = std::min(next, group.spill.next_look());
  }
  return next;
}

std::vector<model::GivenShare> LoadJudge::given(std::string_view service) const {
  std::vector<model::GivenShare> shares;
  const auto ward = wards_.find(service);
  if (ward == wards_.end()) return shares;
  for (const Group& group : ward->second.groups) {
    const std::vector<uint32_t> given = group.spill.given();
    for (size_t tier = 0; tier < given.size(); ++tier) {
      if (given[tier] == 0) continue;
      shares.push_back({.service_port = group.spill.port().port,
                        .family = group.spill.port().family,
                        .tier = static_cast<uint32_t>(tier),
                        .percent = given[tier]});
    }
  }
  std::ranges::sort(shares);
  return shares;
}

std::vector<HostTier> LoadJudge::states(std::string_view service, uint16_t service_port,
                                        model::Family family) const {
  std::vector<HostTier> states;
  const auto ward = wards_.find(service);
  if (ward == wards_.end()) return states;
  for (const Group& group : ward->second.groups) {
    const policy::WeighedPort& port = group.spill.port();
    if (port.port != service_port || port.family != family) continue;
    for (const auto& [host, tier] : group.tier_of) {
      const WeighedState& state = group.spill.state(tier);
      if (!state.overloaded() && state.history.empty()) continue;
      states.push_back({.host = host, .priority = port.tiers[tier].priority, .state = &state});
    }
  }
  return states;
}

LoadCounts LoadJudge::counts() const {
  LoadCounts counts = counts_;
  for (const auto& [service, ward] : wards_) {
    for (const Group& group : ward.groups) {
      counts.weighed += group.spill.port().tiers.size();
      counts.overloaded += group.spill.overloaded();
    }
  }
  return counts;
}

}  // namespace vicinity::health
