// Which services claim an address, and who of them serves it (semantics 2.3). Host addresses only.
// Owned by the Snapshot, control thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/inlined_vector.h>

#include <compare>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "model/service.h"

namespace vicinity::model {

struct NetworkAddress {
  SymbolId network;
  IpAddress ip;
  auto operator<=>(const NetworkAddress&) const = default;
  template <class H>
  friend H AbslHashValue(H state, const NetworkAddress& address) {
    return H::combine(std::move(state), address.network, address.ip);
  }
};

// All that decides between two claimants.
struct Claimant {
  SymbolId service;
  std::string_view name;  // namespace/hostname; lives in Symbols
  Visibility visibility = Visibility::kPublic;
  bool canonical = false;
};

// Any PUBLIC service comes before one of NAMESPACE visibility, then the canonical ones, then the
// smallest name.
[[nodiscard]] bool precedes(const Claimant& left, const Claimant& right);

class AddressClaims {
 public:
  void add(const NetworkAddress& address, const Claimant& claimant);
  void remove(const NetworkAddress& address, SymbolId service);

  // Most entitled first; empty when nobody claims the address.
  [[nodiscard]] std::span<const Claimant> claimants(const NetworkAddress& address) const;
  [[nodiscard]] std::optional<SymbolId> owner(const NetworkAddress& address) const;
  // Addresses of `network` with more than one claimant, sorted.
  [[nodiscard]] std::vector<IpAddress> contested(SymbolId network) const;

 private:
  using Claimants = absl::InlinedVector<Claimant, 1>;
  absl::flat_hash_map<NetworkAddress, Claimants> claims_;
  absl::flat_hash_set<NetworkAddress> contested_;  // those with more than one claimant
};

}  // namespace vicinity::model
