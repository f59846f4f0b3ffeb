#include "compile/exclusions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/glob.h"

namespace vicinity::compile {
namespace {

constexpr std::array<std::string_view, 4> kClusterDns = {
    "kube-system/kube-dns.kube-system.svc.*", "kube-system/coredns.kube-system.svc.*",
    "kube-system/*-coredns.kube-system.svc.*", "openshift-dns/dns-default.openshift-dns.svc.*"};

}  // namespace

bool is_cluster_dns(std::string_view service) {
  return std::ranges::any_of(
      kClusterDns, [&](std::string_view glob) { return base::glob_matches(glob, service); });
}

std::string Exclusions::reason(const model::Snapshot& snapshot, model::SymbolId service) const {
  const std::string_view name = snapshot.symbols().name(service);
  for (const std::string& glob : globs) {
    if (base::glob_matches(glob, name)) return fmt::format("--exclude-service {}", glob);
  }
  const model::Service* known = snapshot.find_service(service);
  if (known == nullptr || node_addresses.empty() || !is_cluster_dns(name)) return {};
  for (const model::ServiceAddress& address : known->addresses) {
    if (!node_addresses.contains(address.ip)) continue;
    return fmt::format("its address {} is one of this node's own: a DNS cache listens there",
                       address.ip.to_string());
  }
  return {};
}

}  // namespace vicinity::compile
