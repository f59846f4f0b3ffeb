// What one feed message, or a part of one, changes. Plain data; ids belong to the Symbols the
// decoder was given.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "model/service.h"
#include "model/workload.h"

namespace vicinity::model {

// Applied as a set: removals first, then the upserts; order inside each list does not matter.
struct Delta {
  std::vector<std::string> removed;  // resource names: workload uid or "namespace/hostname"
  std::vector<Service> services;
  std::vector<Workload> workloads;

  [[nodiscard]] bool empty() const {
    return removed.empty() && services.empty() && workloads.empty();
  }
  [[nodiscard]] size_t size() const { return removed.size() + services.size() + workloads.size(); }
  bool operator==(const Delta&) const = default;
};

// Stable text: one line per resource, sorted.
[[nodiscard]] std::string to_text(const Delta& delta, const Symbols& symbols);
[[nodiscard]] std::string to_text(const Service& service, const Symbols& symbols);
[[nodiscard]] std::string to_text(const Workload& workload, const Symbols& symbols);

}  // namespace vicinity::model
