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

void AddressClaims::add(const NetworkAddress& address, const Claimant& claimant) {
  Claimants& all = claims_[address];
  all.insert(std::upper_bound(all.begin(), all.end(), claimant, precedes), claimant);
  if (all.size() == 2) contested_.insert(address);
}

void AddressClaims::remove(const NetworkAddress& address, SymbolId service) {
  const auto found = claims_.find(address);
  if (found == claims_.end()) return;
  Claimants& all = found->second;
  const auto of_service = [service](const Claimant& one) { return one.service == service; };
  all.erase(std::remove_if(all.begin(), all.end(), of_service), all.end());
  if (all.size() < 2) contested_.erase(address);
  if (all.empty()) claims_.erase(found);
}

std::span<const Claimant> AddressClaims::claimants(const NetworkAddress& address) const {
  const auto found = claims_.find(address);
  if (found == claims_.end()) return {};
  return {found->second.data(), found->second.size()};
}

std::optional<SymbolId> AddressClaims::owner(const NetworkAddress& address) const {
  const auto all = claimants(address);
  if (all.empty()) return std::nullopt;
  return all.front().service;
}

std::vector<IpAddress> AddressClaims::contested(SymbolId network) const {
  std::vector<IpAddress> addresses;
  for (const NetworkAddress& address : contested_) {
    if (address.network == network) addresses.push_back(address.ip);
  }
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

}  // namespace vicinity::model
