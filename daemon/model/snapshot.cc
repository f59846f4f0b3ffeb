#include "model/snapshot.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <utility>

#include "model/address_claims.h"
#include "model/own_context.h"
#include "model/workload_store.h"

namespace vicinity::model {
namespace {

std::optional<SymbolId> fixed_symbol(const std::optional<std::string>& text, Symbols& symbols) {
  if (!text) return std::nullopt;
  return symbols.intern(*text);
}

FixedContext fixed_context(const ContextOverride& overrides, Symbols& symbols) {
  FixedContext fixed{.network = fixed_symbol(overrides.network, symbols),
                     .cluster = fixed_symbol(overrides.cluster, symbols),
                     .locality = std::nullopt};
  if (overrides.region || overrides.zone || overrides.subzone) {
    fixed.locality = std::tuple(symbols.intern(overrides.region.value_or("")),
                                symbols.intern(overrides.zone.value_or("")),
                                symbols.intern(overrides.subzone.value_or("")));
  }
  return fixed;
}

// The host addresses a service claims, each once.
std::vector<NetworkAddress> claimed(const Service* service) {
  std::vector<NetworkAddress> addresses;
  if (service == nullptr) return addresses;
  for (const ServiceAddress& address : service->addresses) {
    if (address.is_host()) addresses.push_back({address.network, address.ip});
  }
  std::ranges::sort(addresses);
  addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
  return addresses;
}

Claimant claimant(const Service& service, const Symbols& symbols) {
  return {.service = service.key,
          .name = symbols.name(service.key),
          .visibility = service.visibility,
          .canonical = service.canonical};
}

// Whether a table of any service can tell the two apart, their bindings left aside.
bool same_endpoint(const Workload& left, const Workload& right) {
  return left.place == right.place && left.addresses == right.addresses &&
         left.labels == right.labels && left.capacity == right.capacity &&
         left.health == right.health && left.hostname == right.hostname &&
         left.has_network_gateway == right.has_network_gateway &&
         left.host_network == right.host_network;
}

bool has_binding(const Workload& workload, const Binding& binding) {
  return std::ranges::find(workload.bindings, binding) != workload.bindings.end();
}

// Names that a delta brings: their removal in the same delta is no removal.
absl::flat_hash_set<absl::string_view> upserted_names(const Delta& delta, const Symbols& symbols) {
  absl::flat_hash_set<absl::string_view> names;
  if (delta.removed.empty()) return names;
  for (const Service& service : delta.services) {
    const std::string_view name = symbols.name(service.key);
    names.insert({name.data(), name.size()});
  }
  for (const Workload& workload : delta.workloads) names.insert(workload.uid);
  return names;
}

}  // namespace

struct Snapshot::State {
  State(std::string_view node, const ContextOverride& overrides)
      : context(symbols.intern(node), fixed_context(overrides, symbols)) {}

  void touch(SymbolId service);
  void note_context(bool changed);
  void remove(std::string_view name);
  void remove_workload(WorkloadIndex index);
  void remove_service(SymbolId key);
  void upsert(Service service);
  void upsert(Workload workload);
  void replace(WorkloadIndex index, Workload workload);
  void bound(const Workload& workload);
  void change_claims(const Service* before, const Service* after);

