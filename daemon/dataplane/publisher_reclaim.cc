// What waits for a grace period, and taking over the maps of an earlier daemon.
#include <utility>

#include "dataplane/publisher.h"

namespace vicinity::dataplane {
namespace {

using model::Family;

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

}  // namespace

void Publisher::retire(const Retired& what) {
  retired_.push_back({.ticket = reclaimer_->ticket(), .what = what});
}

void Publisher::retire_row(uint16_t row) { retire(RetiredRow{.row = row}); }

std::vector<uint16_t> Publisher::take_retired_rows() {
  std::vector<uint16_t> rows;
  for (const Waiting& waiting : retired_) {
    if (const auto* row = std::get_if<RetiredRow>(&waiting.what)) rows.push_back(row->row);
  }
  std::erase_if(retired_, [](const Waiting& waiting) {
    return std::holds_alternative<RetiredRow>(waiting.what);
  });
  return rows;
}

void Publisher::reclaim() {
  while (!retired_.empty() && reclaimer_->passed(retired_.front().ticket)) {
    const Retired what = retired_.front().what;
    retired_.pop_front();
    release(what);
  }
  active_.sweep();
  watches_.sweep();
  for (FamilyTables& tables : tables_) tables.frontends.tidy();
  collect_leftovers();
  narrow_prefixes();
  const bool waiting =
      !retired_.empty() || tables_[0].prefixes_waiting || tables_[1].prefixes_waiting;
  if (waiting) reclaimer_->close_ticket();
}

void Publisher::release(const Retired& what) {
  std::visit(Overloaded{
                 [&](const RetiredSlots& slots) {
                   release_slots(arena_of(slots.family, slots.aliased), slots.blocks);
                 },
                 [&](const RetiredChoice& choice) { release_choice(choice.block); },
                 [&](const RetiredRecord& retired) {
                   if (retired.with_name) records_.release_name(records_.at(retired.record));
                   records_.release(retired.record);
                 },
                 [&](const RetiredFrontend& retired) {
                   at(retired.family).frontends.release(retired.entry);
                 },
                 [&](const RetiredPlace& place) {
                   FrontendTable& frontends = at(place.family).frontends;
                   if (place.emptied) return frontends.forget(place.leftover);
                   frontends.empty(place.leftover);
                   retire(RetiredPlace{
                       .family = place.family, .leftover = place.leftover, .emptied = true});
                 },
                 [&](const RetiredRow& row) { counters_->give_back(row.row); },
                 [&](const RetiredRange& range) {
                   // The service may have the range again.
                   const auto owner = owners_.find(range.address);
                   if (owner != owners_.end() && owner->second == range.head) return;
                   for (const FrontendKey& key : range.keys) {
                     retire_entry(range.address.ip.family, key, range.head);
                   }
                 },
             },
             what);
}

void Publisher::collect_leftovers() {
  for (const Family family : kFamilies) {
    for (FrontendTable::Leftover& leftover : at(family).frontends.take_leftovers()) {
      retire(RetiredPlace{.family = family, .leftover = leftover});
    }
  }
}

std::vector<uint64_t> Publisher::leading_bits_of(Family family) const {
  std::vector<uint64_t> leading;
  for (const auto& [address, owner] : owners_) {
    if (address.ip.family == family) leading.push_back(leading_bits(address.ip));
  }
  return leading;
}

void Publisher::narrow_prefixes() {
  for (const Family family : kFamilies) {
    FamilyTables& tables = at(family);
    if (tables.prefixes_waiting && !reclaimer_->passed(tables.prefix_ticket)) continue;
    tables.prefixes_waiting =
        tables.prefixes.narrow([this, family] { return leading_bits_of(family); });
    tables.prefix_ticket = reclaimer_->ticket();
  }
}

void Publisher::adopt() {
  Survey found = survey(memory_);
  records_.adopt(found.records);
  services_.reserve(found.services.size());
  names_.reserve(found.services.size());
  for (const Family family : kFamilies) {
    for (const FrontendTable::Retired& entry : at(family).frontends.adopt()) {
      retire(RetiredFrontend{.family = family, .entry = entry});
    }
  }
  for (auto& [name, service] : found.services) adopt_service(name, std::move(service));
  active_.keep_counted();
  watches_.keep_counted();
  adopt_ranges();
  retire_unowned({at(Family::kIpv4).frontends.unowned(), at(Family::kIpv6).frontends.unowned()});
  collect_leftovers();
  counters_->publish_rows();
  reclaimer_->close_ticket();
}

// Completes what an earlier daemon began: all entries of a service lead to the same table.
void Publisher::adopt_service(const std::string& name, PublishedService service) {
  names_.emplace(service.head, name);
  for (const FrontAddress& address : service.addresses) {
    const auto realm = static_cast<uint16_t>(address.realm & ~VIC_REALM_RANGE);
    if (realm != VIC_REALM_EVERYONE) realms_->adopt(namespace_of(name), realm);
  }
  counters_->take(service.counter_row, name);
  for (const PublishedPort& port : service.ports) {
    const vic_service& record = records_.at(port.record);
    const SlotBlocks blocks = blocks_of(record);
    take_slots(arena_of(record), blocks);
    adopt_choice(name, port);
    at(port.family).slots += record.total;
    // It may have ended between giving the row to the record and giving it to the slots.
    if (service.counter_row != 0) {
      store_counter_row(memory_, port.family, blocks, service.counter_row);
    }
  }
  services_.emplace(name, service);
  for (const FrontAddress& address : service.addresses) {
    take_address(address, service.head);
  }
  compile::ServiceTable named;
  named.name = name;
  std::vector<Staged> staged(1);
  staged.front() = {.table = &named, .next = std::move(service), .fresh = {}};
  if (!stage_frontends(staged.front())) publish_entries(staged);
}

// The entries are the truth: what the tries say is made to agree.
void Publisher::adopt_ranges() {
  absl::flat_hash_set<FrontAddress> wanted;
  for (const auto& [address, owner] : owners_) {
    if (address.is_range()) wanted.insert(address);
  }
  ranges_.clear_all_but(wanted);
  for (const auto& [name, service] : services_) enter_ranges(service);
}

}  // namespace vicinity::dataplane
