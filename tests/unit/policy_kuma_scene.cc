#include "unit/policy_kuma_scene.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "policy/book/load.h"

namespace vicinity::testing {
namespace {

std::string take(std::map<std::string, std::string>& labels, const std::string& key) {
  const auto found = labels.find(key);
  if (found == labels.end()) return {};
  std::string value = std::move(found->second);
  labels.erase(found);
  return value;
}

WorkloadRow row_of(HostRow host, size_t index) {
  WorkloadRow row{.uid = host.uid,
                  .addresses = {fmt::format("10.1.{}.{}", index / 250, index % 250 + 1)},
                  .cluster = host.zone,
                  .services = {{kBackend, {}}},
                  .capacity = host.capacity};
  row.region = take(host.labels, "topology.kubernetes.io/region");
  row.zone = take(host.labels, "topology.kubernetes.io/zone");
  row.node = take(host.labels, "kubernetes.io/hostname");
  row.labels = std::move(host.labels);
  if (host.sick) row.health = model::Health::kUnhealthy;
  return row;
}

ServiceRow backend(std::vector<PortRow> ports) {
  return {.key = kBackend, .addresses = {"10.96.0.7"}, .ports = std::move(ports)};
}

}  // namespace

std::string strategy_for(std::string_view conf) {
  return fmt::format(
      "apiVersion: kuma.io/v1alpha1\n"
      "kind: MeshLoadBalancingStrategy\n"
      "metadata: {{name: backend, namespace: kuma-system}}\n"
      "spec:\n"
      "  targetRef: {{kind: Mesh}}\n"
      "  to:\n"
      "  - targetRef: {{kind: MeshService, name: backend_kuma-demo_svc_8080}}\n"
      "    default: {}\n",
      conf);
}

std::shared_ptr<const policy::book::Book> book_of(std::string_view documents,
                                                  const policy::Settings& settings) {
  const policy::book::FileText file{.file = "test.yaml", .text = std::string(documents)};
  policy::book::Load load = policy::book::load({&file, 1});
  if (has_errors(load)) {
    for (const auto& finding : load.findings) fmt::print(stderr, "{}\n", to_text(finding));
    std::abort();
  }
  return std::make_shared<const policy::book::Book>(std::move(load.documents), settings);
}

KumaScene::KumaScene(const std::vector<HostRow>& hosts, const ClientRow& client) {
  auto labels = client.labels;
  auto& symbols = world.snapshot.symbols();
  client_.place = {.network = {},
                   .cluster = symbols.intern(client.zone),
                   .region = symbols.intern(take(labels, "topology.kubernetes.io/region")),
                   .zone = symbols.intern(take(labels, "topology.kubernetes.io/zone")),
                   .subzone = {},
                   .node = symbols.intern(take(labels, "kubernetes.io/hostname"))};
  for (const auto& [key, value] : labels) {
    client_.labels.push_back({symbols.intern(key), symbols.intern(value)});
  }
  std::ranges::sort(client_.labels);
  DeltaRow delta{.removed = {}, .services = {backend({{8080, 80}})}, .workloads = {}};
  for (const HostRow& host : hosts) {
    delta.workloads.push_back(row_of(host, delta.workloads.size()));
  }
  world.apply(delta);
}

void KumaScene::add_port(int port) {
  world.apply({.removed = {}, .services = {backend({{8080, 80}, {port, 80}})}, .workloads = {}});
}

compile::PlanRequest KumaScene::request(int port) {
  return {.query = {.service = world.symbol(kBackend),
                    .port = static_cast<uint16_t>(port),
                    .family = model::Family::kIpv4},
          .client = client_};
}

compile::Explanation KumaScene::explain(std::shared_ptr<const policy::book::Book> policies,
                                        int port) {
  world.options.policies = std::move(policies);
  auto result = compile::explain(world.snapshot, request(port), world.options);
  if (!result.ok()) std::abort();
  return *std::move(result);
}

compile::PortTable KumaScene::table(std::shared_ptr<const policy::book::Book> policies) {
  world.options.policies = std::move(policies);
  auto plan = compile::plan_port(world.snapshot, request(8080), world.options);
  if (!plan.ok()) std::abort();
  auto compiled = compile::compile_port(*std::move(plan), {.service = kBackend, .port = 8080});
  if (!compiled.ok()) std::abort();
  return std::move(compiled->table);
}

std::string KumaScene::text(std::shared_ptr<const policy::book::Book> policies) {
  std::string text;
  const compile::Explanation explained = explain(std::move(policies));
  for (const auto& tier : explained.tiers) {
    text += fmt::format("{}={}:", tier.priority, tier.load_percent);
    for (const auto& endpoint : tier.endpoints) {
      // A table's shares are within 0.001 percent.
      text += fmt::format(" {}{:.5g}", endpoint.workload,
                          std::round(endpoint.share_percent * 100) / 100);
    }
    text += "; ";
  }
  for (const auto& one : explained.excluded) {
    text += fmt::format("{} {}; ", one.workload, one.reason);
  }
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace vicinity::testing
