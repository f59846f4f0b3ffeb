#include "model/snapshot_state.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

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

Claimant claimant(const Service& service, const Symbols& symbols) {
  return {.service = service.key,
          .name_space = service.name_space,
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

// Whether a policy can tell the two apart as clients.
bool same_client(const Workload& left, const Workload& right) {
  return left.place == right.place && left.labels == right.labels &&
         left.name_space == right.name_space && left.canonical_name == right.canonical_name &&
         left.canonical_revision == right.canonical_revision && left.bindings == right.bindings &&
         left.addresses.empty() == right.addresses.empty();
}

bool has_binding(const Workload& workload, const Binding& binding) {
  return std::ranges::find(workload.bindings, binding) != workload.bindings.end();
}

}  // namespace

std::vector<ServiceAddress> claimed_addresses(const Service* service) {
  std::vector<ServiceAddress> addresses;
  if (service == nullptr) return addresses;
  for (const ServiceAddress& address : service->addresses) {
    addresses.push_back({address.network, masked(address.ip, address.length), address.length});
  }
  std::ranges::sort(addresses);
  addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
  return addresses;
}

Snapshot::State::State(std::string_view node, const ContextOverride& overrides)
    : context(symbols.intern(node), fixed_context(overrides, symbols)) {}

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
  pods_changed = pods_changed || is_local_pod(workload);
  forget_local(index);
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

// Finding a workload is three lines of memory, one behind the other, and each in no cache: those of
// several workloads are fetched at the same time.
void Snapshot::State::upsert(std::vector<Workload> more) {
  constexpr size_t kAtOnce = 16;
  std::array<std::optional<WorkloadIndex>, kAtOnce> found;
  for (size_t first = 0; first < more.size(); first += kAtOnce) {
    const std::span part = std::span(more).subspan(first, std::min(kAtOnce, more.size() - first));
    for (const Workload& workload : part) workloads.prefetch(workload.uid);
    std::ranges::transform(part, found.begin(),
                           [&](const Workload& workload) { return workloads.find(workload.uid); });
    for (size_t i = 0; i < part.size(); ++i) upsert(std::move(part[i]), found[i]);
  }
}

// `index`: where it was found before others came.
void Snapshot::State::upsert(Workload workload, std::optional<WorkloadIndex> index) {
  if (!index) index = workloads.find(workload.uid);
  if (index) {
    replace(*index, std::move(workload));
    return;
  }
  context.add(workload.place);
  bound(workload);
  for (const Binding& binding : workload.bindings) touch(binding.service);
  pods_changed = pods_changed || is_local_pod(workload);
  note_local(workloads.insert(std::move(workload)));
}

bool Snapshot::State::is_local_pod(const Workload& workload) const {
  return !workload.host_network && workload.place.node == context.client().place.node;
}

// A new pod may have the address before the old one is gone: it keeps it.
void Snapshot::State::note_local(WorkloadIndex index) {
  const Workload& workload = workloads.at(index);
  if (!is_local_pod(workload)) return;
  for (const IpAddress& address : workload.addresses) local_pods[address] = index;
}

void Snapshot::State::forget_local(WorkloadIndex index) {
  for (const IpAddress& address : workloads.at(index).addresses) {
    const auto found = local_pods.find(address);
    if (found != local_pods.end() && found->second == index) local_pods.erase(found);
  }
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
  const bool local = is_local_pod(old) || is_local_pod(workload);
  const bool told_apart =
      is_local_pod(old) != is_local_pod(workload) || !same_client(old, workload);
  pods_changed = pods_changed || (local && told_apart);
  forget_local(index);
  workloads.replace(index, std::move(workload));
  note_local(index);
}

// Takes the claims of `before` out and those of `after` in (either may be absent), and touches
// whoever loses or gains clients at an address of this node's network by that.
void Snapshot::State::change_claims(const Service* before, const Service* after) {
  const std::vector<ServiceAddress> old_addresses = claimed_addresses(before);
  const std::vector<ServiceAddress> new_addresses = claimed_addresses(after);
  std::vector<ServiceAddress> affected;
  std::ranges::set_union(old_addresses, new_addresses, std::back_inserter(affected));
  std::erase_if(affected, [this](const ServiceAddress& address) {
    return address.network != context.client().place.network;
  });
  std::vector<std::vector<Serving>> serving;
  serving.reserve(affected.size());
  for (const ServiceAddress& address : affected) {
    serving.push_back(claims.serving(address, namespaces));
  }

  for (const ServiceAddress& address : old_addresses) claims.remove(address, before->key);
  for (const ServiceAddress& address : new_addresses) {
    claims.add(address, claimant(*after, symbols));
  }
  for (size_t i = 0; i < affected.size(); ++i) {
    std::vector<Serving> differing;
    std::ranges::set_symmetric_difference(serving[i], claims.serving(affected[i], namespaces),
                                          std::back_inserter(differing));
    for (const Serving& one : differing) touch(one.service);
  }
}

void Snapshot::State::know_namespaces() {
  namespaces = Namespaces::kKnown;
  for (const auto& [key, service] : services) touched.insert(key);
}

// A service that is gone, workloads and all, comes back as a new one, as it does after a restart.
// Its ejections stay: they end by themselves.
void Snapshot::State::forget_histories() {
  absl::erase_if(had_workload, [this](SymbolId service) {
    return !services.contains(service) && workloads.endpoints(service).empty();
  });
}

// Claims are of services, and endpoint lists of workloads: they have no names of their own.
void Snapshot::State::add_uses(SymbolUses& uses) const {
  context.add_uses(uses);
  workloads.add_uses(uses);
  for (const auto& [key, service] : services) uses.add(*service);
  uses.add_keys(had_workload);
  uses.add_keys(ejected);
  uses.add_keys(given);
  uses.add_keys(touched);
}

}  // namespace vicinity::model
