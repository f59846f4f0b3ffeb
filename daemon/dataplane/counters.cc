#include "dataplane/counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <utility>

namespace vicinity::dataplane {
namespace {

// Row 0, last tier: no service's. What rows had counted when they were given out again, so that all
// elements together are the translated connections.
constexpr size_t kReturned = size_t{VIC_MAX_TIERS - 1} * VIC_COUNTER_ROWS;

void add(Outcomes& total, const vic_outcomes& cpu) {
  total.not_a_service += cpu.not_a_service;
  total.refused_empty += cpu.refused_empty;
  total.passed_empty += cpu.passed_empty;
  total.passed_passthrough += cpu.passed_passthrough;
  total.unknown_port_passed += cpu.unknown_port_passed;
  total.unknown_port_refused += cpu.unknown_port_refused;
  total.lease_expired += cpu.lease_expired;
  total.own_socket += cpu.own_socket;
  total.internal_error += cpu.internal_error;
  total.unrecorded += cpu.unrecorded;
  total.passed_waypoint += cpu.passed_waypoint;
  total.opted_out += cpu.opted_out;
  total.captured += cpu.captured;
  total.host_network += cpu.host_network;
  total.kernel_socket += cpu.kernel_socket;
}

// By CPU; empty: it cannot be read.
std::vector<vic_outcomes> outcomes_of(int outcomes_fd, uint32_t hook) {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return {};
  std::vector<vic_outcomes> by_cpu(static_cast<size_t>(cpus));
  if (bpf_map_lookup_elem(outcomes_fd, &hook, by_cpu.data()) != 0) return {};
  return by_cpu;
}

}  // namespace

Outcomes read_outcomes(int outcomes_fd, std::span<__u64> counters) {
  Outcomes total;
  for (const __u64& count : counters) total.translated += observe(count);
  for (uint32_t hook = 0; hook < VIC_HOOK_COUNT; ++hook) {
    for (const vic_outcomes& cpu : outcomes_of(outcomes_fd, hook)) add(total, cpu);
  }
  return total;
}

std::vector<HookErrors> read_errors(int outcomes_fd) {
  static constexpr std::array<std::string_view, VIC_HOOK_COUNT> kHooks{"connect4", "connect6",
                                                                       "sendmsg4", "sendmsg6"};
  std::vector<HookErrors> errors;
  for (uint32_t hook = 0; hook < VIC_HOOK_COUNT; ++hook) {
    HookErrors& row = errors.emplace_back();
    row.hook = kHooks[hook];
    for (const vic_outcomes& cpu : outcomes_of(outcomes_fd, hook)) {
      row.internal_error += cpu.internal_error;
      row.unrecorded += cpu.unrecorded;
    }
  }
  return errors;
}

Counters::Counters(const Memory& memory, int outcomes_fd)
    : counters_(memory.counters),
      refusals_(memory.refusals),
      outcomes_fd_(outcomes_fd),
      services_(VIC_COUNTER_ROWS) {
  for (uint16_t row = VIC_COUNTER_ROW_SHARED; row-- > 1;) free_.push_back(row);
  services_[VIC_COUNTER_ROW_SHARED] = std::make_shared<const std::string>(kSharedRowName);
  published_ = std::make_shared<const Rows>();
}

uint16_t Counters::assign(std::string_view service) {
  if (free_.empty()) return VIC_COUNTER_ROW_SHARED;
  const uint16_t row = free_.back();
  free_.pop_back();
  for (uint32_t shard = 0; shard < counters_.size() / VIC_COUNTER_SHARD; ++shard) {
    for (uint16_t tier = 0; tier < VIC_MAX_TIERS; ++tier) {
      const uint32_t index = vic_counter_index(shard, static_cast<uint16_t>(row << 4 | tier));
      const uint64_t earlier = std::exchange(counters_[index], 0);
      publish(counters_[kReturned], counters_[kReturned] + earlier);
    }
  }
  if (!refusals_.empty()) publish(refusals_[row], __u64{0});
  services_[row] = std::make_shared<const std::string>(service);
  changed_ = true;
  return row;
}

void Counters::take(uint16_t row, std::string_view service) {
  if (row == 0 || row >= VIC_COUNTER_ROW_SHARED) return;
  std::erase(free_, row);
  services_[row] = std::make_shared<const std::string>(service);
  changed_ = true;
}

void Counters::forget(uint16_t row) {
  if (row == 0 || row >= VIC_COUNTER_ROW_SHARED) return;
  services_[row].reset();
  changed_ = true;
}

void Counters::give_back(uint16_t row) {
  if (row == 0 || row >= VIC_COUNTER_ROW_SHARED) return;
  free_.push_back(row);
}

void Counters::publish_rows() {
  if (!changed_) return;
  auto rows = std::make_shared<Rows>();
  for (uint16_t row = 1; row < VIC_COUNTER_ROWS; ++row) {
    if (services_[row] != nullptr) rows->push_back({.row = row, .service = services_[row]});
  }
  published_ = std::shared_ptr<const Rows>(std::move(rows));
  changed_ = false;
}

std::vector<uint64_t> Counters::totals(uint16_t row) const {
  std::vector<uint64_t> by_tier(VIC_MAX_TIERS);
  for (uint32_t shard = 0; shard < counters_.size() / VIC_COUNTER_SHARD; ++shard) {
    for (uint16_t tier = 0; tier < VIC_MAX_TIERS; ++tier) {
      const uint32_t index = vic_counter_index(shard, static_cast<uint16_t>(row << 4 | tier));
      by_tier[tier] += observe(counters_[index]);
    }
  }
  while (!by_tier.empty() && by_tier.back() == 0) by_tier.pop_back();
  return by_tier;
}

uint64_t Counters::refused(uint16_t row) const {
  return refusals_.empty() ? 0 : observe(refusals_[row]);
}

std::vector<TierCounts> Counters::tier_counts() const {
  std::vector<TierCounts> counts;
  for (const std::shared_ptr<const Rows> rows = published_; const Row& row : *rows) {
    std::vector<uint64_t> by_tier = totals(row.row);
    const uint64_t refusals = refused(row.row);
    if (row.row == VIC_COUNTER_ROW_SHARED && by_tier.empty() && refusals == 0) continue;
    counts.push_back({.service = *row.service, .by_tier = std::move(by_tier), .refused = refusals});
  }
  std::ranges::sort(counts, {}, &TierCounts::service);
  return counts;
}

Usage Counters::usage() const {
  const uint64_t capacity = VIC_COUNTER_ROW_SHARED - 1;
  return {.used = capacity - free_.size(), .capacity = capacity};
}

}  // namespace vicinity::dataplane
