// What a Snapshot is made of and how one resource changes it. Owned by the Snapshot, control
// thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "model/address_claims.h"
#include "model/own_context.h"
#include "model/snapshot.h"
#include "model/workload_store.h"

namespace vicinity::model {

// The addresses and ranges a service claims, each once, sorted; none for nullptr.
[[nodiscard]] std::vector<ServiceAddress> claimed_addresses(const Service* service);

struct Snapshot::State {
  State(std::string_view node, const ContextOverride& overrides);

  void touch(SymbolId service);
  void note_context(bool changed);
  void remove(std::string_view name);
  void remove_workload(WorkloadIndex index);
  void remove_service(SymbolId key);
  void upsert(Service service);
  void upsert(std::vector<Workload> workloads);
  void upsert(Workload workload, std::optional<WorkloadIndex> index);
  void replace(WorkloadIndex index, Workload workload);
  void bound(const Workload& workload);
  [[nodiscard]] bool is_local_pod(const Workload& workload) const;
  void note_local(WorkloadIndex index);
  void forget_local(WorkloadIndex index);
  void change_claims(const Service* before, const Service* after);
  void know_namespaces();
  void forget_histories();
  void add_uses(SymbolUses& uses) const;

  Symbols symbols;
  OwnContext context;
  WorkloadStore workloads;
  absl::flat_hash_map<SymbolId, std::unique_ptr<const Service>> services;
  AddressClaims claims;
  absl::flat_hash_map<IpAddress, WorkloadIndex> local_pods;
  absl::flat_hash_set<SymbolId> had_workload;
  absl::flat_hash_map<SymbolId, std::vector<EjectedEndpoint>> ejected;
  absl::flat_hash_map<SymbolId, std::vector<GivenShare>> given;
  absl::flat_hash_set<SymbolId> touched;
  Namespaces namespaces = Namespaces::kUnknown;
  bool context_changed = false;
  bool pods_changed = false;
};

}  // namespace vicinity::model
