#include "dataplane/watches.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "dataplane/memory.h"

namespace vicinity::dataplane {
namespace {

constexpr size_t kWords = sizeof(vic_watched) / sizeof(__u64);

std::span<__u64> words_of(std::span<vic_watched> elements) {
  return {reinterpret_cast<__u64*>(elements.data()), elements.size() * kWords};
}

ActiveKey key_of(const WatchedTable& table, const compile::Slot& slot) {
  return {.table = table.id, .address = slot.address, .port = slot.port};
}

// No endpoint has port 0.
ActiveKey group_key(const WatchedTable& table) {
  return {.table = table.id, .address = {}, .port = 0};
}

Observation seen_of(const vic_watched& element) {
  return {.established = dataplane::observe(element.established),
          .connect_ns = dataplane::observe(element.connect_ns),
          .refused = dataplane::observe(element.refused),
          .unreachable = dataplane::observe(element.unreachable),
          .timed_out = dataplane::observe(element.timed_out),
          .reset_early = dataplane::observe(element.reset_early),
          .failed_in_row = dataplane::observe(element.failed_in_row),
          .active = dataplane::observe(element.active),
          .suspected_until_ns = dataplane::observe(element.suspected_until)};
}

}  // namespace

Watches::Watches(std::span<vic_watched> elements)
    : elements_(elements), ids_(words_of(elements), kWords) {}

vic_watch_group& Watches::group_at(uint32_t element) {
  return reinterpret_cast<vic_watch_group&>(elements_[element]);
}

void Watches::clear(uint32_t element) { elements_[element] = {}; }

std::optional<uint32_t> Watches::acquire_group(const WatchedTable& table,
                                               const compile::Watch& watch) {
  const auto element = ids_.acquire(group_key(table));
  if (!element) return std::nullopt;
  if (serial_.emplace(*element, 0).second) clear(*element);
  vic_watch_group& group = group_at(*element);
  publish(group.suspicion_ns, uint64_t{watch.suspicion_ms} * 1'000'000);
  publish(group.refused_in_row, watch.refused_in_row);
  publish(group.timeouts_in_row, watch.timeouts_in_row);
  publish(group.most_suspects, watch.most_suspects);
  return element;
}

std::optional<uint32_t> Watches::acquire_endpoint(const WatchedTable& table,
                                                  const compile::Slot& slot, uint32_t group) {
  const auto element = ids_.acquire(key_of(table, slot));
  if (!element || serial_.contains(*element)) return element;
  clear(*element);
  publish(elements_[*element].group, group);
  add_row(table, slot, *element);
  // An endpoint that nobody uses any more may still be counted, and counts in its group.
  (void)ids_.acquire(group_key(table));
  group_of_.emplace(*element, group);
  return element;
}

void Watches::add_row(const WatchedTable& table, const compile::Slot& slot, uint32_t element) {
  const bool again = !names_.empty() && *names_.back() == table.service;
  names_.push_back(again ? names_.back() : std::make_shared<const std::string>(table.service));
  endpoints_.push_back({.id = ++last_serial_,
                        .service = *names_.back(),
                        .service_port = table.port,
                        .address = slot.address,
                        .port = slot.port,
                        .seen = {}});
  element_of_.push_back(element);
  serial_.insert_or_assign(element, last_serial_);
}

std::optional<WatchedElements> Watches::acquire(const WatchedTable& table,
                                                const compile::PortTable& slots) {
  if (!slots.watch) return std::nullopt;
  const auto group = acquire_group(table, *slots.watch);
  if (!group) return std::nullopt;
  WatchedElements elements = {.group = *group, .endpoints = {}};
  elements.endpoints.reserve(slots.slots.size());
  for (const compile::Slot& slot : slots.slots) {
    const auto endpoint = acquire_endpoint(table, slot, *group);
    if (!endpoint) {
      release(elements);
      return std::nullopt;
    }
    elements.endpoints.push_back(*endpoint);
  }
  return elements;
}

void Watches::release(const WatchedElements& elements) {
  for (const uint32_t endpoint : elements.endpoints) ids_.release(endpoint);
  ids_.release(elements.group);
}

void Watches::take(const WatchedTable& table, std::span<const compile::Slot> slots,
                   const WatchedElements& elements) {
  ids_.take(group_key(table), elements.group);
  serial_.emplace(elements.group, 0);
  for (size_t i = 0; i < slots.size(); ++i) {
    const uint32_t element = elements.endpoints[i];
    ids_.take(key_of(table, slots[i]), element);
    if (serial_.contains(element)) continue;
    add_row(table, slots[i], element);
    (void)ids_.acquire(group_key(table));
    group_of_.emplace(element, elements.group);
  }
}

void Watches::give_place_back(const vic_watched& endpoint) {
  if (dataplane::observe(endpoint.suspected_until) == 0) return;
  std::atomic_ref<__u32>(group_at(endpoint.group).suspects).fetch_sub(1);
}

// Whose connections are still open, of whom nothing else is known: their group may be another's by
// now.
void Watches::keep_counted() {
  ids_.keep_counted();
  for (uint32_t element = 1; element < elements_.size(); ++element) {
    if (ids_.count(element) == 0 || serial_.contains(element)) continue;
    publish(elements_[element].group, 0);
    publish(elements_[element].suspected_until, 0);
  }
}

void Watches::sweep() {
  const std::vector<uint32_t> freed = ids_.sweep();
  if (freed.empty()) return;
  absl::flat_hash_map<uint64_t, bool> gone;
  for (const uint32_t element : freed) {
    if (const auto group = group_of_.find(element); group != group_of_.end()) {
      give_place_back(elements_[element]);
      ids_.release(group->second);
      group_of_.erase(group);
    }
    if (const auto serial = serial_.find(element); serial != serial_.end()) {
      gone.emplace(serial->second, true);
      serial_.erase(serial);
    }
  }
  size_t kept = 0;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    if (gone.contains(endpoints_[i].id)) continue;
    endpoints_[kept] = endpoints_[i];
    element_of_[kept] = element_of_[i];
    std::swap(names_[kept], names_[i]);
    ++kept;
  }
  endpoints_.resize(kept);
  element_of_.resize(kept);
  names_.resize(kept);
}

