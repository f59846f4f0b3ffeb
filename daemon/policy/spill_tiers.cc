#include "policy/spill_tiers.h"

#include <algorithm>
#include <utility>

namespace vicinity::policy {
namespace {

void count(HostHealth health, HostCounts& counts) {
  ++counts.total;
  if (health == HostHealth::kHealthy) ++counts.healthy;
  if (health == HostHealth::kDegraded) ++counts.degraded;
  if (health == HostHealth::kExcluded) ++counts.excluded;
}

HostCounts counts_of(const SpillLocality& locality) {
  HostCounts counts;
  for (const SpillHost& host : locality.hosts) count(host.health, counts);
  return counts;
}

HostCounts counts_of(const SpillPriority& priority) {
  HostCounts counts;
  for (const SpillLocality& locality : priority.localities) {
    for (const SpillHost& host : locality.hosts) count(host.health, counts);
  }
  return counts;
}

// Which hosts a part of a priority's load is for.
enum class Pick : uint8_t { kHealthy, kDegraded, kAll };

bool picks(Pick pick, HostHealth health) {
  if (pick == Pick::kAll) return true;
  return health == (pick == Pick::kHealthy ? HostHealth::kHealthy : HostHealth::kDegraded);
}

// A member whose share is not yet a whole number.
struct Draft {
  const SpillHost* host = nullptr;
  Ratio share;
};

class TierBuilder {
 public:
  TierBuilder(const SpillRule& rule, const SpillPriority& priority, const PriorityLoad& load)
      : rule_(rule), priority_(priority) {
    if (load.panic) {
      add(Pick::kAll, 1);
    } else if (load.percent() > 0) {
      add(Pick::kHealthy, load.healthy_percent);
      add(Pick::kDegraded, load.degraded_percent);
    } else {
      add(Pick::kHealthy, 1);
      if (drafts_.empty()) add(Pick::kDegraded, 1);
    }
    tier_.priority = priority.number;
    tier_.load_percent = load.percent();
  }

  // The tier, without members when nobody can be picked; the others go to plan.excluded.
  [[nodiscard]] Tier finish(Plan& plan) {
    std::vector<Ratio> ratios;
    for (const Draft& draft : drafts_) ratios.push_back(draft.share);
    const std::vector<uint64_t> shares = whole_shares(ratios);
    for (size_t i = 0; i < drafts_.size(); ++i) {
      const SpillHost& host = *drafts_[i].host;
      tier_.members.push_back(
          {.endpoint = host.endpoint, .weight = host.weight, .share = shares[i]});
    }
    std::ranges::sort(tier_.members);
    exclude_others(plan);
    return std::move(tier_);
  }

 private:
  // The locality's part of what is picked: its weight if weights count and any has one, otherwise
  // that of its hosts.
  [[nodiscard]] Ratio part_of(const SpillLocality& locality, Pick pick) const {
    const HostCounts counts = counts_of(locality);
    const uint32_t usable = pick == Pick::kHealthy ? counts.healthy : counts.degraded;
    if (usable == 0) return {};
    if (rule_.weighting == LocalityWeighting::kRaw) return {.over = locality.weight, .under = 1};
    return scaled_weight(locality.weight, usable, counts.counted(), rule_.factor_percent);
  }

  // By the weights of localities; false when no locality with somebody to pick has one.
  bool add_weighted(Pick pick, uint32_t percent) {
    std::vector<Ratio> parts;
    for (const SpillLocality& locality : priority_.localities) {
      parts.push_back(part_of(locality, pick));
    }
    const std::vector<uint64_t> shares = whole_shares(parts);
    Wide sum = 0;
    for (const uint64_t share : shares) sum += share;
    if (sum == 0) return false;
    for (size_t i = 0; i < shares.size(); ++i) {
      if (shares[i] == 0) continue;
      add_hosts({&priority_.localities[i], 1}, pick,
                {.over = Wide{shares[i]} * percent, .under = sum});
    }
    return true;
  }

  void add(Pick pick, uint32_t percent) {
    if (percent == 0) return;
    const bool weighted = rule_.weighting != LocalityWeighting::kNone && pick != Pick::kAll;
    if (weighted && add_weighted(pick, percent)) return;
    add_hosts(priority_.localities, pick, {.over = percent, .under = 1});
  }

