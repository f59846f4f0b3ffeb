#include "policy/istio/rank.h"

#include <algorithm>

namespace vicinity::policy::istio {
namespace {

using model::Place;
using model::SymbolId;

constexpr std::string_view kNetworkLabel = "topology.istio.io/network";
constexpr std::string_view kDefaultCluster = "Kubernetes";

// The value an override anywhere in the list gives the name.
const std::string* override_of(std::span<const FailoverLabel> labels, std::string_view name) {
  for (const FailoverLabel& label : labels) {
    if (label.name == name && label.value) return &*label.value;
  }
  return nullptr;
}

bool asks_for_locality(std::span<const FailoverLabel> labels) {
  return std::ranges::any_of(labels, [](const FailoverLabel& label) {
    const LabelField field = label_field(label.name);
    return field == LabelField::kRegion || field == LabelField::kZone ||
           field == LabelField::kSubzone;
  });
}

// A client that states nothing but a locality has labels only for a list that asks for it.
bool has_labels(const model::ClientContext& client, std::span<const FailoverLabel> asked,
                const model::Symbols& symbols) {
  const Place& place = client.place;
  if (!client.labels.empty() || !place.network.empty() || !place.node.empty()) return true;
  if (!place.cluster.empty() && symbols.name(place.cluster) != kDefaultCluster) return true;
  const bool located = !place.region.empty() || !place.zone.empty() || !place.subzone.empty();
  return located && asks_for_locality(asked);
}

}  // namespace

RegionRanks::RegionRanks(const Place& self, std::span<const Failover> failover,
                         const model::Symbols& symbols)
    : self_(self) {
  const auto rule = std::ranges::find(failover, symbols.name(self.region), &Failover::from);
  if (rule == failover.end()) return;
  has_target_ = true;
  target_ = symbols.find(rule->to);
}

uint32_t RegionRanks::of(const Place& place) const {
  if (place.region != self_.region) return has_target_ && place.region != target_ ? 4 : 3;
  if (place.zone != self_.zone) return 2;
  return place.subzone == self_.subzone ? 0 : 1;
}

uint32_t RegionRanks::bucket(const Place& place) const {
  if (place.region == self_.region) return 0;
  return has_target_ && place.region == target_ ? 1 : 2;
}

LabelRanks::LabelRanks(std::span<const FailoverLabel> labels, const model::ClientContext& client,
                       const model::Symbols& symbols)
    : apply_(has_labels(client, labels, symbols)) {
  for (const FailoverLabel& label : labels) {
    Wanted wanted{.label = LabelName(label.name, symbols), .value = {}};
    const std::string* value = override_of(labels, label.name);
    wanted.value = value == nullptr ? wanted.label.of(client) : symbols.find(*value);
    wanted_.push_back(wanted);
  }
  network_preferred_ = !labels.empty() &&
                       labels.front() == FailoverLabel{std::string(kNetworkLabel), {}} &&
                       override_of(labels, kNetworkLabel) == nullptr;
}

uint32_t LabelRanks::of(const model::Workload& workload) const {
  const auto all = static_cast<uint32_t>(wanted_.size());
  uint32_t elsewhere = 0;
  for (uint32_t i = 0; i < all; ++i) {
    if (wanted_[i].value == wanted_[i].label.of(workload)) continue;
    if (i > 0 || !network_preferred_) return elsewhere + all - i;
    elsewhere = all;
  }
  return elsewhere;
}

}  // namespace vicinity::policy::istio
