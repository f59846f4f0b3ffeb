#include "policy/labels.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vicinity::policy {
namespace {

using model::SymbolId;
using Name = std::pair<std::string_view, LabelField>;

constexpr std::array kNames{
    Name{"topology.istio.io/network", LabelField::kNetwork},
    Name{"topology.istio.io/cluster", LabelField::kCluster},
    Name{"topology.kubernetes.io/region", LabelField::kRegion},
    Name{"topology.kubernetes.io/zone", LabelField::kZone},
    Name{"k8s.io/az", LabelField::kZone},
    Name{"topology.istio.io/subzone", LabelField::kSubzone},
    Name{"kubernetes.io/hostname", LabelField::kNode},
    Name{"k8s.io/node", LabelField::kNode},
    Name{"service.istio.io/canonical-name", LabelField::kCanonicalName},
    Name{"service.istio.io/canonical-revision", LabelField::kCanonicalRevision},
};

SymbolId place_field(const model::Place& place, LabelField field) {
  switch (field) {
    case LabelField::kNetwork:
      return place.network;
    case LabelField::kCluster:
      return place.cluster;
    case LabelField::kRegion:
      return place.region;
    case LabelField::kZone:
      return place.zone;
    case LabelField::kSubzone:
      return place.subzone;
    case LabelField::kNode:
      return place.node;
    default:
      return {};
  }
}

bool is_place(LabelField field) { return field <= LabelField::kNode; }

}  // namespace

LabelField label_field(std::string_view name) {
  const auto found = std::ranges::find(kNames, name, &Name::first);
  return found == kNames.end() ? LabelField::kOther : found->second;
}

LabelName::LabelName(std::string_view name, const model::Symbols& symbols)
    : field_(label_field(name)), key_(symbols.find(name)) {}

SymbolId LabelName::among(const std::vector<model::Label>& labels) const {
  if (!key_) return {};
  const auto found = std::ranges::find(labels, *key_, &model::Label::key);
  return found == labels.end() ? SymbolId{} : found->value;
}

// A mesh file may give the canonical labels as labels; the field wins.
SymbolId LabelName::of(const model::Workload& workload) const {
  if (is_place(field_)) return place_field(workload.place, field_);
  SymbolId canonical;
  if (field_ == LabelField::kCanonicalName) canonical = workload.canonical_name;
  if (field_ == LabelField::kCanonicalRevision) canonical = workload.canonical_revision;
  return canonical.empty() ? among(workload.labels) : canonical;
}

SymbolId LabelName::of(const model::ClientContext& client) const {
  return is_place(field_) ? place_field(client.place, field_) : among(client.labels);
}

}  // namespace vicinity::policy
