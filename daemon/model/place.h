// Where a workload runs, and where this node is. A cluster has far fewer places than workloads, so
// a Place is interned and policies rank each place once. Owned by the Snapshot, control thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "model/symbols.h"

namespace vicinity::model {

struct Place {
  SymbolId network;
  SymbolId cluster;
  SymbolId region;
  SymbolId zone;
  SymbolId subzone;
  SymbolId node;

  auto operator<=>(const Place&) const = default;
  template <class H>
  friend H AbslHashValue(H state, const Place& place) {
    return H::combine(std::move(state), place.network, place.cluster, place.region, place.zone,
                      place.subzone, place.node);
  }
};

struct Label {
  SymbolId key;
  SymbolId value;
  auto operator<=>(const Label&) const = default;
};

// The side a plan is made for: this node, or the `--client` of an offline explain.
struct ClientContext {
  Place place;
  std::vector<Label> labels;  // sorted by key
  SymbolId name_space;        // of the client's pod; empty: not known, as for a whole node
  auto operator<=>(const ClientContext&) const = default;
};

// "region/zone/subzone"; trailing empty levels are kept out.
[[nodiscard]] std::string locality_text(const Place& place, const Symbols& symbols);
// "network=n cluster=c locality=r/z/s node=h".
[[nodiscard]] std::string place_text(const Place& place, const Symbols& symbols);

}  // namespace vicinity::model
