#include "model/workload_store.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace vicinity::model {

size_t WorkloadStore::Hash::operator()(std::string_view uid) const {
  return base::StringHash()(uid);
}
size_t WorkloadStore::Hash::operator()(uint32_t index) const {
  return (*this)((*records)[index].workload.uid);
}
bool WorkloadStore::Equal::operator()(uint32_t left, std::string_view right) const {
  return (*records)[left].workload.uid == right;
}

WorkloadStore::WorkloadStore() : index_(0, Hash{&records_}, Equal{&records_}) {}

std::optional<WorkloadIndex> WorkloadStore::find(std::string_view uid) const {
  const auto found = index_.find(uid);
  if (found == index_.end()) return std::nullopt;
  return WorkloadIndex{*found};
}

std::span<const WorkloadIndex> WorkloadStore::endpoints(SymbolId service) const {
  const auto found = endpoints_.find(service);
  if (found == endpoints_.end()) return {};
  return found->second;
}

WorkloadIndex WorkloadStore::insert(Workload workload) {
  WorkloadIndex index{static_cast<uint32_t>(records_.size())};
  if (free_.empty()) {
    records_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  records_[index.value].workload = std::move(workload);
  index_.insert(index.value);
  bind(index);
  return index;
}

void WorkloadStore::replace(WorkloadIndex index, Workload workload) {
  Record& record = records_[index.value];
  const auto same_service = [](const Binding& left, const Binding& right) {
    return left.service == right.service;
  };
  const auto& old = record.workload.bindings;
  if (std::ranges::equal(old, workload.bindings, same_service)) {
    record.workload = std::move(workload);
    return;
  }
  unbind(index);
  record.workload = std::move(workload);
  bind(index);
}

void WorkloadStore::erase(WorkloadIndex index) {
  unbind(index);
  index_.erase(index.value);
  records_[index.value] = Record{};
  free_.push_back(index);
}

void WorkloadStore::bind(WorkloadIndex index) {
  Record& record = records_[index.value];
  record.positions.clear();
  for (const Binding& binding : record.workload.bindings) {
    auto& list = endpoints_[binding.service];
    record.positions.push_back(static_cast<uint32_t>(list.size()));
    list.push_back(index);
  }
}

void WorkloadStore::unbind(WorkloadIndex index) {
  Record& record = records_[index.value];
  for (size_t i = 0; i < record.positions.size(); ++i) {
    leave(record.workload.bindings[i].service, record.positions[i]);
  }
  record.positions.clear();
}

// The last of the list takes the free place.
void WorkloadStore::leave(SymbolId service, uint32_t position) {
  const auto found = endpoints_.find(service);
  auto& list = found->second;
  const WorkloadIndex last = list.back();
  list[position] = last;
  list.pop_back();
  if (list.empty()) {
    endpoints_.erase(found);
    return;
  }
  if (position == list.size()) return;
  Record& moved = records_[last.value];
  const auto& bindings = moved.workload.bindings;
  const auto binding = std::ranges::lower_bound(bindings, service, {}, &Binding::service);
  moved.positions[static_cast<size_t>(binding - bindings.begin())] = position;
}

void WorkloadStore::for_each(const std::function<void(const Workload&)>& each) const {
  for (const uint32_t index : index_) each(records_[index].workload);
}

// In the order of memory, those not in use too, which have no names.
void WorkloadStore::add_uses(SymbolUses& uses) const {
  for (const Record& record : records_) uses.add(record.workload);
}

std::vector<WorkloadIndex> WorkloadStore::sorted() const {
  std::vector<WorkloadIndex> all;
  all.reserve(index_.size());
  for (const uint32_t index : index_) all.push_back({index});
  std::ranges::sort(all, {},
                    [this](WorkloadIndex index) { return std::string_view(at(index).uid); });
  return all;
}

}  // namespace vicinity::model
