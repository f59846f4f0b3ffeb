// How near a place is to a client under a WDS routing preference (semantics 2.1). Pure.
#pragma once

#include <cstdint>
#include <span>

#include "model/place.h"
#include "model/service.h"

namespace vicinity::policy::wds {

// A routing preference, and how a leading NETWORK counts. `kPreferred` is today's ztunnel: another
// network is ranked by the remaining scopes, after all of this network. `kRequired` is the older
// rule, and Kmesh's: NETWORK is a scope like any other.
enum class LeadingNetwork : uint8_t { kPreferred, kRequired };

struct Preference {
  std::span<const model::Scope> scopes;  // most significant first
  LeadingNetwork leading_network = LeadingNetwork::kPreferred;
};

struct Rank {
  uint32_t distance = 0;     // 0 = nearest
  bool all_matched = false;  // every scope is equal: what STRICT wants
  auto operator<=>(const Rank&) const = default;
};

[[nodiscard]] Rank rank_place(const model::Place& self, const model::Place& place,
                              const Preference& preference);

}  // namespace vicinity::policy::wds
