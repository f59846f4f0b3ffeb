#include "model/address_claims.h"

#include <algorithm>
#include <tuple>

namespace vicinity::model {

bool precedes(const Claimant& left, const Claimant& right) {
  const auto rank = [](const Claimant& claimant) {
    return std::tuple(claimant.visibility, !claimant.canonical, claimant.name);
  };
  return rank(left) < rank(right);
}

void AddressClaims::add(const ServiceAddress& address, const Claimant& claimant) {
  Claimants& all = claims_[address];
  all.insert(std::upper_bound(all.begin(), all.end(), claimant, precedes), claimant);
  if (all.size() == 2) contested_.insert(address);
}

void AddressClaims::remove(const ServiceAddress& address, SymbolId service) {
  const auto found = claims_.find(address);
  if (found == claims_.end()) return;
  Claimants& all = found->second;
  const auto of_service = [service](const Claimant& one) { return one.service == service; };
  all.erase(std::remove_if(all.begin(), all.end(), of_service), all.end());
  if (all.size() < 2) contested_.erase(address);
  if (all.empty()) claims_.erase(found);
}

std::span<const Claimant> AddressClaims::claimants(const ServiceAddress& address) const {
  const auto found = claims_.find(address);
  if (found == claims_.end()) return {};
  return {found->second.data(), found->second.size()};
}

std::vector<Serving> AddressClaims::serving(const ServiceAddress& address,
                                            Namespaces namespaces) const {
  const bool known = namespaces == Namespaces::kKnown;
  std::vector<Serving> serving;
  absl::InlinedVector<SymbolId, 2> answered;  // namespaces
  for (const Claimant& claimant : claimants(address)) {
    const bool first = serving.empty() || serving.front().audience != Audience::kEveryone;
    const bool answers_all = claimant.visibility == Visibility::kPublic || !known;
    const bool in_namespace =
        std::find(answered.begin(), answered.end(), claimant.name_space) == answered.end();
    // Those of PUBLIC visibility come first, so whoever serves everyone is the first of all.
    if (answers_all && first) {
      serving.push_back({.service = claimant.service, .audience = Audience::kEveryone});
    } else if (known && in_namespace) {
      serving.push_back({.service = claimant.service, .audience = Audience::kOwnNamespace});
    }
    if (in_namespace) answered.push_back(claimant.name_space);
  }
  std::sort(serving.begin(), serving.end());
  return serving;
}

std::vector<ServiceAddress> AddressClaims::contested(SymbolId network) const {
  std::vector<ServiceAddress> addresses;
  for (const ServiceAddress& address : contested_) {
    if (address.network == network) addresses.push_back(address);
  }
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

}  // namespace vicinity::model
