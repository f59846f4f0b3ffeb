#include "dataplane/active_ids.h"

#include <utility>

namespace vicinity::dataplane {

ActiveIds::ActiveIds(std::span<__u64> counts, size_t words) : counts_(counts), words_(words) {
  for (auto id = static_cast<uint32_t>(size()); id-- > 1;) free_.push_back(id);
}

uint64_t ActiveIds::count(uint32_t id) const { return observe(counts_[id * words_]); }

uint64_t ActiveIds::total() const {
  uint64_t total = 0;
  for (const auto& [id, holder] : holders_) total += count(id);
  return total;
}

void ActiveIds::hold(uint32_t id, const ActiveKey& key) {
  ids_.insert_or_assign(key, id);
  holders_.insert_or_assign(id, Holder{.key = key, .tables = 1});
}

std::optional<uint32_t> ActiveIds::acquire(const ActiveKey& key) {
  if (const auto known = ids_.find(key); known != ids_.end()) {
    if (holders_.at(known->second).tables++ == 0) --unused_;
    return known->second;
  }
  while (!free_.empty() && holders_.contains(free_.back())) free_.pop_back();
  if (free_.empty()) return std::nullopt;
  const uint32_t id = free_.back();
  free_.pop_back();
  hold(id, key);
  return id;
}

void ActiveIds::release(uint32_t id) {
  const auto holder = holders_.find(id);
  if (holder == holders_.end() || holder->second.tables == 0) return;
  if (--holder->second.tables == 0) ++unused_;
}

void ActiveIds::take(const ActiveKey& key, uint32_t id) {
  if (id == 0 || id >= size()) return;
  const auto holder = holders_.find(id);
  if (holder == holders_.end()) return hold(id, key);
  if (holder->second.tables++ == 0) --unused_;
}

void ActiveIds::keep_counted() {
  for (uint32_t id = 1; id < size(); ++id) {
    if (count(id) == 0 || holders_.contains(id)) continue;
    holders_.emplace(id, Holder{});
    ++unused_;
  }
}

std::vector<uint32_t> ActiveIds::sweep() {
  std::vector<uint32_t> freed;
  if (unused_ == 0) return freed;
  absl::erase_if(holders_, [&](const auto& entry) {
    const auto& [id, holder] = entry;
    if (holder.tables > 0 || count(id) != 0) return false;
    if (holder.key) ids_.erase(*holder.key);
    free_.push_back(id);
    freed.push_back(id);
    --unused_;
    return true;
  });
  return freed;
}

void ActiveIds::inherit(const ActiveIds& other) {
  for (const auto& [id, holder] : other.holders_) {
    if (!holders_.emplace(id, Holder{.key = holder.key, .tables = 0}).second) continue;
    ++unused_;
    if (holder.key) ids_.emplace(*holder.key, id);
  }
}

}  // namespace vicinity::dataplane
