#include "health/judge.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace vicinity::health {
namespace {

// Of counts that wrap around.
Outcomes since(const Counted& before, const Counted& now) {
  Outcomes outcomes{.established = now.established - before.established,
                    .failed = now.failed - before.failed,
                    .timed_out = now.timed_out - before.timed_out,
                    .reset_early = now.reset_early - before.reset_early,
                    .failed_in_row = now.failed_in_row};
  // They are read one after the other while they grow: a reset may be seen before the connection
  // that it ended, a streak before its failures.
  outcomes.reset_early = std::min(outcomes.reset_early, outcomes.established);
  outcomes.failed_in_row = std::min(outcomes.failed_in_row, outcomes.failed + outcomes.timed_out);
  return outcomes;
}

bool same_counts(const Counted& left, const Counted& right) {
  return left.established == right.established && left.failed == right.failed &&
         left.timed_out == right.timed_out && left.reset_early == right.reset_early;
}

}  // namespace

const Judge::Ward* Judge::find(std::string_view service) const {
  const auto found = wards_.find(service);
  return found == wards_.end() ? nullptr : found->second.get();
}

Judge::Ward& Judge::ward_of(std::string_view service) {
  const auto found = wards_.find(service);
  if (found != wards_.end()) return *found->second;
  auto ward = std::make_shared<Ward>();
  ward->service = service;
  return *wards_.emplace(service, std::move(ward)).first->second;
}

bool Judge::watch(std::string_view service, std::span<const policy::JudgedPort> ports,
                  absl::Time now) {
  if (ports.empty() && find(service) == nullptr) return false;
  const auto before = ejected(service);
  Ward& ward = ward_of(service);
  std::vector<Group> groups;
  for (const policy::JudgedPort& port : ports) {
    const auto old = std::ranges::find_if(ward.groups, [&](const Group& one) {
      return one.port == port.port && one.family == port.family;
    });
    groups.push_back(old != ward.groups.end() ? std::move(*old)
                                              : Group{.port = port.port,
                                                      .family = port.family,
                                                      .detector = Detector(port.spec, now),
                                                      .history = {}});
    Group& group = groups.back();
    group.detector.configure(port.spec);
    group.detector.set_hosts(port.hosts);
    std::erase_if(group.history, [&](const auto& entry) {
      return !std::ranges::binary_search(port.hosts, entry.first);
    });
  }
  ward.groups = std::move(groups);
  ward.serial = ports.empty() ? 0 : ++serial_;
  if (ports.empty()) wards_.erase(wards_.find(service));
  return ejected(service) != before;
}

void Judge::leave(std::string_view service) {
  const auto found = wards_.find(service);
  if (found == wards_.end()) return;
  found->second->serial = ++serial_;
  for (Group& group : found->second->groups) {
    group.detector.set_hosts({});
    group.history.clear();
  }
}

// Services that left, whose last ejection has ended.
void Judge::drop_the_gone() {
  std::erase_if(wards_, [](const auto& entry) {
    Ward& ward = *entry.second;
    const bool gone = std::ranges::all_of(ward.groups, [](const Group& group) {
      return group.detector.hosts().empty() && group.detector.remembered() == 0;
    });
    if (gone) ward.serial = 0;
    return gone;
  });
}

void Judge::restore(const KeptEjection& kept, absl::Time now) {
  Ward& ward = ward_of(kept.service);
  const model::Family family = kept.ejection.host.address.family;
  auto group = std::ranges::find_if(ward.groups, [&](const Group& one) {
    return one.port == kept.service_port && one.family == family;
  });
  if (group == ward.groups.end()) {
    ward.groups.push_back({.port = kept.service_port,
                           .family = family,
                           .detector = Detector({}, now),
                           .history = {}});
    group = std::prev(ward.groups.end());
  }
  group->detector.restore(kept.ejection);
  ward.serial = ++serial_;
}

// Brings seen_ into the order of `all`.
void Judge::match(std::span<const Counted> all) {
  const auto same = [](const Seen& seen, const Counted& counted) {
    return seen.last.id == counted.id;
  };
  if (std::ranges::equal(seen_, all, same)) return;
  absl::flat_hash_map<uint64_t, size_t> known;
  for (size_t i = 0; i < seen_.size(); ++i) known.emplace(seen_[i].last.id, i);
  std::vector<Seen> next(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    if (const auto found = known.find(all[i].id); found != known.end()) {
      next[i] = std::move(seen_[found->second]);
    } else {
      next[i].last.id = all[i].id;
    }
  }
  seen_ = std::move(next);
}

void Judge::observe(std::span<const Counted> all, const Moment& moment) {
  match(all);
  for (size_t i = 0; i < all.size(); ++i) {
    if (same_counts(seen_[i].last, all[i])) continue;
    if (started_) observe_one(seen_[i], all[i], moment);
    seen_[i].last = all[i];
    seen_[i].last.service = {};
  }
  started_ = true;
}