  Symbols symbols;
  OwnContext context;
  WorkloadStore workloads;
  absl::flat_hash_map<SymbolId, std::unique_ptr<const Service>> services;
  AddressClaims claims;
  absl::flat_hash_set<SymbolId> had_workload;
  absl::flat_hash_set<SymbolId> touched;
  bool context_changed = false;
};

// Endpoints of a service that is not known yet change no table; its arrival will.
void Snapshot::State::touch(SymbolId service) {
  if (services.contains(service)) touched.insert(service);
}

void Snapshot::State::note_context(bool changed) { context_changed = context_changed || changed; }

void Snapshot::State::remove(std::string_view name) {
  if (const auto index = workloads.find(name)) remove_workload(*index);
  if (const auto key = symbols.find(name)) remove_service(*key);
}

void Snapshot::State::remove_workload(WorkloadIndex index) {
  const Workload& workload = workloads.at(index);
  context.remove(workload.place);
  for (const Binding& binding : workload.bindings) touch(binding.service);
  workloads.erase(index);
}

void Snapshot::State::remove_service(SymbolId key) {
  const auto found = services.find(key);
  if (found == services.end()) return;
  change_claims(found->second.get(), nullptr);
  touched.insert(key);
  services.erase(found);
}

void Snapshot::State::upsert(Service service) {
  const SymbolId key = service.key;
  std::unique_ptr<const Service>& known = services[key];
  if (known != nullptr && *known == service) return;
  auto next = std::make_unique<const Service>(std::move(service));
  change_claims(known.get(), next.get());
  known = std::move(next);
  touched.insert(key);
}

void Snapshot::State::bound(const Workload& workload) {
  for (const Binding& binding : workload.bindings) had_workload.insert(binding.service);
}

void Snapshot::State::upsert(Workload workload) {
  if (const auto index = workloads.find(workload.uid)) {
    replace(*index, std::move(workload));
    return;
  }
  context.add(workload.place);
  bound(workload);
  for (const Binding& binding : workload.bindings) touch(binding.service);
  workloads.insert(std::move(workload));
}

void Snapshot::State::replace(WorkloadIndex index, Workload workload) {
  const Workload& old = workloads.at(index);
  if (old == workload) return;
  context.remove(old.place);
  context.add(workload.place);
  bound(workload);
  const bool same = same_endpoint(old, workload);
  for (const Binding& binding : old.bindings) {
    if (!same || !has_binding(workload, binding)) touch(binding.service);
  }
  for (const Binding& binding : workload.bindings) {
    if (!same || !has_binding(old, binding)) touch(binding.service);
  }
  workloads.replace(index, std::move(workload));
}

// Takes the claims of `before` out and those of `after` in (either may be absent), and touches
// whoever loses or gains an address of this node's network by that.
void Snapshot::State::change_claims(const Service* before, const Service* after) {
  const std::vector<NetworkAddress> old_addresses = claimed(before);
  const std::vector<NetworkAddress> new_addresses = claimed(after);
  std::vector<NetworkAddress> affected;
  std::ranges::set_union(old_addresses, new_addresses, std::back_inserter(affected));
  std::erase_if(affected, [this](const NetworkAddress& address) {
    return address.network != context.client().place.network;
  });
  std::vector<std::optional<SymbolId>> owners;
  owners.reserve(affected.size());
  for (const NetworkAddress& address : affected) owners.push_back(claims.owner(address));

  for (const NetworkAddress& address : old_addresses) claims.remove(address, before->key);
  for (const NetworkAddress& address : new_addresses) {
    claims.add(address, claimant(*after, symbols));
  }
  for (size_t i = 0; i < affected.size(); ++i) {
    const auto owner = claims.owner(affected[i]);
    if (owner == owners[i]) continue;
    if (owners[i]) touch(*owners[i]);
    if (owner) touch(*owner);
  }
}

Snapshot::Snapshot(std::string_view node, ContextOverride overrides)
    : state_(std::make_unique<State>(node, overrides)) {}
Snapshot::~Snapshot() = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;

Symbols& Snapshot::symbols() { return state_->symbols; }
const Symbols& Snapshot::symbols() const { return state_->symbols; }

void Snapshot::apply(Delta delta) {
  const auto upserted = upserted_names(delta, state_->symbols);
  for (const std::string& name : delta.removed) {
    if (!upserted.contains(name)) state_->remove(name);
  }
  for (Service& service : delta.services) state_->upsert(std::move(service));
  for (Workload& workload : delta.workloads) state_->upsert(std::move(workload));
  state_->note_context(state_->context.refresh(state_->symbols));
}

Changes Snapshot::take_changes() {
  Changes changes{.services = {}, .context_changed = state_->context_changed};
  if (changes.context_changed) {
    for (const auto& [key, service] : state_->services) state_->touched.insert(key);
  }
  changes.services.assign(state_->touched.begin(), state_->touched.end());
  std::ranges::sort(changes.services);
  state_->touched.clear();
  state_->context_changed = false;
  return changes;
}

const Service* Snapshot::find_service(SymbolId key) const {
  const auto found = state_->services.find(key);
  return found == state_->services.end() ? nullptr : found->second.get();
}

const Workload* Snapshot::find_workload(std::string_view uid) const {
  const auto index = state_->workloads.find(uid);
  return index ? &state_->workloads.at(*index) : nullptr;
}

const Workload& Snapshot::workload(WorkloadIndex index) const {
  return state_->workloads.at(index);
}

std::span<const WorkloadIndex> Snapshot::endpoints(SymbolId service) const {
  return state_->workloads.endpoints(service);
}

bool Snapshot::had_workload(SymbolId service) const {
  return state_->had_workload.contains(service);
}

void Snapshot::mark_had_workload(SymbolId service) {
  if (state_->had_workload.insert(service).second) state_->touch(service);
}

std::vector<IpAddress> Snapshot::owned_addresses(SymbolId service) const {
  std::vector<IpAddress> owned;
  for (const NetworkAddress& address : claimed(find_service(service))) {
    const bool here = address.network == self().place.network;
    if (here && state_->claims.owner(address) == service) owned.push_back(address.ip);
  }
  return owned;
}

std::vector<AddressConflict> Snapshot::conflicts() const {
  std::vector<AddressConflict> conflicts;
  const SymbolId network = self().place.network;
  for (const IpAddress& ip : state_->claims.contested(network)) {
    const auto claimants = state_->claims.claimants({network, ip});
    std::vector<Claimant> others(claimants.begin() + 1, claimants.end());
    std::ranges::sort(others, {}, &Claimant::name);
    AddressConflict& conflict = conflicts.emplace_back();
    conflict.address = ip;
    conflict.owner = claimants.front().service;
    for (const Claimant& other : others) conflict.others.push_back(other.service);
  }
  return conflicts;
}

const ClientContext& Snapshot::self() const { return state_->context.client(); }
bool Snapshot::self_known() const { return state_->context.known(); }

void Snapshot::restore_self(const Place& place) {
  const ClientContext before = self();
  state_->context.restore(place, state_->symbols);
  state_->note_context(self() != before);
}

size_t Snapshot::service_count() const { return state_->services.size(); }
size_t Snapshot::workload_count() const { return state_->workloads.size(); }

std::vector<SymbolId> Snapshot::service_keys() const {
  std::vector<SymbolId> keys;
  keys.reserve(service_count());
  for (const auto& [key, service] : state_->services) keys.push_back(key);
  std::ranges::sort(keys, {}, [this](SymbolId key) { return symbols().name(key); });
  return keys;
}

std::vector<std::string> Snapshot::workload_uids() const {
  std::vector<std::string> uids;
  uids.reserve(workload_count());
  for (const WorkloadIndex index : state_->workloads.sorted()) uids.push_back(workload(index).uid);
  return uids;
}

void Snapshot::for_each_workload(const std::function<void(const Workload&)>& each) const {
  state_->workloads.for_each(each);
}

bool operator==(const Snapshot& left, const Snapshot& right) {
  return to_text(left) == to_text(right);
}

}  // namespace vicinity::model
