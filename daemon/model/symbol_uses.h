// Which names are in use: filled by all that holds ids when unused ones are to be freed. A plain
// value, control thread.
#pragma once

#include <cstddef>
#include <vector>

#include "model/place.h"
#include "model/service.h"
#include "model/symbols.h"
#include "model/workload.h"

namespace vicinity::model {

class SymbolUses {
 public:
  // Nothing but the empty string is used yet.
  explicit SymbolUses(const Symbols& symbols) : used_(symbols.ids()) { add(SymbolId{}); }

  void add(SymbolId id) { used_[id.value] = true; }
  void add(const Place& place);
  void add(const Label& label);
  void add(const ClientContext& client);
  void add(const Workload& workload);
  void add(const Service& service);
  // Of a map by id, or a set of ids.
  template <class Container>
  void add_keys(const Container& container) {
    for (const auto& entry : container) add_key(entry);
  }

  // REQUIRES: the id is of these symbols.
  [[nodiscard]] bool contains(SymbolId id) const { return used_[id.value]; }

 private:
  void add_key(SymbolId id) { add(id); }
  template <class Key, class Value>
  void add_key(const std::pair<const Key, Value>& entry) {
    add(entry.first);
  }

  std::vector<bool> used_;
};

}  // namespace vicinity::model
