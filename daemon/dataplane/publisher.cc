#include "dataplane/publisher.h"

#include <absl/algorithm/container.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

using compile::ServiceTable;
using model::Family;

bool has_entry(const PublishedService& service, const FrontAddress& address, uint16_t port) {
  if (!absl::c_binary_search(service.addresses, address)) return false;
  return port == 0 || absl::c_any_of(service.ports, [&](const PublishedPort& other) {
           return other.port == port && other.family == address.ip.family;
         });
}

// Calls `visit(key, port)` for the entries of one address; port is nullptr for port 0.
template <class Visit>
void for_each_entry(const PublishedService& service, const FrontAddress& address, Visit visit) {
  visit(frontend_key(address, 0), static_cast<const PublishedPort*>(nullptr));
  for (const PublishedPort& port : service.ports) {
    if (port.family == address.ip.family) visit(frontend_key(address, port.port), &port);
  }
}

}  // namespace

Publisher::FamilyTables::FamilyTables(Family family, const Memory& memory)
    : frontends(family, memory), prefixes(family, memory.config[index_of(family)]) {
  const auto aliased_end = static_cast<uint32_t>(memory.aliases[index_of(family)].size());
  const uint32_t end = slots_in(memory, family);
  // Slot 0 is never used, with or without an alias.
  aliased = Arena({.first = 1, .count = aliased_end - 1});
  plain = Arena({.first = aliased_end, .count = end - aliased_end});
}

Publisher::Publisher(const Environment& environment)
    : memory_(environment.memory),
      reclaimer_(environment.reclaimer),
      counters_(environment.counters),
      limits_(environment.limits),
      realms_(environment.realms),
      ranges_(environment.range_maps, environment.memory),
      records_(environment.memory.services),
      tables_{FamilyTables(Family::kIpv4, environment.memory),
              FamilyTables(Family::kIpv6, environment.memory)},
      choices_({.first = 1, .count = static_cast<uint32_t>(environment.memory.choices.size()) - 1}),
      active_(environment.memory.active),
      watches_(environment.memory.watched),
      first_turn_(environment.first_turn) {}

void Publisher::format() {
  for (FamilyTables& tables : tables_) tables.frontends.format();
}

compile::Tables Publisher::read_all() const {
  compile::Tables tables;
  for (const auto& [name, service] : services_) {
    tables.services.emplace(name, load_service(memory_, name, service));
  }
  return tables;
}

void Publisher::for_each_heading(const Dataplane::TakeHeading& take) const {
  for (const auto& [name, service] : services_) take(load_heading(memory_, name, service));
}

std::optional<ServiceTable> Publisher::read(std::string_view service) const {
  const PublishedService* found = find(service);
  if (found == nullptr) return std::nullopt;
  return load_service(memory_, std::string(service), *found);
}

// The order: entries that exist are pointed to their new tables, then entries are added, then those
// that nobody wants any more are taken out. So an address that changes hands always has an owner.
PublishResult Publisher::apply(const compile::Diff& diff) {
  PublishResult result;
  assign_realms(diff);
  std::vector<Staged> wanted;
  for (const ServiceTable& table : diff.upserts) {
    Staged compared = compare(table);
    if (!is_published(compared)) wanted.push_back(std::move(compared));
  }
  const FamilyKeys fresh = prepare_frontends(wanted);
  Batch batch;
  for (Staged& service : wanted) {
    if (auto failed = stage(std::move(service), batch)) {
      result.unpublished.push_back(*std::move(failed));
    }
  }
  inherited_turns_.clear();
  publish_entries(batch.staged);
  commit(batch.staged);
  result.published = batch.staged.size();
  for (const std::string& name : diff.removals) {
    if (find(name) == nullptr) continue;
    remove(name);
    ++result.removed;
  }
  if (!result.unpublished.empty()) retire_unowned(fresh);
  collect_leftovers();
  counters_->publish_rows();
  if (!retired_.empty()) reclaimer_->close_ticket();
  return result;
}

std::vector<FrontendKey> Publisher::keys_of(const Staged& staged, const FrontAddress& address) {
  std::vector<FrontendKey> keys = {frontend_key(address, 0)};
  for (const compile::PortTable& port : staged.table->ports) {
    if (port.family == address.ip.family) keys.push_back(frontend_key(address, port.port));
  }
  return keys;
}