  void add_hosts(std::span<const SpillLocality> localities, Pick pick, const Ratio& share) {
    const size_t first = drafts_.size();
    uint64_t weights = 0;
    for (const SpillLocality& locality : localities) {
      for (const SpillHost& host : locality.hosts) {
        if (!picks(pick, host.health)) continue;
        weights += host.weight;
        drafts_.push_back({.host = &host, .share = {}});
      }
    }
    const Ratio one = reduced(share);
    for (size_t i = first; i < drafts_.size(); ++i) {
      drafts_[i].share = {.over = one.over * drafts_[i].host->weight, .under = one.under * weights};
    }
  }

  // Both halves within 64 bits, so that a weight and a sum of weights still fit beside them.
  [[nodiscard]] static Ratio reduced(Ratio ratio) {
    while (ratio.over > UINT64_MAX || ratio.under > UINT64_MAX) {
      ratio.over >>= 1;
      ratio.under >>= 1;
    }
    return ratio;
  }

  [[nodiscard]] bool is_member(uint32_t endpoint) const {
    return std::ranges::binary_search(tier_.members, endpoint, {}, &Member::endpoint);
  }

  void exclude_others(Plan& plan) const {
    for (const SpillLocality& locality : priority_.localities) {
      for (const SpillHost& host : locality.hosts) {
        if (is_member(host.endpoint)) continue;
        const Exclusion reason = host.health == HostHealth::kHealthy
                                     ? Exclusion::kZeroCapacity
                                     : exclusion_of(host.health, Exclusion::kUnhealthy);
        plan.excluded.push_back({plan.endpoints[host.endpoint].workload, reason});
      }
    }
  }

  const SpillRule& rule_;
  const SpillPriority& priority_;
  std::vector<Draft> drafts_;
  Tier tier_;
};

void erase_idle(Candidates& candidates) {
  std::vector<Endpoint> endpoints;
  std::vector<HostHealth> health;
  for (size_t i = 0; i < candidates.endpoints.size(); ++i) {
    const Endpoint& endpoint = candidates.endpoints[i];
    if (endpoint.workload->capacity == 0) {
      candidates.excluded.push_back(
          {endpoint.workload, exclusion_of(candidates.health[i], Exclusion::kZeroCapacity)});
      continue;
    }
    endpoints.push_back(endpoint);
    health.push_back(candidates.health[i]);
  }
  candidates.endpoints = std::move(endpoints);
  candidates.health = std::move(health);
}

HostHealth health_of(const Endpoint& endpoint, const Eligible& eligible) {
  const auto among = [&](const std::vector<Endpoint>& some) {
    return std::ranges::binary_search(some, endpoint, endpoint_before);
  };
  if (among(eligible.unhealthy)) return HostHealth::kUnhealthy;
  return among(eligible.ejected) ? HostHealth::kEjected : HostHealth::kHealthy;
}

}  // namespace

Exclusion exclusion_of(HostHealth health, Exclusion otherwise) {
  if (health == HostHealth::kUnhealthy) return Exclusion::kUnhealthy;
  return health == HostHealth::kEjected ? Exclusion::kEjected : otherwise;
}

Candidates spill_candidates(Eligible eligible) {
  Candidates result{.endpoints = {}, .health = {}, .excluded = std::move(eligible.excluded)};
  std::erase_if(result.excluded, [](const Excluded& one) {
    return one.reason == Exclusion::kUnhealthy || one.reason == Exclusion::kEjected;
  });
  std::vector<Endpoint> sick;
  std::ranges::merge(eligible.unhealthy, eligible.ejected, std::back_inserter(sick),
                     endpoint_before);
  std::ranges::merge(eligible.endpoints, sick, std::back_inserter(result.endpoints),
                     endpoint_before);
  for (const Endpoint& endpoint : result.endpoints) {
    result.health.push_back(health_of(endpoint, eligible));
  }
  erase_idle(result);
  sort_by_uid(result.excluded);
  return result;
}

void spill(const SpillRule& rule, std::span<const SpillPriority> priorities, Plan& plan) {
  std::vector<HostCounts> counts;
  for (const SpillPriority& priority : priorities) counts.push_back(counts_of(priority));
  const std::vector<PriorityLoad> loads = priority_loads(counts, rule);
  uint32_t taken = 0;
  for (size_t i = 0; i < priorities.size(); ++i) {
    Tier tier = TierBuilder(rule, priorities[i], loads[i]).finish(plan);
    if (tier.members.empty()) continue;
    taken += tier.load_percent;
    plan.tiers.push_back(std::move(tier));
  }
  if (taken == 0 && !plan.tiers.empty()) plan.tiers.front().load_percent = 100;
  sort_by_uid(plan.excluded);
}

}  // namespace vicinity::policy
