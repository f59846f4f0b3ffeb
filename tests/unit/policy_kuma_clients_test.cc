// Kuma's client selectors against the pods of a node: which count, and what `policy list` says.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/policy_kuma_scene.h"

namespace vicinity::testing {
namespace {

constexpr const char* kWeb = "demo/web.demo.svc.cluster.local";

// A pod of the node, an endpoint of web's port 80.
WorkloadRow web_pod(const std::string& uid) {
  return {.uid = uid,
          .cluster = "z1",
          .zone = "a1",
          .node = "here",
          .services = {{kWeb, {{80, 8080}}}},
          .name_space = "demo",
          .canonical_name = "web"};
}
WorkloadRow other_pod(const std::string& uid) {
  return {.uid = uid,
          .cluster = "z1",
          .zone = "a1",
          .node = "here",
          .name_space = "tools",
          .canonical_name = "shell"};
}
WorkloadRow labelled_pod(const std::string& uid, const std::string& version) {
  WorkloadRow pod = other_pod(uid);
  pod.labels = {{"version", version}};
  return pod;
}

constexpr const char* kAll = "+ names the service";
constexpr const char* kSome =
    "+ selects some of this node's clients, which are not told apart: it counts for all";
constexpr const char* kNone = "- selects clients that are not on this node";
constexpr const char* kUnknown = "- selects clients by what is not known of this node's";

struct Row {
  const char* what;
  const char* selector;
  std::vector<WorkloadRow> pods;
  const char* verdict;
};

std::vector<Row> rows() {
  const auto web = web_pod("a");
  const auto other = other_pod("b");
  const char* by_service = "{kind: MeshService, name: web, namespace: demo}";
  const char* by_version = "{kind: Dataplane, labels: {version: '1'}}";
  return {
      {"every pod is of the service", by_service, {web, web_pod("c")}, kAll},
      {"some are", by_service, {web, other}, kSome},
      {"none is", by_service, {other}, kNone},
      {"no pods", by_service, {}, kUnknown},
      {"its service tag",
       "{kind: MeshSubset, tags: {kuma.io/service: web_demo_svc_80}}",
       {web},
       kAll},
      {"another port", "{kind: MeshService, name: web_demo_svc_81}", {web}, kNone},
      {"another namespace", "{kind: MeshService, name: web, namespace: x}", {web}, kNone},
      {"by namespace",
       "{kind: MeshSubset, tags: {k8s.kuma.io/namespace: tools}}",
       {web, other},
       kSome},
      {"by canonical name",
       "{kind: Dataplane, labels: {service.istio.io/canonical-name: shell}}",
       {other},
       kAll},
      {"by zone",
       "{kind: MeshSubset, tags: {topology.kubernetes.io/zone: a1}}",
       {web, other},
       kAll},
      {"of another zone", "{kind: MeshSubset, tags: {kuma.io/zone: z2}}", {web}, kNone},
      {"by a label that WDS does not carry", by_version, {web, other}, kUnknown},
      {"that a mesh file gives", by_version, {labelled_pod("a", "1")}, kAll},
      {"to some", by_version, {labelled_pod("a", "1"), labelled_pod("b", "2")}, kSome},
      {"to others", by_version, {labelled_pod("a", "2")}, kNone},
      {"to some, of the rest nothing is known", by_version, {labelled_pod("b", "1"), web}, kSome},
      {"service and tag",
       "{kind: MeshServiceSubset, name: web, namespace: demo, tags: {k8s.kuma.io/namespace: "
       "tools}}",
       {web, other},
       kNone},
  };
}

TEST(KumaClients, PodsOfThisNodeAreSelected) {
  for (const Row& row : rows()) {
    World world;
    world.apply({.removed = {},
                 .services = {{.key = kBackend, .addresses = {"10.96.0.7"}}},
                 .workloads = {{.uid = "self", .node = "elsewhere", .services = {{kWeb, {}}}}}});
    int number = 0;
    for (WorkloadRow pod : row.pods) {
      pod.addresses = {fmt::format("10.0.0.{}", ++number), fmt::format("fd00::{}", number)};
      world.apply({.removed = {}, .services = {}, .workloads = {std::move(pod)}});
    }
    world.options.policies = book_of(fmt::format(
        "type: MeshLoadBalancingStrategy\nmesh: default\nname: a\nspec:\n  targetRef: {}\n  to: "
        "[{{targetRef: {{kind: MeshService, name: backend}}, default: {{loadBalancer: {{type: "
        "RoundRobin}}}}}}]\n",
        row.selector));
    const compile::PlanRequest request{.query = {.service = world.symbol(kBackend), .port = 80},
                                       .client = world.snapshot.self()};
    const auto resolution = compile::resolve_port(world.snapshot, request, world.options);
    std::string verdict;
    for (const auto& one : resolution.applied) verdict += fmt::format("+ {}", one.why);
    for (const auto& one : resolution.passed_over) verdict += fmt::format("- {}", one.why);
    EXPECT_EQ(verdict, row.verdict) << row.what;
    EXPECT_EQ(resolution.planner != nullptr, row.verdict[0] == '+') << row.what;
  }
}

}  // namespace
}  // namespace vicinity::testing