// Many new addresses at once go into a table of the right size; one by one they would pass through
// all sizes.
Publisher::FamilyKeys Publisher::prepare_frontends(const std::vector<Staged>& wanted) {
  FamilyKeys fresh;
  const auto note = [&](const Staged& service, const FrontAddress& address) {
    const FrontendTable& frontends = at(address.ip.family).frontends;
    absl::c_copy_if(keys_of(service, address),
                    std::back_inserter(fresh[index_of(address.ip.family)]),
                    [&](const FrontendKey& key) { return frontends.find(key) == nullptr; });
  };
  for (const Staged& service : wanted) {
    for (const FrontAddress& address : service.next.addresses) note(service, address);
  }
  for (const Family family : kFamilies) at(family).frontends.prepare(fresh[index_of(family)]);
  return fresh;
}

void Publisher::publish_entries(const std::vector<Staged>& staged) {
  std::vector<const PublishedService*> incomplete;
  for (const Staged& service : staged) {
    if (!publish_addresses(service.next, Pass::kRepoint)) incomplete.push_back(&service.next);
  }
  for (const PublishedService* service : incomplete) publish_addresses(*service, Pass::kInsert);
}

bool Publisher::publish_addresses(const PublishedService& service, Pass pass) {
  bool complete = true;
  for (const FrontAddress& address : service.addresses) {
    complete &= publish_address(service, address, pass);
  }
  return complete;
}

bool Publisher::publish_address(const PublishedService& service, const FrontAddress& address,
                                Pass pass) {
  FamilyTables& tables = at(address.ip.family);
  bool complete = true;
  for_each_entry(service, address, [&](const FrontendKey& key, const PublishedPort* port) {
    FrontendEntry* entry = tables.frontends.find_in_use(key);
    const uint64_t current = entry == nullptr ? 0 : tables.frontends.view(*entry);
    const bool is_turn = entry != nullptr && (current == 0) == (pass == Pass::kInsert);
    complete &= is_turn;
    if (!is_turn) return;
    const uint64_t view =
        port != nullptr ? view_word(*port) : word_of(unknown_port_view(service.head));
    entry->owner = service.head;
    if (current == view) return;
    if (pass == Pass::kInsert) tables.prefixes.add(address.ip);
    tables.frontends.set_view(key, *entry, view);
    ++work_.entries;
  });
  return complete;
}

// All of them have their new addresses before any address is taken from another service.
void Publisher::commit(std::vector<Staged>& staged) {
  std::vector<PublishedService> replaced(staged.size());
  for (size_t i = 0; i < staged.size(); ++i) {
    if (staged[i].old != nullptr) replaced[i] = std::exchange(*staged[i].old, staged[i].next);
  }
  // Where services_ grows, what it has moves.
  for (const Staged& service : staged) {
    if (service.old != nullptr) continue;
    names_.insert_or_assign(service.next.head, service.table->name);
    services_.insert_or_assign(service.table->name, service.next);
  }
  for (const Staged& service : staged) {
    for (const FrontAddress& address : service.next.addresses) {
      take_address(address, service.next.head);
    }
    enter_ranges(service.next);
  }
  for (size_t i = 0; i < staged.size(); ++i) retire_replaced(replaced[i], staged[i].next);
}

// A service that stays but was published without this address loses it to whoever has it now.
void Publisher::take_address(const FrontAddress& address, uint32_t head) {
  const uint32_t previous = std::exchange(owners_[address], head);
  if (previous == 0 || previous == head) return;
  PublishedService& loser = services_.at(names_.at(previous));
  if (!absl::c_linear_search(loser.addresses, address)) return;
  retire_address(loser, address);
  std::erase(loser.addresses, address);
  const Family family = address.ip.family;
  const bool keeps_family =
      absl::c_any_of(loser.addresses, [&](const auto& other) { return other.ip.family == family; });
  if (keeps_family) return;
  at(family).slots -= slots_of(loser, family);
  for (const PublishedPort& port : loser.ports) {
    if (port.family != family) continue;
    choice_lines_ -= records_.at(port.record).choice_lines;
    retire_port(port);
  }
  std::erase_if(loser.ports, [&](const auto& port) { return port.family == family; });
}

// All entries have their views.
void Publisher::enter_ranges(const PublishedService& service) {
  for (const FrontAddress& address : service.addresses) {
    if (!address.is_range()) continue;
    if (const absl::Status status = ranges_.insert(address); !status.ok()) {
      spdlog::error("service {}: {}", names_.at(service.head), base::message(status));
    }
  }
}

