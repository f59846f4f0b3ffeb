// A plan's tiers become slots: canonical order, alias table, shares.
#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

#include <vicinity/abi.h>
#include "base/status.h"
#include "compile/compile.h"
#include "compile/shares.h"

namespace vicinity::compile {
namespace {

using policy::Plan;

struct Draft {
  Slot slot;
  uint64_t share = 0;
  uint32_t endpoint = 0;
  bool loaded = false;
};

// The canonical order; the endpoint's number, which follows uids, comes last, so that equal tables
// come out equal whatever the workloads behind them are called.
bool draft_before(const Draft& left, const Draft& right) {
  const auto rest = [](const Draft& draft) {
    return std::tie(draft.slot.port, draft.slot.weight, draft.share, draft.endpoint);
  };
  if (left.loaded != right.loaded) return left.loaded;
  if (left.slot.tier != right.slot.tier) return left.slot.tier < right.slot.tier;
  if (const auto order = left.slot.address <=> right.slot.address; order != 0) return order < 0;
  return rest(left) < rest(right);
}

// Tiers beyond the last one of a table are merged into it.
size_t table_tier(size_t plan_tier) { return std::min<size_t>(plan_tier, VIC_MAX_TIERS - 1); }

std::vector<Draft> drafts(const Plan& plan) {
  std::vector<Draft> all;
  all.reserve(plan.endpoints.size());
  for (size_t i = 0; i < plan.tiers.size(); ++i) {
    for (const policy::Member& member : plan.tiers[i].members) {
      const policy::Endpoint& endpoint = plan.endpoints[member.endpoint];
      Draft& draft = all.emplace_back();
      draft.slot.address = endpoint.address;
      draft.slot.port = endpoint.port;
      draft.slot.tier = static_cast<uint8_t>(table_tier(i));
      draft.slot.weight = member.weight;
      draft.share = member.share;
      draft.endpoint = member.endpoint;
      draft.loaded = plan.tiers[i].load_percent > 0;
    }
  }
  // Mostly in order already: tiers are, and so are the endpoints of each.
  if (!std::ranges::is_sorted(all, draft_before)) std::ranges::sort(all, draft_before);
  return all;
}

absl::Status check_algorithm(const Plan& plan, const PortHeader& header) {
  if (const absl::Status status = policy::check(plan.algorithm); !status.ok()) {
    return base::invalid("service {}: port {}: {}", header.service, header.port,
                         base::message(status));
  }
  return absl::OkStatus();
}

absl::Status check_room(const Plan& plan, const PortHeader& header) {
  size_t loaded = 0;
  std::array<size_t, VIC_MAX_TIERS> counts{};
  for (size_t i = 0; i < plan.tiers.size(); ++i) {
    const size_t members = plan.tiers[i].members.size();
    counts[table_tier(i)] += members;
    if (plan.tiers[i].load_percent == 0) continue;
    loaded += members;
    if (i >= VIC_MAX_TIERS) {
      return base::exhausted("service {}: port {}: tier {} carries load: only {} tiers can",
                             header.service, header.port, i, int{VIC_MAX_TIERS});
    }
  }
  if (loaded > VIC_MAX_LOADED_SLOTS) {
    return base::exhausted("service {}: port {}: {} endpoints with load: at most {}",
                           header.service, header.port, loaded, int{VIC_MAX_LOADED_SLOTS});
  }
  const size_t largest = std::ranges::max(counts);
  if (largest > UINT16_MAX) {
    return base::exhausted("service {}: port {}: {} endpoints in one tier: at most {}",
                           header.service, header.port, largest, UINT16_MAX);
  }
  return absl::OkStatus();
}

std::vector<TableTier> table_tiers(const Plan& plan) {
  std::vector<TableTier> tiers;
  for (const policy::Tier& tier : plan.tiers) {
    if (tiers.size() < VIC_MAX_TIERS) {
      const auto priority = static_cast<uint8_t>(std::min<uint32_t>(tier.priority, UINT8_MAX));
      tiers.push_back({.priority = priority,
                       .load_percent = static_cast<uint8_t>(tier.load_percent),
                       .count = 0});
    }
    const size_t count = tiers.back().count + tier.members.size();
    tiers.back().count = static_cast<uint16_t>(count);
  }
  return tiers;
}

// REQUIRES: `loaded` is the loaded prefix of the drafts, in order of tier.
std::vector<ShareGroup> share_groups(const Plan& plan, std::span<const Draft> loaded) {
  std::vector<ShareGroup> groups;
  size_t tier = SIZE_MAX;
  for (const Draft& draft : loaded) {
    if (draft.slot.tier != tier) {
      tier = draft.slot.tier;
      groups.push_back({.percent = plan.tiers[tier].load_percent, .weights = {}});
    }
    groups.back().weights.push_back(draft.share);
  }
  return groups;
}

// The hooks' part of the plan's failure detection; of tiers that are only weighed nobody is a
// suspect. Without load there is nobody to watch.
std::optional<Watch> watch_of(const Plan& plan, uint16_t loaded) {
  if (loaded == 0) return std::nullopt;
  if (!plan.outlier) return plan.load_spill ? std::optional(Watch{}) : std::nullopt;
  const policy::OutlierSpec& spec = *plan.outlier;
  size_t endpoints = 0;
  for (const policy::Tier& tier : plan.tiers) endpoints += tier.members.size();
  endpoints += std::ranges::count_if(plan.excluded, [](const policy::Excluded& one) {
    return one.reason == policy::Exclusion::kUnhealthy || one.reason == policy::Exclusion::kEjected;
  });
  return Watch{.refused_in_row = spec.hook.refused_in_row,
               .timeouts_in_row = spec.hook.timeouts_in_row,
               .suspicion_ms = spec.base_ejection_ms,
               .most_suspects = policy::most_ejected(spec, static_cast<uint32_t>(endpoints))};
}

}  // namespace

absl::StatusOr<CompiledPort> compile_port(Plan plan, const PortHeader& header) {
  VIC_RETURN_IF_ERROR(check_algorithm(plan, header));
  VIC_RETURN_IF_ERROR(check_room(plan, header));
  CompiledPort compiled;
  PortTable& table = compiled.table;
  table.port = header.port;
  table.family = header.family;
  table.mode = plan.mode;
  table.algorithm = policy::relevant(plan.algorithm);
  table.on_empty = plan.on_empty;
  table.pass = plan.pass;
  table.had_workload = header.had_workload;
  table.tiers = table_tiers(plan);

  const std::vector<Draft> all = drafts(plan);
  const auto idle = std::ranges::find(all, false, &Draft::loaded);
  const std::span<const Draft> loaded(all.begin(), idle);
  table.loaded = static_cast<uint16_t>(loaded.size());
  table.watch = watch_of(plan, table.loaded);
  table.slots.reserve(all.size());
  compiled.slot_endpoint.reserve(all.size());
  for (const Draft& draft : all) {
    table.slots.push_back(draft.slot);
    compiled.slot_endpoint.push_back(draft.endpoint);
  }
  if (!loaded.empty()) add_shares(table, share_groups(plan, loaded));
  compiled.plan = std::move(plan);
  return compiled;
}

}  // namespace vicinity::compile
