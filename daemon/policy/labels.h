// Labels as policies name them. The well-known topology labels are fields of WDS, the two
// canonical ones as well; every other label is one that a mesh file gave its workload. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/place.h"
#include "model/symbols.h"
#include "model/workload.h"

namespace vicinity::policy {

enum class LabelField : uint8_t {
  kNetwork,  // topology.istio.io/network
  kCluster,  // topology.istio.io/cluster
  kRegion,   // topology.kubernetes.io/region
  kZone,     // topology.kubernetes.io/zone, k8s.io/az
  kSubzone,  // topology.istio.io/subzone
  kNode,     // kubernetes.io/hostname, k8s.io/node
  kCanonicalName,
  kCanonicalRevision,
  kOther,
};

[[nodiscard]] LabelField label_field(std::string_view name);

// One label name, looked up once and then asked of many workloads.
class LabelName {
 public:
  LabelName(std::string_view name, const model::Symbols& symbols);

  [[nodiscard]] LabelField field() const { return field_; }
  // The empty symbol: not set, which equals an empty value.
  [[nodiscard]] model::SymbolId of(const model::Workload& workload) const;
  [[nodiscard]] model::SymbolId of(const model::ClientContext& client) const;

 private:
  [[nodiscard]] model::SymbolId among(const std::vector<model::Label>& labels) const;

  LabelField field_;
  std::optional<model::SymbolId> key_;  // nullopt: nobody has such a label
};

}  // namespace vicinity::policy
