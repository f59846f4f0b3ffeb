// The desired state of the world as the feed has told it so far: services, workloads, who is whose
// endpoint, who owns which address, and where this node is. The only mutable state of the control
// path. Control thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/address_claims.h"
#include "model/delta.h"
#include "model/ejections.h"
#include "model/given_shares.h"
#include "model/place.h"
#include "model/service.h"
#include "model/symbols.h"
#include "model/workload.h"

namespace vicinity::model {

// Fields of the own context that the operator fixed; the others follow the feed.
struct ContextOverride {
  std::optional<std::string> network;
  std::optional<std::string> cluster;
  std::optional<std::string> region;  // region, zone and subzone come together
  std::optional<std::string> zone;
  std::optional<std::string> subzone;
};

// What apply() calls since the last take_changes() touched.
struct Changes {
  std::vector<SymbolId> services;  // sorted, unique; services to recompile, also those now gone
  bool context_changed = false;  // own network, cluster or locality: every service is in `services`
  bool pods_changed = false;     // of this node: whom policies may select as clients
  bool operator==(const Changes&) const = default;
};

// One address or range claimed by several services of one network.
struct AddressConflict {
  IpAddress address;
  uint8_t length = 32;
  std::optional<SymbolId> owner;        // serves it to everyone
  std::vector<SymbolId> own_namespace;  // serve it to their own namespaces; sorted by name
  std::vector<SymbolId> others;         // do not serve it; sorted by name
  bool operator==(const AddressConflict&) const = default;
};

class Snapshot {
 public:
  // `node` is --node-name.
  explicit Snapshot(std::string_view node, const ContextOverride& overrides = {});
  ~Snapshot();
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot&&) noexcept;

  // Frees the names that neither the snapshot nor `others` uses. REQUIRES: nobody else keeps an id,
  // or a name, over this call; who asks for services a part at a time may, since what he finds
  // under an id that was given out again is a service as well.
  void free_unused_symbols(std::span<const SymbolId> others = {});
  [[nodiscard]] Symbols& symbols();
  [[nodiscard]] const Symbols& symbols() const;

  // Never fails: whatever can be wrong with a resource was found by decode. Unknown removals are
  // ignored; equal upserts touch nothing.
  void apply(Delta delta);
  [[nodiscard]] Changes take_changes();

  [[nodiscard]] const Service* find_service(SymbolId key) const;  // nullptr: not known
  [[nodiscard]] const Workload* find_workload(std::string_view uid) const;
  [[nodiscard]] const Workload& workload(WorkloadIndex index) const;
  // The workload of this node that has the address for itself; nullptr: none, or the node's own
  // address (host network).
  [[nodiscard]] const Workload* local_pod(const IpAddress& address) const;
  // All of those, in no order; one with several addresses as often.
  void for_each_local_pod(const std::function<void(const Workload&)>& each) const;
  // Workloads bound to the service, whether or not it is known yet. Unspecified but repeatable
  // order.
  [[nodiscard]] std::span<const WorkloadIndex> endpoints(SymbolId service) const;
  // True when any workload was ever bound to the service, also before a restart
  // (mark_had_workload): an empty service that never had one is left to whoever serves it.
  [[nodiscard]] bool had_workload(SymbolId service) const;
  void mark_had_workload(SymbolId service);

  // The endpoints of the service that are left out for their failures, sorted, each once. Kept when
  // the feed takes services or workloads away and brings them again.
  void set_ejected(SymbolId service, std::vector<EjectedEndpoint> ejected);
  [[nodiscard]] std::span<const EjectedEndpoint> ejected(SymbolId service) const;
  // What its tiers give up for their load, sorted. Kept likewise.
  void set_given(SymbolId service, std::vector<GivenShare> given);
  [[nodiscard]] std::span<const GivenShare> given(SymbolId service) const;

  // From now on clients are asked for their namespace: its own services come first for them, and
  // those of NAMESPACE visibility serve no others.
  void know_namespaces();
  // Addresses and ranges of this node's network that `service` owns, sorted (semantics 2.3:
  // canonical first, then the smallest namespace/hostname; NAMESPACE visibility yields to any
  // PUBLIC).
  [[nodiscard]] std::vector<OwnedAddress> owned(SymbolId service) const;
  // Those of them that are hosts' and served to everyone.
  [[nodiscard]] std::vector<IpAddress> owned_addresses(SymbolId service) const;
  // Who serves an address or a range of this node's network, to whom; sorted.
  [[nodiscard]] std::vector<Serving> serving(const IpAddress& ip, uint8_t length) const;
  [[nodiscard]] std::vector<AddressConflict> conflicts() const;

  // This node: the network, cluster and locality that most of its workloads state, ties to the
  // smallest; the last value stays when the last workload has gone (semantics 2.3).
  [[nodiscard]] const ClientContext& self() const;
  [[nodiscard]] bool self_known() const;
  // The context kept over a restart, used until the feed says otherwise.
  void restore_self(const Place& place);

  [[nodiscard]] size_t service_count() const;
  [[nodiscard]] size_t workload_count() const;
  // Keys of all services and uids of all workloads, each in sorted order.
  [[nodiscard]] std::vector<SymbolId> service_keys() const;
  [[nodiscard]] std::vector<std::string> workload_uids() const;
  // In no order, without the cost of one. `each` must not change the snapshot.
  void for_each_workload(const std::function<void(const Workload&)>& each) const;

  // Same services, workloads and own context; history does not count.
  friend bool operator==(const Snapshot& left, const Snapshot& right);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string to_text(const Snapshot& snapshot);

}  // namespace vicinity::model
