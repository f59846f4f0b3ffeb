#include "pod_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/glob.h"

namespace vicinity {
namespace {

using model::Workload;

const Workload* workload_of(const NetnsView& view, const model::Snapshot& snapshot) {
  for (const model::IpAddress& address : view.addresses) {
    if (const Workload* workload = snapshot.local_pod(address)) return workload;
  }
  return nullptr;
}

// "namespace/name" of ".../namespace/name", which ends every uid of a pod.
std::string name_of(const Workload& workload, const model::Symbols& symbols) {
  const std::string_view uid = workload.uid;
  const std::string_view name = uid.substr(uid.rfind('/') + 1);  // npos + 1 = 0
  return fmt::format("{}/{}", symbols.name(workload.name_space), name);
}

bool has_label(const Workload& workload, std::string_view rule, const model::Symbols& symbols) {
  return std::ranges::any_of(workload.labels, [&](const model::Label& label) {
    return rule == fmt::format("{}={}", symbols.name(label.key), symbols.name(label.value));
  });
}

bool is_opted_out(const Workload& workload, const PodRules& rules, const model::Symbols& symbols) {
  const std::string name = name_of(workload, symbols);
  return std::ranges::any_of(rules.opt_out, [&](const std::string& rule) {
    return base::glob_matches(rule, name) || has_label(workload, rule, symbols);
  });
}

std::optional<model::IpAddress> first_of(const NetnsView& view, model::Family family) {
  const auto found = std::ranges::find(view.addresses, family, &model::IpAddress::family);
  if (found == view.addresses.end()) return std::nullopt;
  return *found;
}

}  // namespace

dataplane::Pods pods_of(const NetnsViews& views, const model::Snapshot& snapshot,
                        const PodRules& rules) {
  dataplane::Pods pods;
  for (const NetnsView& view : views) {
    if (view.is_host) continue;
    dataplane::Pod pod = {.name_space = {},
                          .opted_out = false,
                          .captured = view.captured && rules.leave_captured,
                          .ipv4 = first_of(view, model::Family::kIpv4),
                          .ipv6 = first_of(view, model::Family::kIpv6)};
    if (const Workload* workload = workload_of(view, snapshot)) {
      pod.name_space = snapshot.symbols().name(workload->name_space);
      pod.opted_out = is_opted_out(*workload, rules, snapshot.symbols());
    }
    pods.emplace(view.cookie, std::move(pod));
  }
  return pods;
}

std::string pod_name(const NetnsView& view, const model::Snapshot& snapshot) {
  if (view.is_host) return "host";
  const Workload* workload = workload_of(view, snapshot);
  return workload == nullptr ? "" : name_of(*workload, snapshot.symbols());
}

telemetry::PodsInfo pods_info(const dataplane::Pods& pods, telemetry::PodsInfo fixed) {
  fixed.namespaces = pods.size();
  for (const auto& [cookie, pod] : pods) {
    if (!pod.name_space.empty()) ++fixed.known;
    if (pod.opted_out) ++fixed.opted_out;
    if (pod.captured) ++fixed.captured;
  }
  return fixed;
}

}  // namespace vicinity