void Publisher::retire_replaced(const PublishedService& old, const PublishedService& next) {
  for (const FrontAddress& address : old.addresses) {
    if (!absl::c_binary_search(next.addresses, address)) {
      retire_address(old, address);
      continue;
    }
    for_each_entry(old, address, [&](const FrontendKey& key, const PublishedPort* port) {
      if (has_entry(next, address, port == nullptr ? 0 : port->port)) return;
      retire_entry(address.ip.family, key, next.head);
    });
  }
  for (const PublishedPort& port : old.ports) {
    if (!absl::c_linear_search(next.ports, port)) retire_port(port);
  }
}

void Publisher::retire_port(const PublishedPort& port) {
  vic_service& record = records_.at(port.record);
  const bool aliased = (record.flags & VIC_SERVICE_ALIASES) != 0;
  publish(record.flags, 0);
  retire(RetiredSlots{.family = port.family, .blocks = blocks_of(record), .aliased = aliased});
  if (record.choice_lines > 0) {
    retire(RetiredChoice{.block = {.first = record.choices, .count = record.choice_lines}});
  }
  retire(RetiredRecord{.record = port.record});
}

void Publisher::retire_address(const PublishedService& service, const FrontAddress& address) {
  RetiredRange range = {.address = address, .keys = {}, .head = service.head};
  for_each_entry(service, address,
                 [&](const FrontendKey& key, const PublishedPort*) { range.keys.push_back(key); });
  at(address.ip.family).prefixes.remove();
  if (auto owner = owners_.find(address); owner != owners_.end() && owner->second == service.head) {
    owners_.erase(owner);
    if (address.is_range()) ranges_.erase(address);
  }
  if (address.is_range()) return retire(std::move(range));
  for (const FrontendKey& key : range.keys) retire_entry(address.ip.family, key, service.head);
}

// Only if it is still this service's.
void Publisher::retire_entry(Family family, const FrontendKey& key, uint32_t head) {
  FrontendTable& frontends = at(family).frontends;
  const FrontendEntry* entry = frontends.find(key);
  if (entry == nullptr || entry->owner != head) return;
  retire(RetiredFrontend{.family = family, .entry = frontends.retire(key)});
}

void Publisher::remove(std::string_view service) {
  const auto found = services_.find(service);
  const PublishedService removed = std::move(found->second);
  services_.erase(found);
  for (const FrontAddress& address : removed.addresses) retire_address(removed, address);
  for (const Family family : kFamilies) at(family).slots -= slots_of(removed, family);
  choice_lines_ -= choice_lines_of(removed);
  for (const PublishedPort& port : removed.ports) retire_port(port);
  publish(records_.at(removed.head).flags, 0);
  retire(RetiredRecord{.record = removed.head, .with_name = true});
  names_.erase(removed.head);
  if (removed.counter_row == 0) return;
  counters_->forget(removed.counter_row);
  retire(RetiredRow{.row = removed.counter_row});
}

// Prepared for services that were refused after all.
void Publisher::retire_unowned(const FamilyKeys& keys) {
  for (const Family family : kFamilies) {
    for (const FrontendKey& key : keys[index_of(family)]) retire_entry(family, key, 0);
  }
}

std::optional<std::string> Publisher::service_at(Family family, const FrontendKey& key) const {
  const FrontendEntry* entry = frontends(family).find(key);
  if (entry == nullptr) return std::nullopt;
  const auto name = names_.find(entry->owner);
  if (name == names_.end()) return std::nullopt;
  return name->second;
}

uint16_t Publisher::counter_row(std::string_view service) const {
  const PublishedService* found = find(service);
  return found == nullptr ? 0 : found->counter_row;
}

void Publisher::set_counter_row(std::string_view service, uint16_t row) {
  const auto found = services_.find(service);
  if (found == services_.end()) return;
  found->second.counter_row = row;
  publish(records_.at(found->second.head).counter_row, row);
  for (const PublishedPort& port : found->second.ports) {
    vic_service& record = records_.at(port.record);
    publish(record.counter_row, row);
    store_counter_row(memory_, port.family, blocks_of(record), row);
  }
  // The views hint at the row.
  publish_addresses(found->second, Pass::kRepoint);
}

}  // namespace vicinity::dataplane
