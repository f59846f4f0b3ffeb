// How near an endpoint is to the client by Istio's rules; 0 is nearest, and the numbers still have
// gaps (semantics section 4). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/place.h"
#include "model/symbols.h"
#include "model/workload.h"
#include "policy/istio/spec.h"
#include "policy/labels.h"

namespace vicinity::policy::istio {

// Region, zone and subzone one below the other, and the failover target of the client's region
// before all other regions.
class RegionRanks {
 public:
  RegionRanks(const model::Place& self, std::span<const Failover> failover,
              const model::Symbols& symbols);

  static constexpr uint32_t kLevels = 5;
  [[nodiscard]] uint32_t of(const model::Place& place) const;  // 0 .. kLevels - 1

  // Of zoneAwareLbSetting: own region, failover target, all others.
  static constexpr uint32_t kBuckets = 3;
  [[nodiscard]] uint32_t bucket(const model::Place& place) const;

 private:
  model::Place self_;
  bool has_target_ = false;
  std::optional<model::SymbolId> target_;  // nullopt: nobody is there
};

// failoverPriority: the more labels in a row are as wanted, the nearer. Another network comes after
// all of the own one when the list begins with the network's label.
class LabelRanks {
 public:
  LabelRanks(std::span<const FailoverLabel> labels, const model::ClientContext& client,
             const model::Symbols& symbols);

  // False: the client has no labels at all, and nothing is ranked.
  [[nodiscard]] bool apply() const { return apply_; }
  [[nodiscard]] uint32_t of(const model::Workload& workload) const;

 private:
  struct Wanted {
    LabelName label;
    std::optional<model::SymbolId> value;  // nullopt: nobody has it
  };
  std::vector<Wanted> wanted_;
  bool network_preferred_ = false;
  bool apply_ = false;
};

}  // namespace vicinity::policy::istio
