// DestinationRule: everything but the load balancer.
#include "policy/istio/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "policy/istio/unsupported.h"

namespace vicinity::policy::istio {
namespace {

constexpr std::string_view kDomain = ".svc.cluster.local";

PortPolicy parse_port_policy(Fields& policy) {
  PortPolicy result;
  if (Fields balancer = policy.map("loadBalancer"); balancer.present()) {
    result.load_balancer = parse_load_balancer(std::move(balancer));
  }
  if (Fields outlier = policy.map("outlierDetection"); outlier.present()) {
    result.outlier_detection = parse_outlier(std::move(outlier));
  }
  diagnose_port_policy(policy);
  return result;
}

std::optional<uint16_t> parse_port_number(Fields& setting) {
  Fields port = setting.map("port");
  const auto number = port.integer("number", 1, UINT16_MAX);
  if (!number && setting.node().find("port") == nullptr) setting.error("port.number", "missing");
  port.finish();
  return number ? std::optional(static_cast<uint16_t>(*number)) : std::nullopt;
}

void warn_ungated(const PortPolicy& policy, Fields& at) {
  if (!policy.load_balancer || !policy.load_balancer->locality || policy.outlier_detection) return;
  const LocalitySetting& locality = *policy.load_balancer->locality;
  if (locality.failover.empty() && locality.failover_priority.empty()) return;
  at.warning("loadBalancer.localityLbSetting",
             "failover has no effect without outlierDetection beside loadBalancer");
}

void parse_ports(Fields& policy, TrafficPolicy& result) {
  const auto items = policy.list("portLevelSettings");
  for (size_t i = 0; i < items.size(); ++i) {
    Fields setting(items[i], item_path(policy.path_of("portLevelSettings"), i),
                   policy.diagnostics());
    const auto port = parse_port_number(setting);
    PortPolicy of_port = parse_port_policy(setting);
    warn_ungated(of_port, setting);
    setting.finish();
    if (!port) continue;
    if (!result.ports.emplace(*port, std::move(of_port)).second) {
      setting.error("port", fmt::format("port {} has settings twice", *port));
    }
  }
}

void check_host(std::string_view host, Fields& spec) {
  const size_t star = host.rfind('*');
  const bool leading = star == 0 && (host.size() == 1 || host[1] == '.');
  if (star != std::string_view::npos && !leading) {
    spec.error("host", fmt::format("'{}': a wildcard stands alone or before the first dot", host));
  }
  const size_t bad =
      host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*:");
  if (bad != std::string_view::npos) spec.error("host", fmt::format("'{}' is no host name", host));
}

std::vector<std::string> parse_export_to(Fields& spec, std::string_view name_space) {
  std::vector<std::string> export_to = spec.texts("exportTo");
  for (std::string& one : export_to) {
    if (one == ".") one = name_space;
  }
  if (std::ranges::find(export_to, "*") != export_to.end()) export_to.clear();
  return export_to;
}

std::map<std::string, std::string> parse_selector(Fields& spec) {
  std::map<std::string, std::string> labels;
  Fields selector = spec.map("workloadSelector");
  Fields wanted = selector.map("matchLabels");
  for (const policy::Entry& member : wanted.node().members) {
    labels.emplace(member.key, wanted.text(member.key).value_or(""));
  }
  selector.finish();
  if (!labels.empty()) {
    spec.warning("workloadSelector",
                 "selects clients by their labels, which a node's tables do not tell apart: the "
                 "rule is used only where the client's labels are known");
  }
  return labels;
}

// A subset's policy takes effect when a route sends traffic to it; there are no routes here.
void diagnose_subsets(Fields& spec) {
  const auto subsets = spec.list("subsets");
  for (size_t i = 0; i < subsets.size(); ++i) {
    Fields subset(subsets[i], item_path(spec.path_of("subsets"), i), spec.diagnostics());
    const auto name = subset.text("name");
    spec.diagnostics().warning(
        subsets[i], subset.path(),
        fmt::format("subset '{}' is not used: only a VirtualService route chooses it; make it a "
                    "service of its own, or use a waypoint",
                    name.value_or("")));
    subset.take("labels");
    subset.take("trafficPolicy");
    subset.finish();
  }
}

}  // namespace

std::string namespace_of_host(std::string_view host) {
  if (!host.ends_with(kDomain)) return {};
  host.remove_suffix(kDomain.size());
  const size_t dot = host.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == host.size()) return {};
  return std::string(host.substr(dot + 1));
}

std::string complete_host(std::string_view host, std::string_view name_space) {
  if (host == "*" || host.find_first_of(".:") != std::string_view::npos) return std::string(host);
  return fmt::format("{}.{}{}", host, name_space, kDomain);
}

TrafficPolicy parse_traffic_policy(Fields policy) {
  TrafficPolicy result;
  result.all = parse_port_policy(policy);
  warn_ungated(result.all, policy);
  parse_ports(policy, result);
  diagnose_traffic_policy(policy);
  policy.finish();
  return result;
}

std::shared_ptr<const DestinationRule> parse_destination_rule(const Node& root,
                                                              std::string_view name_space,
                                                              Diagnostics& out) {
  auto rule = std::make_shared<DestinationRule>();
  Fields document(root, {}, out);
  check_object(document);
  Fields spec = document.map("spec");
  if (!spec.present()) document.error("spec", "missing");
  const std::string host = spec.text("host").value_or("");
  if (spec.present() && host.empty()) spec.error("host", "missing");
  check_host(host, spec);
  rule->host = complete_host(host, name_space);
  rule->export_to = parse_export_to(spec, name_space);
  rule->selector = parse_selector(spec);
  if (Fields policy = spec.map("trafficPolicy"); policy.present()) {
    rule->traffic_policy = parse_traffic_policy(std::move(policy));
  }
  diagnose_subsets(spec);
  spec.finish();
  document.finish();
  if (out.has_errors()) return nullptr;
  return rule;
}

}  // namespace vicinity::policy::istio
