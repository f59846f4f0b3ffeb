// The workloads of the feed under dense indices, and the endpoint list of every service. Adding and
// removing a workload cost the same, whatever the length of the lists it is in. Owned by the
// Snapshot, control thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/inlined_vector.h>

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "model/symbol_uses.h"
#include "model/workload.h"

namespace vicinity::model {

class WorkloadStore {
 public:
  WorkloadStore();
  WorkloadStore(const WorkloadStore&) = delete;
  WorkloadStore& operator=(const WorkloadStore&) = delete;

  [[nodiscard]] std::optional<WorkloadIndex> find(std::string_view uid) const;
  // Begins what find() will wait for.
  void prefetch(std::string_view uid) const { index_.prefetch(uid); }
  [[nodiscard]] const Workload& at(WorkloadIndex index) const {
    return records_[index.value].workload;
  }
  [[nodiscard]] std::span<const WorkloadIndex> endpoints(SymbolId service) const;

  // REQUIRES: no workload of that uid is there.
  WorkloadIndex insert(Workload workload);
  // The same uid with other contents; keeps its index.
  void replace(WorkloadIndex index, Workload workload);
  void erase(WorkloadIndex index);

  [[nodiscard]] size_t size() const { return index_.size(); }
  // In no order.
  void for_each(const std::function<void(const Workload&)>& each) const;
  void add_uses(SymbolUses& uses) const;
  // Indices in use, in order of uid.
  [[nodiscard]] std::vector<WorkloadIndex> sorted() const;

 private:
  struct Record {
    Workload workload;
    // Beside workload.bindings: where in that service's endpoint list this workload stands.
    absl::InlinedVector<uint32_t, 2> positions;
  };
  // The index holds record numbers; both functors look at the record's uid.
  struct Hash {
    using is_transparent = void;
    const std::deque<Record>* records;
    size_t operator()(std::string_view uid) const;
    size_t operator()(uint32_t index) const;
  };
  struct Equal {
    using is_transparent = void;
    const std::deque<Record>* records;
    bool operator()(uint32_t left, uint32_t right) const { return left == right; }
    bool operator()(uint32_t left, std::string_view right) const;
    bool operator()(std::string_view left, uint32_t right) const { return (*this)(right, left); }
  };

  void bind(WorkloadIndex index);
  void unbind(WorkloadIndex index);
  void leave(SymbolId service, uint32_t position);

  std::deque<Record> records_;
  std::vector<WorkloadIndex> free_;
  absl::flat_hash_set<uint32_t, Hash, Equal> index_;
  absl::flat_hash_map<SymbolId, std::vector<WorkloadIndex>> endpoints_;
};

}  // namespace vicinity::model
