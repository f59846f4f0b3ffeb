#include "policy/wds/rank.h"

#include <cstddef>

namespace vicinity::policy::wds {
namespace {

using model::Place;
using model::Scope;

// Plain equality: empty equals empty, and node and cluster names are not qualified by anything.
bool equal_in(Scope scope, const Place& left, const Place& right) {
  switch (scope) {
    case Scope::kRegion:
      return left.region == right.region;
    case Scope::kZone:
      return left.zone == right.zone;
    case Scope::kSubzone:
      return left.subzone == right.subzone;
    case Scope::kNode:
      return left.node == right.node;
    case Scope::kCluster:
      return left.cluster == right.cluster;
    case Scope::kNetwork:
      return left.network == right.network;
  }
  return false;
}

// Scopes that match from the front, up to the first that does not.
uint32_t matching_prefix(const Place& self, const Place& place, std::span<const Scope> scopes) {
  uint32_t matches = 0;
  while (matches < scopes.size() && equal_in(scopes[matches], self, place)) ++matches;
  return matches;
}

}  // namespace

Rank rank_place(const Place& self, const Place& place, const Preference& preference) {
  const auto scopes = preference.scopes;
  const auto count = static_cast<uint32_t>(scopes.size());
  const bool exempt = count != 0 && scopes.front() == Scope::kNetwork &&
                      preference.leading_network == LeadingNetwork::kPreferred;
  if (!exempt) {
    const uint32_t matches = matching_prefix(self, place, scopes);
    return {.distance = count - matches, .all_matched = matches == count};
  }
  // Of 2 * count tiers the first half is this network's, the second half the others'.
  const uint32_t matches = matching_prefix(self, place, scopes.subspan(1));
  const bool same_network = equal_in(Scope::kNetwork, self, place);
  const uint32_t nearer = count - 1 - matches;
  return {.distance = same_network ? nearer : count + nearer,
          .all_matched = same_network && matches + 1 == count};
}

}  // namespace vicinity::policy::wds
