#include "adoption.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <utility>

namespace vicinity {
namespace {

absl::flat_hash_set<model::IpAddress> mentioned_addresses(const model::Snapshot& snapshot,
                                                          model::SymbolId service) {
  absl::flat_hash_set<model::IpAddress> addresses;
  for (const auto index : snapshot.endpoints(service)) {
    const auto& workload = snapshot.workload(index);
    addresses.insert(workload.addresses.begin(), workload.addresses.end());
  }
  return addresses;
}

}  // namespace

Adoption::Adoption(const compile::Tables& adopted, absl::Duration quiet)
    : quiet_(quiet), over_(adopted.services.empty()) {
  for (const auto& [name, table] : adopted.services) names_.insert(name);
}

void Adoption::message(absl::Time now) {
  first_message_ = std::min(first_message_, now);
  last_message_ = now;
}

absl::Time Adoption::closes_at() const {
  return std::min(last_message_ + quiet_, first_message_ + kLongest * quiet_);
}

bool Adoption::holds_back(const std::optional<compile::ServiceTable>& have,
                          const model::Snapshot& snapshot, model::SymbolId service) const {
  if (over_ || !have.has_value() || !names_.contains(have->name)) return false;
  if (snapshot.find_service(service) == nullptr) return true;
  const auto mentioned = mentioned_addresses(snapshot, service);
  return std::ranges::any_of(have->ports, [&](const compile::PortTable& table) {
    return std::ranges::any_of(
        table.slots, [&](const compile::Slot& slot) { return !mentioned.contains(slot.address); });
  });
}

std::vector<model::SymbolId> Adoption::close() {
  over_ = true;
  std::ranges::sort(deferred_);
  const auto duplicates = std::ranges::unique(deferred_);
  deferred_.erase(duplicates.begin(), duplicates.end());
  return std::exchange(deferred_, {});
}

}  // namespace vicinity
