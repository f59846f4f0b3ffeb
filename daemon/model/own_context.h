// Where this node is: the network, cluster and locality that most workloads of the node state
// (semantics 2.3). Owned by the Snapshot, control thread.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <tuple>

#include "model/place.h"
#include "model/symbol_uses.h"

namespace vicinity::model {

// Fixed values of the three groups; a group that is not fixed follows the feed.
struct FixedContext {
  std::optional<SymbolId> network;
  std::optional<SymbolId> cluster;
  std::optional<std::tuple<SymbolId, SymbolId, SymbolId>> locality;  // region, zone, subzone
};

class OwnContext {
 public:
  OwnContext(SymbolId node, FixedContext fixed);

  // A workload was added, or is about to go. Those of other nodes are ignored.
  void add(const Place& place);
  void remove(const Place& place);
  void restore(const Place& place, const Symbols& symbols);

  // Takes over what the counts say now; true when the context differs from before.
  bool refresh(const Symbols& symbols);
  void add_uses(SymbolUses& uses) const;
  [[nodiscard]] const ClientContext& client() const { return client_; }
  [[nodiscard]] bool known() const { return network_known_ && cluster_known_ && locality_known_; }

 private:
  using Locality = std::tuple<SymbolId, SymbolId, SymbolId>;
  void set_locality(const Locality& locality);

  SymbolId node_;
  FixedContext fixed_;
  absl::flat_hash_map<SymbolId, uint32_t> networks_;
  absl::flat_hash_map<SymbolId, uint32_t> clusters_;
  absl::flat_hash_map<Locality, uint32_t> localities_;
  ClientContext client_;
  bool network_known_;
  bool cluster_known_;
  bool locality_known_;
};

}  // namespace vicinity::model
