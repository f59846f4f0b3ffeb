#include "dataplane/survey.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include "dataplane/frontend_table.h"
#include "dataplane/records.h"
#include "dataplane/table_codec.h"

namespace vicinity::dataplane {
namespace {

using model::Family;

bool is_table(const vic_service& record) {
  return (record.flags & VIC_SERVICE_USED) != 0 &&
         (record.flags & (VIC_SERVICE_MORE | VIC_SERVICE_HEAD)) == 0;
}

bool is_head(const vic_service& record) {
  return (record.flags & VIC_SERVICE_HEAD) != 0 && (record.flags & VIC_SERVICE_MORE) == 0;
}

// A hint may be of before the last change of the row.
uint64_t without_hint(vic_view view) {
  view.flags &= static_cast<uint16_t>(~VIC_VIEW_HINT_MASK);
  return word_of(view);
}

class Surveyor {
 public:
  explicit Surveyor(const Memory& memory) : memory_(memory) {
    result_.records.resize(memory.services.size());
  }

  Survey run() {
    for (uint32_t i = 1; i < memory_.services.size(); ++i) note_record(i);
    for (const Family family : kFamilies) {
      scan_frontends(memory_, family, [&](const FrontendKey& key, uint64_t view) {
        if (view != 0) note_entry(family, key, view_of(view));
      });
    }
    for (auto& [name, service] : result_.services) settle(service);
    return std::move(result_);
  }

 private:
  void note_record(uint32_t index) {
    const vic_service& record = memory_.services[index];
    if (is_head(record)) {
      std::string name = load_name(memory_.services, record);
      if (by_name_.contains(name)) return;
      auto& [kept, service] = result_.services.emplace_back(std::move(name), PublishedService{});
      service.head = index;
      service.counter_row = record.counter_row;
      by_name_.emplace(kept, &service);
      by_head_.emplace(index, &service);
      keep(index);
    } else if (is_table(record) && is_plausible(memory_, record)) {
      by_view_.emplace(std::pair(without_hint(view_of(record, index)), record.family), index);
    }
  }

  // A record and what continues its name.
  void keep(uint32_t index) {
    result_.records[index] = true;
    const uint32_t more = memory_.services[index].more;
    if (more != 0 && more < result_.records.size() && !result_.records[more]) keep(more);
  }

  void note_entry(Family family, const FrontendKey& key, const vic_view& view) {
    PublishedService* service = nullptr;
    if ((view.flags & VIC_VIEW_UNKNOWN_PORT) != 0) {
      service = service_of(view.first);
    } else if (const auto found =
                   by_view_.find(std::pair(without_hint(view), static_cast<uint8_t>(family)));
               found != by_view_.end()) {
      const vic_service& record = memory_.services[found->second];
      service = service_of(found->second);
      if (service != nullptr && record.port == port_of(key, family)) {
        note_port(*service, {.port = record.port, .family = family, .record = found->second});
      }
    }
    if (service == nullptr) return;
    service->addresses.push_back({address_of(key, family), realm_of(key, family)});
  }

  PublishedService* service_of(uint32_t record) {
    if (record >= memory_.services.size()) return nullptr;
    if (const auto head = by_head_.find(record); head != by_head_.end()) return head->second;
    const auto found = by_name_.find(load_name(memory_.services, memory_.services[record]));
    return found == by_name_.end() ? nullptr : found->second;
  }

  // The first record that an entry leads to: another one is what a daemon that ended in the middle
  // was about to replace it by.
  void note_port(PublishedService& service, const PublishedPort& port) {
    const bool known = std::ranges::any_of(service.ports, [&](const PublishedPort& other) {
      return other.port == port.port && other.family == port.family;
    });
    if (known) return;
    service.ports.push_back(port);
    result_.records[port.record] = true;
  }

  static void settle(PublishedService& service) {
    std::ranges::sort(service.addresses);
    const auto repeated = std::ranges::unique(service.addresses);
    service.addresses.erase(repeated.begin(), repeated.end());
    std::ranges::sort(service.ports, {},
                      [](const PublishedPort& port) { return std::tuple(port.port, port.family); });
  }

  const Memory& memory_;
  Survey result_;
  absl::flat_hash_map<std::pair<uint64_t, uint8_t>, uint32_t> by_view_;
  // Into result_, whose elements stay where they are.
  absl::flat_hash_map<std::string_view, PublishedService*> by_name_;
  absl::flat_hash_map<uint32_t, PublishedService*> by_head_;
};

}  // namespace

Survey survey(const Memory& memory) { return Surveyor(memory).run(); }

compile::ServiceTable load_heading(const Memory& memory, const std::string& name,
                                   const PublishedService& service) {
  compile::ServiceTable table;
  table.name = name;
  for (const FrontAddress& address : service.addresses) {
    if (address.realm == VIC_REALM_EVERYONE) {
      table.addresses.push_back(address.ip);
    } else {
      table.scoped.push_back(owned_address(address));
    }
  }
  std::ranges::sort(table.scoped);
  for (const PublishedPort& port : service.ports) {
    table.ports.push_back(load_heading(memory.services[port.record]));
  }
  return table;
}

compile::ServiceTable load_service(const Memory& memory, const std::string& name,
                                   const PublishedService& service) {
  compile::ServiceTable table = load_heading(memory, name, service);
  for (size_t i = 0; i < table.ports.size(); ++i) {
    load_slots(memory, memory.services[service.ports[i].record], table.ports[i]);
  }
  return table;
}

compile::Tables load_all(const Memory& memory) {
  compile::Tables tables;
  for (const auto& [name, service] : survey(memory).services) {
    tables.services.emplace(name, load_service(memory, name, service));
  }
  return tables;
}

}  // namespace vicinity::dataplane
