// The first half of a publish: everything a service's new table needs is allocated and written
// where no hook looks yet, so that it can be taken back whole.
#include <absl/algorithm/container.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/status.h"
#include "compile/choices.h"
#include "dataplane/publisher.h"

namespace vicinity::dataplane {
namespace {

using compile::PortTable;
using compile::ServiceTable;
using model::Family;

uint64_t wanted_slots(const ServiceTable& table, Family family) {
  uint64_t slots = 0;
  for (const PortTable& port : table.ports) {
    if (port.family == family) slots += port.slots.size();
  }
  return slots;
}

uint64_t wanted_slots(const ServiceTable& table) {
  return wanted_slots(table, Family::kIpv4) + wanted_slots(table, Family::kIpv6);
}

// What the ABI cannot say.
absl::Status representable(const PortTable& port) {
  if (port.port == 0) return base::invalid("port 0");
  VIC_RETURN_IF_ERROR(policy::check(port.algorithm));
  if (port.tiers.size() > VIC_MAX_TIERS) {
    return base::invalid("port {}: {} tiers, at most {} are possible", port.port, port.tiers.size(),
                         static_cast<int>(VIC_MAX_TIERS));
  }
  if (port.loaded > port.slots.size()) {
    return base::invalid("port {}: {} loaded slots of {}", port.port, port.loaded,
                         port.slots.size());
  }
  const bool tiers_exist = absl::c_all_of(
      port.slots, [&](const compile::Slot& slot) { return slot.tier < port.tiers.size(); });
  if (!tiers_exist) return base::invalid("port {}: a slot of no tier", port.port);
  return absl::OkStatus();
}

absl::Status representable(const ServiceTable& table) {
  for (const model::IpAddress& address : table.addresses) {
    if (address.bytes == model::IpAddress{}.bytes) {
      return base::invalid("{} is no service address", address.to_string());
    }
  }
  for (const model::OwnedAddress& one : table.scoped) {
    if (one.length > model::family_bits(one.ip.family)) {
      return base::invalid("{}/{} is no range", one.ip.to_string(), one.length);
    }
  }
  for (const PortTable& port : table.ports) VIC_RETURN_IF_ERROR(representable(port));
  return absl::OkStatus();
}

Unpublished arena_full(const ServiceTable& table, uint64_t used, uint64_t capacity) {
  return {.table = &table,
          .status = base::exhausted("service {}: publish {} slots: arena full ({} of {})",
                                    table.name, wanted_slots(table), used, capacity)};
}

Unpublished no_room(const ServiceTable& table, std::string_view what, Usage usage) {
  return {.table = &table,
          .status = base::exhausted("service {}: publish {} slots: {} full ({} of {})", table.name,
                                    wanted_slots(table), what, usage.used, usage.capacity)};
}

bool needs_realm(const ServiceTable& table) {
  return absl::c_any_of(table.scoped, [](const model::OwnedAddress& one) {
    return one.audience == model::Audience::kOwnNamespace;
  });
}

}  // namespace

Publisher::Staged Publisher::compare(const ServiceTable& table) const {
  Staged compared = {.table = &table, .old = nullptr, .same = {}, .next = {}, .fresh = {}};
  compared.next.addresses = front_addresses(table);
  if (const auto found = services_.find(table.name); found != services_.end()) {
    compared.old = const_cast<PublishedService*>(&found->second);
  }
  for (const PortTable& port : table.ports) {
    compared.same.push_back(compared.old == nullptr ? nullptr : find_same(*compared.old, port));
  }
  return compared;
}

std::optional<Unpublished> Publisher::stage(Staged service, Batch& batch) {
  if (auto refusal = refuse(service, batch.new_services)) return refusal;
  if (auto failed = stage_scope(service)) return failed;
  if (auto failed = stage_head(service)) return failed;
  for (size_t i = 0; i < service.table->ports.size(); ++i) {
    if (auto failed = stage_port(i, service)) {
      unstage(service);
      return failed;
    }
  }
  if (auto failed = stage_frontends(service)) {
    unstage(service);
    return failed;
  }
  for (const Family family : kFamilies) {
    at(family).slots += slots_of(service.next, family);
    if (service.old != nullptr) at(family).slots -= slots_of(*service.old, family);
  }
  choice_lines_ += choice_lines_of(service.next);
  if (service.old != nullptr) choice_lines_ -= choice_lines_of(*service.old);
  if (service.old == nullptr) ++batch.new_services;
  batch.staged.push_back(std::move(service));
  return std::nullopt;
}

std::optional<Unpublished> Publisher::refuse(const Staged& staged, size_t new_services) const {
  const ServiceTable& table = *staged.table;
  const PublishedService* old = staged.old;
  if (const absl::Status status = representable(table); !status.ok()) {
    return Unpublished{.table = &table,
                       .status = base::invalid("service {}: publish {} slots: {}", table.name,
                                               wanted_slots(table), base::message(status))};
  }
  const uint64_t services = services_.size() + new_services;
  if (limits_.services != 0 && old == nullptr && services >= limits_.services) {
    return no_room(table, "services", {.used = services, .capacity = limits_.services});
  }
  for (const Family family : kFamilies) {
    const uint64_t replaced = old == nullptr ? 0 : slots_of(*old, family);
    const uint64_t others = slots(family) - replaced;
    if (limits_.slots != 0 && others + wanted_slots(table, family) > limits_.slots) {
      return arena_full(table, slots(family), limits_.slots);
    }
  }
  return refuse_choices(staged);
}

std::vector<FrontAddress> Publisher::front_addresses(const ServiceTable& table) const {
  std::vector<FrontAddress> addresses;
  for (const model::IpAddress& ip : table.addresses) addresses.push_back({.ip = ip});
  for (const model::OwnedAddress& one : table.scoped) {
    const bool everyone = one.audience == model::Audience::kEveryone;
    addresses.push_back(front_address(
        one, everyone ? uint16_t{VIC_REALM_EVERYONE} : realms_->find(namespace_of(table.name))));
  }
  absl::c_sort(addresses);
  return addresses;
}

// Without a realm its own addresses would pass for everyone's.
bool Publisher::lacks_realm(const ServiceTable& table) const {
  return needs_realm(table) && realms_->find(namespace_of(table.name)) == VIC_REALM_EVERYONE;
}

// Before anything is asked for its addresses.
void Publisher::assign_realms(const compile::Diff& diff) {
  for (const ServiceTable& table : diff.upserts) {
    // None left: stage_scope() refuses the service.
    if (needs_realm(table)) (void)realms_->assign(namespace_of(table.name));
  }
}

// Ranges: nothing is entered into the tries before its entries are there, so room is asked for now.
std::optional<Unpublished> Publisher::stage_scope(const Staged& staged) const {
  const ServiceTable& table = *staged.table;
  if (lacks_realm(table)) {
    return Unpublished{.table = &table,
                       .status = base::exhausted("service {}: {} namespaces have addresses of "
                                                 "their own, one more",
                                                 table.name, int{Realms::kMost})};
  }
  for (const FrontAddress& address : staged.next.addresses) {
    if (!address.is_range() || ranges_.contains(address)) continue;
    if (ranges_.has_room(address.ip.family)) continue;
    return no_room(table, "ranges", {.used = Ranges::kMost, .capacity = Ranges::kMost});
  }
  return std::nullopt;
}

std::optional<Unpublished> Publisher::stage_head(Staged& staged) {
  const ServiceTable& table = *staged.table;
  if (staged.old != nullptr) {
    staged.next.head = staged.old->head;
    staged.next.counter_row = staged.old->counter_row;
    return std::nullopt;
  }
  const auto head = records_.allocate();
  if (!head || !records_.store_name(records_.at(*head), table.name)) {
    if (head) records_.release(*head);
    Unpublished failed =
        no_room(table, "records", {.used = records_.used(), .capacity = records_.capacity()});
    failed.shortage = Shortage::kRecords;
    return failed;
  }
  publish(records_.at(*head).flags, VIC_SERVICE_USED | VIC_SERVICE_HEAD);
  staged.next.head = *head;
  return std::nullopt;
}

std::optional<Unpublished> Publisher::stage_port(size_t index, Staged& staged) {
  if (const PublishedPort* same = staged.same[index]) {
    staged.next.ports.push_back(*same);
    return std::nullopt;
  }
  const PortTable& table = staged.table->ports[index];
  PublishedPort port = {.port = table.port, .family = table.family, .record = 0};
  const auto record = records_.allocate();
  if (!record) {
    Unpublished failed = no_room(*staged.table, "records",
                                 {.used = records_.used(), .capacity = records_.capacity()});
    failed.shortage = Shortage::kRecords;
    return failed;
  }
  Arena& arena = arena_of(table.family, table.has_aliases());
  const auto slots =
      allocate_slots(arena, table.loaded, static_cast<uint32_t>(table.slots.size()) - table.loaded);
  if (!slots) {
    records_.release(*record);
    Unpublished failed = arena_full(*staged.table, arena.used(), arena.capacity());
    failed.shortage = table.has_aliases() ? Shortage::kAliasedSlots : Shortage::kPlainSlots;
    failed.family = table.family;
    return failed;
  }
  TableSpot spot = {
      .record = *record, .slots = *slots, .choices = {}, .counter_row = staged.next.counter_row};
  if (auto failed = stage_choice(table, staged, spot)) {
    release_slots(arena, spot.slots);
    records_.release(*record);
    return failed;
  }
  store_slots(memory_, table, spot);
  work_.slots += table.slots.size();
  ++work_.records;
  vic_service& written = records_.at(*record);
  const vic_service& head = records_.at(staged.next.head);
  store_record(written, table, spot);
  std::memcpy(written.name, head.name, sizeof(written.name));
  written.name_length = head.name_length;
  written.more = head.more;
  publish(written.flags, record_flags(table));
  port.record = *record;
  staged.next.ports.push_back(port);
  staged.fresh.push_back(port);
  return std::nullopt;
}

std::optional<Unpublished> Publisher::stage_frontends(const Staged& staged) {
  for (const FrontAddress& address : staged.next.addresses) {
    FrontendTable& frontends = at(address.ip.family).frontends;
    const auto place = [&](uint16_t port) {
      const FrontendKey key = frontend_key(address, port);
      return frontends.view(key) != 0 || frontends.place(key, staged.next.head);
    };
    bool placed = place(0);
    for (const PublishedPort& port : staged.next.ports) {
      placed = placed && (port.family != address.ip.family || place(port.port));
    }
    if (placed) continue;
    Unpublished failed = no_room(*staged.table, "frontend table",
                                 {.used = frontends.used(), .capacity = frontends.capacity()});
    failed.shortage = Shortage::kFrontends;
    failed.family = address.ip.family;
    return failed;
  }
  return std::nullopt;
}

// Nobody saw any of it. Entries without a view are reclaimed like others: their keys were visible.
void Publisher::unstage(const Staged& staged) {
  for (const PublishedPort& port : staged.fresh) {
    const vic_service& record = records_.at(port.record);
    release_slots(arena_of(record), blocks_of(record));
    release_choice({.first = record.choices, .count = record.choice_lines});
    records_.release(port.record);
  }
  for (const FrontAddress& address : staged.next.addresses) {
    const FrontendTable& frontends = at(address.ip.family).frontends;
    const auto take_back = [&](uint16_t port) {
      const FrontendKey key = frontend_key(address, port);
      if (frontends.view(key) == 0) retire_entry(address.ip.family, key, staged.next.head);
    };
    take_back(0);
    for (const PublishedPort& port : staged.next.ports) {
      if (port.family == address.ip.family) take_back(port.port);
    }
  }
  if (staged.old != nullptr) return;
  records_.release_name(records_.at(staged.next.head));
  records_.release(staged.next.head);
}

const PublishedService* Publisher::find(std::string_view service) const {
  auto found = services_.find(service);
  return found == services_.end() ? nullptr : &found->second;
}

const PublishedPort* Publisher::find_same(const PublishedService& service,
                                          const PortTable& table) const {
  for (const PublishedPort& port : service.ports) {
    if (port.port != table.port || port.family != table.family) continue;
    return holds(memory_, records_.at(port.record), table) ? &port : nullptr;
  }
  return nullptr;
}

bool Publisher::is_published(const ServiceTable& table) const {
  return is_published(compare(table));
}

bool Publisher::is_published(const Staged& compared) const {
  return compared.old != nullptr && !lacks_realm(*compared.table) &&
         compared.old->addresses == compared.next.addresses &&
         compared.old->ports.size() == compared.same.size() &&
         !absl::c_linear_search(compared.same, nullptr);
}

uint64_t Publisher::slots_of(const PublishedService& service, Family family) const {
  uint64_t slots = 0;
  for (const PublishedPort& port : service.ports) {
    if (port.family == family) slots += records_.at(port.record).total;
  }
  return slots;
}

uint64_t Publisher::view_word(const PublishedPort& port) const {
  return word_of(view_of(records_.at(port.record), port.record));
}

Demand Publisher::demand(const compile::Diff& diff) const {
  Demand demand = {.records = records_.used(),
                   .choice_lines = choices_.used(),
                   .affinity = false,
                   .watch = false,
                   .families = {}};
  for (const Family family : kFamilies) {
    const FamilyTables& tables = tables_[index_of(family)];
    demand.families[index_of(family)] = {.plain_slots = tables.plain.used(),
                                         .aliased_slots = tables.aliased.used(),
                                         .frontends = tables.frontends.used()};
  }
  for (const ServiceTable& table : diff.upserts) {
    demand.records += 1 + table.ports.size() + table.name.size() / VIC_NAME_CHARS;
    for (const PortTable& port : table.ports) {
      Demand::Family& family = demand.families[index_of(port.family)];
      (port.has_aliases() ? family.aliased_slots : family.plain_slots) += port.slots.size();
      demand.choice_lines += compile::choice_lines(port);
      demand.affinity |= port.algorithm.affinity_timeout_s > 0;
      demand.watch |= port.watch.has_value();
    }
    if (find(table.name) != nullptr) continue;
    for (const FrontAddress& address : front_addresses(table)) {
      demand.families[index_of(address.ip.family)].frontends += 1 + table.ports.size();
    }
  }
  return demand;
}

}  // namespace vicinity::dataplane