void Judge::observe_one(Seen& seen, const Counted& counted, const Moment& moment) {
  if (seen.ward == nullptr || seen.ward->serial == 0) {
    const auto found = wards_.find(counted.service);
    if (found == wards_.end()) return;
    seen.ward = found->second;
    seen.serial = 0;
  }
  if (seen.serial != seen.ward->serial) locate(seen, counted);
  if (seen.group == seen.ward->groups.size()) return;
  Group& group = seen.ward->groups[seen.group];
  const auto event = group.detector.observe(seen.index, since(seen.last, counted), moment);
  if (event) note(*seen.ward, group, *event);
}

void Judge::locate(Seen& seen, const Counted& counted) const {
  const std::vector<Group>& groups = seen.ward->groups;
  seen.serial = seen.ward->serial;
  seen.group = groups.size();
  const auto group = std::ranges::find_if(groups, [&](const Group& one) {
    return one.port == counted.service_port && one.family == counted.host.address.family;
  });
  if (group == groups.end()) return;
  const auto& hosts = group->detector.hosts();
  const auto host = std::ranges::lower_bound(hosts, counted.host);
  if (host == hosts.end() || *host != counted.host) return;
  seen.group = static_cast<size_t>(group - groups.begin());
  seen.index = static_cast<size_t>(host - hosts.begin());
}

void Judge::note(Ward& ward, Group& group, const Event& event) {
  auto& history = group.history[event.host];
  // Whoever is spared is so again and again: once is enough.
  const bool again = !history.empty() && event.verdict != Verdict::kEjected &&
                     history.back().verdict == event.verdict;
  if (again) history.pop_back();
  history.push_back(event);
  if (history.size() > kHistory) history.pop_front();
  switch (event.verdict) {
    case Verdict::kEjected:
      ++counts_.ejections[static_cast<size_t>(event.cause)];
      changed_.insert(ward.service);
      break;
    case Verdict::kReturned:
      ++counts_.returned;
      changed_.insert(ward.service);
      break;
    case Verdict::kSpared:
      ++counts_.spared;
      break;
    case Verdict::kNotEnforced:
      break;
  }
}

void Judge::look(const Moment& moment) {
  for (const auto& [name, ward] : wards_) {
    for (Group& group : ward->groups) {
      if (moment.now < group.detector.next_look()) continue;
      const size_t before = group.detector.remembered();
      for (const Event& event : group.detector.look(moment)) note(*ward, group, event);
      if (group.detector.remembered() != before) changed_.insert(name);
    }
  }
  drop_the_gone();
}

std::vector<std::string> Judge::take_changed() {
  std::vector<std::string> changed(changed_.begin(), changed_.end());
  changed_.clear();
  return changed;
}

absl::Time Judge::next_look() const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [name, ward] : wards_) {
    for (const Group& group : ward->groups) next = std::min(next, group.detector.next_look());
  }
  return next;
}

std::vector<model::EjectedEndpoint> Judge::ejected(std::string_view service) const {
  std::vector<model::EjectedEndpoint> all;
  const Ward* ward = find(service);
  if (ward == nullptr) return all;
  for (const Group& group : ward->groups) {
    for (const Ejection& one : group.detector.ejections()) {
      all.push_back(
          {.service_port = group.port, .address = one.host.address, .port = one.host.port});
    }
  }
  std::ranges::sort(all);
  return all;
}

std::vector<KeptEjection> Judge::ejections() const {
  std::vector<KeptEjection> all;
  const auto add = [&](const Ward& ward, const Group& group) {
    for (const Ejection& one : group.detector.ejections()) {
      all.push_back({.service = ward.service, .service_port = group.port, .ejection = one});
    }
  };
  for (const auto& [name, ward] : wards_) {
    for (const Group& group : ward->groups) add(*ward, group);
  }
  return all;
}

std::vector<HostState> Judge::states(std::string_view service, uint16_t service_port) const {
  std::map<Host, HostState> states;
  const Ward* ward = find(service);
  if (ward == nullptr) return {};
  for (const Group& group : ward->groups) {
    if (group.port != service_port) continue;
    for (const auto& [host, events] : group.history) {
      states[host].history.assign(events.begin(), events.end());
    }
    for (const Ejection& one : group.detector.ejections()) states[one.host].ejection = one;
  }
  std::vector<HostState> result;
  for (auto& [host, state] : states) {
    state.host = host;
    result.push_back(std::move(state));
  }
  return result;
}

JudgeCounts Judge::counts() const {
  JudgeCounts counts = counts_;
  for (const auto& [name, ward] : wards_) {
    for (const Group& group : ward->groups) {
      counts.ejected += group.detector.ejected();
      counts.judged += group.detector.hosts().size();
    }
  }
  return counts;
}

}  // namespace vicinity::health