void Watches::inherit(const Watches& other) {
  if (elements_.size() != other.elements_.size()) return;  // before anything was watched
  ids_.inherit(other.ids_);
  endpoints_ = other.endpoints_;
  element_of_ = other.element_of_;
  names_ = other.names_;
  serial_ = other.serial_;
  last_serial_ = other.last_serial_;
  // What inherit() does not know: that each endpoint holds its group.
  for (const auto& [element, group] : other.group_of_) {
    ids_.take({}, group);
    group_of_.emplace(element, group);
  }
}

std::vector<uint64_t> Watches::end_suspicions(uint64_t now_ns) {
  std::vector<uint64_t> ended;
  for (size_t i = 0; i < element_of_.size(); ++i) {
    vic_watched& element = elements_[element_of_[i]];
    __u64 until = dataplane::observe(element.suspected_until);
    if (until == 0 || until > now_ns) continue;
    publish(element.refused_in_row, 0);
    publish(element.timeouts_in_row, 0);
    if (!std::atomic_ref<__u64>(element.suspected_until).compare_exchange_strong(until, 0))
      continue;
    std::atomic_ref<__u32>(group_at(element.group).suspects).fetch_sub(1);
    ended.push_back(endpoints_[i].id);
  }
  return ended;
}

std::span<const ObservedEndpoint> Watches::observe() {
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    endpoints_[i].seen = seen_of(elements_[element_of_[i]]);
  }
  return endpoints_;
}

std::optional<uint64_t> Watches::id_of(uint32_t element) const {
  const auto found = serial_.find(element);
  if (found == serial_.end() || found->second == 0) return std::nullopt;
  return found->second;
}

ObservedTotals Watches::totals() const {
  const auto& totals = reinterpret_cast<const vic_watch_totals&>(elements_[0]);
  return {.saved = dataplane::observe(totals.saved),
          .unobserved = dataplane::observe(totals.unobserved)};
}

}  // namespace vicinity::dataplane
