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

bool is_known(std::string_view service, const model::Snapshot& snapshot) {
  const auto key = snapshot.symbols().find(service);
  return key.has_value() && snapshot.find_service(*key) != nullptr;
}

}  // namespace

void Adoption::adopt(const compile::ServiceTable& table) {
  over_ = false;
  names_.insert(table.name);
  for (const auto& address : table.addresses) owners_.emplace(address, table.name);
  for (const auto& address : table.scoped) {
    scoped_owners_.emplace(scoped(address, table.name), table.name);
  }
}

void Adoption::feed_away() {
  first_message_ = absl::InfiniteFuture();
  last_message_ = absl::InfiniteFuture();
}

void Adoption::message(absl::Time now) {
  first_message_ = std::min(first_message_, now);
  last_message_ = now;
  // A mesh file is told whole each time: what its documents lacked before is settled.
  std::erase_if(refused_, [this](const auto& entry) {
    return entry.first.starts_with("document ") && entry.second < messages_;
  });
  ++messages_;
}

void Adoption::feed_in_sync(absl::Time now) {
  first_message_ = std::min(first_message_, now);
  if (last_message_ == absl::InfiniteFuture()) last_message_ = now;
}

void Adoption::refused(const std::string& resource) {
  // Without adopted tables there is no last good version to keep.
  if (!over_ && !names_.empty()) refused_[resource] = messages_;
}

void Adoption::mentioned(const model::Delta& delta, const model::Snapshot& before) {
  if (over_) return;
  const auto told = [&](std::string_view uid) {
    const model::Workload* workload = before.find_workload(uid);
    if (workload == nullptr) return;
    endpoints_told_.insert(workload->addresses.begin(), workload->addresses.end());
  };
  for (const auto& name : delta.removed) {
    told(name);
    if (is_known(name, before)) services_told_.insert(name);
    refused_.erase(name);
  }
  for (const auto& workload : delta.workloads) {
    told(workload.uid);
    if (!refused_.empty()) refused_.erase(workload.uid);
  }
  for (const auto& service : delta.services) {
    if (!refused_.empty()) refused_.erase(std::string(before.symbols().name(service.key)));
  }
}

absl::Time Adoption::closes_at() const {
  if (!refused_.empty()) return first_message_ + kLongestRefused * quiet_;
  return std::min(last_message_ + quiet_, first_message_ + kLongest * quiet_);
}

bool Adoption::holds_back(const std::optional<compile::ServiceTable>& have,
                          const model::Snapshot& snapshot, model::SymbolId service) const {
  if (over_ || !have.has_value() || !names_.contains(have->name)) return false;
  if (snapshot.find_service(service) == nullptr) return !services_told_.contains(have->name);
  const auto mentioned = mentioned_addresses(snapshot, service);
  return std::ranges::any_of(have->ports, [&](const compile::PortTable& table) {
    return std::ranges::any_of(table.slots, [&](const compile::Slot& slot) {
      return !mentioned.contains(slot.address) && !endpoints_told_.contains(slot.address);
    });
  });
}

bool Adoption::keeps_address(const model::IpAddress& address, std::string_view from,
                             const model::Snapshot& snapshot) const {
  const auto owner = owners_.find(address);
  return owner != owners_.end() && keeps(owner->second, from, snapshot);
}

bool Adoption::keeps_scoped(const model::OwnedAddress& address, std::string_view from,
                            const model::Snapshot& snapshot) const {
  const auto owner = scoped_owners_.find(scoped(address, from));
  return owner != scoped_owners_.end() && keeps(owner->second, from, snapshot);
}

bool Adoption::keeps(std::string_view owner, std::string_view from,
                     const model::Snapshot& snapshot) const {
  return !over_ && owner != from && !is_known(owner, snapshot) && !services_told_.contains(owner);
}

Adoption::ScopedAddress Adoption::scoped(const model::OwnedAddress& address,
                                         std::string_view service) {
  if (address.audience == model::Audience::kEveryone) return {address, ""};
  return {address, std::string(service.substr(0, service.find('/')))};
}

std::vector<model::SymbolId> Adoption::close() {
  over_ = true;
  owners_.clear();
  scoped_owners_.clear();
  endpoints_told_.clear();
  services_told_.clear();
  std::ranges::sort(deferred_);
  const auto duplicates = std::ranges::unique(deferred_);
  deferred_.erase(duplicates.begin(), duplicates.end());
  return std::exchange(deferred_, {});
}

}  // namespace vicinity
