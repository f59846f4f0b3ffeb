// Which services claim an address or a range of them, and who of them serves it to whom
// (semantics 2.3). Owned by the Snapshot, control thread.
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

// All that decides between two claimants.
struct Claimant {
  SymbolId service;
  SymbolId name_space;
  std::string_view name;  // namespace/hostname; lives in Symbols
  Visibility visibility = Visibility::kPublic;
  bool canonical = false;
};

// Any PUBLIC service comes before one of NAMESPACE visibility, then the canonical ones, then the
// smallest name.
[[nodiscard]] bool precedes(const Claimant& left, const Claimant& right);

// Is it known which namespace a client is of? Until then nobody is asked for his, and a service of
// NAMESPACE visibility serves everyone whom no PUBLIC one serves.
enum class Namespaces : uint8_t { kUnknown, kKnown };

// A service and those whom it serves at one address.
struct Serving {
  SymbolId service;
  Audience audience = Audience::kEveryone;
  auto operator<=>(const Serving&) const = default;
};

class AddressClaims {
 public:
  void add(const ServiceAddress& address, const Claimant& claimant);
  void remove(const ServiceAddress& address, SymbolId service);

  // Most entitled first; empty when nobody claims the address.
  [[nodiscard]] std::span<const Claimant> claimants(const ServiceAddress& address) const;
  // Sorted. At most one of them serves everyone, and one each its own namespace.
  [[nodiscard]] std::vector<Serving> serving(const ServiceAddress& address,
                                             Namespaces namespaces) const;
  // Addresses of `network` with more than one claimant, sorted.
  [[nodiscard]] std::vector<ServiceAddress> contested(SymbolId network) const;

 private:
  using Claimants = absl::InlinedVector<Claimant, 1>;
  absl::flat_hash_map<ServiceAddress, Claimants> claims_;
  absl::flat_hash_set<ServiceAddress> contested_;  // those with more than one claimant
};

}  // namespace vicinity::model
