// Which MeshLoadBalancingStrategies are for a destination, in which order, and what they come to.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/kuma/spec.h"
#include "unit/policy_kuma_scene.h"

namespace vicinity::testing {
namespace {

// A whole document; the parts are flow YAML.
struct Parts {
  std::string name = "p";
  std::string top = "{kind: Mesh}";
  std::string to = "{kind: Mesh}";
  std::string conf = "{localityAwareness: {disabled: true}}";
  std::string labels = "{}";
  std::string name_space = "kuma-system";
};

std::string document(const Parts& parts) {
  return fmt::format(
      "apiVersion: kuma.io/v1alpha1\nkind: MeshLoadBalancingStrategy\n"
      "metadata: {{name: {}, namespace: {}, labels: {}}}\n"
      "spec:\n  targetRef: {}\n  to: [{{targetRef: {}, default: {}}}]\n",
      parts.name, parts.name_space, parts.labels, parts.top, parts.to, parts.conf);
}

std::string documents(const std::vector<Parts>& all) {
  std::string text;
  for (const Parts& parts : all) text += "---\n" + document(parts);
  return text;
}

const std::vector<HostRow> kTwoZones = {{"a", "z1"}, {"b", "z2"}};

TEST(KumaRules, ServiceTags) {
  using policy::kuma::parse_service_tag;
  const auto full = parse_service_tag("backend_kuma-demo_svc_8080");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->name, "backend");
  EXPECT_EQ(full->name_space, "kuma-demo");
  EXPECT_EQ(full->port, 8080);
  const auto portless = parse_service_tag("backend_kuma-demo_svc");
  ASSERT_TRUE(portless);
  EXPECT_EQ(portless->name, "backend");
  EXPECT_FALSE(portless->port);
  for (const char* text :
       {"", "backend", "backend_kuma-demo", "backend_kuma-demo_svc_", "backend_kuma-demo_svc_0",
        "backend_kuma-demo_svc_65536", "backend_kuma-demo_pod_80", "_kuma-demo_svc_80",
        "backend__svc_80", "svc_80"}) {
    EXPECT_FALSE(parse_service_tag(text)) << text;
  }
}

struct RefRow {
  const char* what;
  const char* to;
  std::vector<int> ports;  // of 8080 and 9090, those that it is for
  const char* name_space = "kuma-system";
};

TEST(KumaRules, WhichServiceAndPort) {
  const std::vector<RefRow> rows = {
      {"the mesh", "{kind: Mesh}", {8080, 9090}},
      {"name, namespace and port", "{kind: MeshService, name: backend_kuma-demo_svc_8080}", {8080}},
      {"name and namespace", "{kind: MeshService, name: backend_kuma-demo_svc}", {8080, 9090}},
      {"another port", "{kind: MeshService, name: backend_kuma-demo_svc_9090}", {9090}},
      {"another namespace", "{kind: MeshService, name: backend_other_svc_8080}", {}},
      {"another name", "{kind: MeshService, name: front_kuma-demo_svc_8080}", {}},
      {"two fields", "{kind: MeshService, name: backend, namespace: kuma-demo}", {8080, 9090}},
      {"two fields, another namespace", "{kind: MeshService, name: backend, namespace: x}", {}},
      {"a section by number",
       "{kind: MeshService, name: backend, namespace: kuma-demo, sectionName: '9090'}",
       {9090}},
      {"a section by name",
       "{kind: MeshService, name: backend, namespace: kuma-demo, sectionName: http}",
       {8080, 9090}},
      {"by hostname",
       "{kind: MeshService, name: backend.kuma-demo.svc.cluster.local}",
       {8080, 9090}},
      {"name alone, of the system", "{kind: MeshService, name: backend}", {8080, 9090}},
      {"name alone, in its namespace",
       "{kind: MeshService, name: backend}",
       {8080, 9090},
       "kuma-demo"},
      {"name alone, in another", "{kind: MeshService, name: backend}", {}, "other"},
      {"labels", "{kind: MeshService, labels: {kuma.io/display-name: backend}}", {8080, 9090}},
      {"several zones", "{kind: MeshMultiZoneService, name: backend}", {8080, 9090}},
  };
  for (const RefRow& row : rows) {
    KumaScene scene(kTwoZones, {});
    scene.add_port(9090);
    const auto book = book_of(document({.to = row.to, .name_space = row.name_space}));
    std::vector<int> ports;
    for (const int port : {8080, 9090}) {
      if (!scene.explain(book, port).policies.empty()) ports.push_back(port);
    }
    EXPECT_EQ(ports, row.ports) << row.what;
  }
}

struct ClientCase {
  const char* what;
  const char* top;
  bool applies;
  std::map<std::string, std::string> labels = {{"kuma.io/service", "web_demo_svc_80"}, {"v", "1"}};
};

TEST(KumaRules, WhoseConnections) {
  const std::vector<ClientCase> rows = {
      {"the mesh", "{kind: Mesh}", true},
      {"the mesh, nothing known", "{kind: Mesh}", true, {}},
      {"by service tag", "{kind: MeshSubset, tags: {kuma.io/service: web_demo_svc_80}}", true},
      {"by the short one", "{kind: MeshSubset, tags: {kuma.io/service: web}}", true},
      {"of another service", "{kind: MeshSubset, tags: {kuma.io/service: shop}}", false},
      {"by several tags", "{kind: MeshSubset, tags: {kuma.io/service: web, v: '1'}}", true},
      {"one of which differs", "{kind: MeshSubset, tags: {kuma.io/service: web, v: '2'}}", false},
      {"by a tag it lacks", "{kind: MeshSubset, tags: {w: '1'}}", false},
      {"by zone", "{kind: MeshSubset, tags: {kuma.io/zone: z1}}", true, {}},
      {"of another zone", "{kind: MeshSubset, tags: {kuma.io/zone: z2}}", false, {}},
      {"by a well-known tag",
       "{kind: MeshSubset, tags: {topology.kubernetes.io/zone: a1}}",
       true,
       {{"topology.kubernetes.io/zone", "a1"}}},
      {"as a service", "{kind: MeshService, name: web_demo_svc_80}", true},
      {"as a service by name and namespace", "{kind: MeshService, name: web, namespace: demo}",
       true},
      {"as another", "{kind: MeshService, name: web, namespace: other}", false},
      {"on another port", "{kind: MeshService, name: web_demo_svc_81}", false},
      {"a subset of a service", "{kind: MeshServiceSubset, name: web, tags: {v: '1'}}", true},
      {"not of that subset", "{kind: MeshServiceSubset, name: web, tags: {v: '2'}}", false},
      {"by labels", "{kind: Dataplane, labels: {v: '1'}}", true},
      {"nothing known of the client", "{kind: MeshSubset, tags: {v: '1'}}", false, {}},
  };
  for (const ClientCase& row : rows) {
    KumaScene scene(kTwoZones, {.zone = "z1", .labels = row.labels});
    const auto book = book_of(document({.top = row.top}));
    EXPECT_EQ(!scene.explain(book).policies.empty(), row.applies) << row.what;
  }
}

struct OrderRow {
  const char* what;
  std::vector<Parts> policies;
  std::string text;
};

// Every policy sets `disabled`, so the winner decides alone: true = both zones share.
std::vector<OrderRow> order_rows() {
  const std::string on = "{localityAwareness: {disabled: true}}";
  const std::string off = "{localityAwareness: {disabled: false}}";
  const std::string shared = "0=100: a50 b50;";
  const std::string local = "0=100: a100; 1=0: b0;";
  const std::string service = "{kind: MeshService, name: backend, namespace: kuma-demo}";
  const std::string port = "{kind: MeshService, name: backend_kuma-demo_svc_8080}";
  const std::string web = "{kind: MeshSubset, tags: {kuma.io/service: web}}";
  return {
      {"a service beats the mesh",
       {{"a", "{kind: Mesh}", "{kind: Mesh}", on}, {"b", "{kind: Mesh}", service, off}},
       local},
      {"a port beats its service",
       {{"a", "{kind: Mesh}", service, on}, {"b", "{kind: Mesh}", port, off}},
       local},
      {"whose connections comes first",
       {{"a", web, "{kind: Mesh}", off}, {"b", "{kind: Mesh}", port, on}},
       local},
      {"a service on top beats a subset",
       {{"a", web, port, on}, {"b", "{kind: MeshService, name: web}", "{kind: Mesh}", off}},
       local},
      {"a zone's policy beats a global one",
       {{"a", "{kind: Mesh}", service, on, "{kuma.io/origin: global}"},
        {"b", "{kind: Mesh}", "{kind: Mesh}", off, "{kuma.io/origin: zone}"}},
       local},
      {"a consumer's beats a producer's",
       {{"a", "{kind: Mesh}", service, on, "{kuma.io/policy-role: producer}"},
        {"b", "{kind: Mesh}", service, off, "{kuma.io/policy-role: consumer}"}},
       local},
      {"of equals the first name wins",
       {{"b", "{kind: Mesh}", service, on}, {"a", "{kind: Mesh}", service, off}},
       local},
      {"whatever their order",
       {{"a", "{kind: Mesh}", service, on}, {"b", "{kind: Mesh}", service, off}},
       shared},
  };
}

TEST(KumaRules, MostSpecificWins) {
  for (const OrderRow& row : order_rows()) {
    for (const bool reversed : {false, true}) {
      auto policies = row.policies;
      if (reversed) std::ranges::reverse(policies);
      KumaScene scene(kTwoZones, {.zone = "z1", .labels = {{"kuma.io/service", "web"}}});
      EXPECT_EQ(scene.text(book_of(documents(policies))), row.text) << row.what;
    }
  }
}

TEST(KumaRules, WhatTheMoreSpecificLeavesOutStays) {
  const std::vector<HostRow> hosts = {{"a", "z1"}, {"s", "z1", {}, true}, {"b", "z2"}, {"c", "z3"}};
  const Parts mesh{.name = "mesh",
                   .conf =
                       "{localityAwareness: {disabled: true, crossZone: {failover: [{to: {type: "
                       "Any}}], failoverThreshold: {percentage: 100}}}}"};
  EXPECT_EQ(KumaScene(hosts, {}).text(book_of(document(mesh))),
            "0=50: a50; 1=50: b25 c25; s unhealthy;");
  // A list is replaced whole, the threshold beside it stays.
  const Parts service{
      .name = "service",
      .to = "{kind: MeshService, name: backend, namespace: kuma-demo}",
      .conf = "{localityAwareness: {crossZone: {failover: [{to: {type: Only, zones: [z2]}}]}}}"};
  EXPECT_EQ(KumaScene(hosts, {}).text(book_of(documents({mesh, service}))),
            "0=50: a50; 1=50: b50; c not_matched; s unhealthy;");
  // Empty objects and null say nothing.
  const Parts nothing{.name = "nothing",
                      .to = "{kind: MeshService, name: backend_kuma-demo_svc_8080}",
                      .conf = "{localityAwareness: {crossZone: {}, localZone: null}}"};
  EXPECT_EQ(KumaScene(hosts, {}).text(book_of(documents({mesh, service, nothing}))),
            "0=50: a50; 1=50: b50; c not_matched; s unhealthy;");
  // An empty list is one.
  const Parts empty{.name = "empty",
                    .to = "{kind: MeshService, name: backend_kuma-demo_svc_8080}",
                    .conf = "{localityAwareness: {crossZone: {failover: []}}}"};
  EXPECT_EQ(KumaScene(hosts, {}).text(book_of(documents({mesh, service, empty}))),
            "0=100: a100; b not_matched; c not_matched; s unhealthy;");
}

TEST(KumaRules, SaysWhatAppliesAndWhy) {
  KumaScene scene(kTwoZones, {});
  const auto book = book_of(documents(
      {{.name = "mesh"},
       {.name = "port", .to = "{kind: MeshService, name: backend_kuma-demo_svc_8080}"},
       {.name = "service", .to = "{kind: MeshService, name: backend, namespace: kuma-demo}"}}));
  std::vector<std::string> lines;
  for (const auto& one : scene.explain(book).policies) {
    lines.push_back(one.document + ": " + one.why);
  }
  EXPECT_THAT(lines,
              ::testing::ElementsAre(
                  "MeshLoadBalancingStrategy kuma-system/port: names the service's port",
                  "MeshLoadBalancingStrategy kuma-system/service: names the service",
                  "MeshLoadBalancingStrategy kuma-system/mesh: for every service of the mesh"));
}

TEST(KumaRules, OnlyThisMesh) {
  const std::string text = document({.labels = "{kuma.io/mesh: mesh-1}"});
  policy::Settings settings;
  EXPECT_FALSE(KumaScene(kTwoZones, {}).explain(book_of(text, settings)).policies.empty());
  settings.kuma.mesh = "mesh-1";
  EXPECT_FALSE(KumaScene(kTwoZones, {}).explain(book_of(text, settings)).policies.empty());
  settings.kuma.mesh = "mesh-2";
  EXPECT_TRUE(KumaScene(kTwoZones, {}).explain(book_of(text, settings)).policies.empty());
}

TEST(KumaRules, PassthroughServicesAreLeftAlone) {
  KumaScene scene(kTwoZones, {});
  scene.world.apply({.removed = {},
                     .services = {{.key = kBackend,
                                   .addresses = {"10.96.0.7"},
                                   .ports = {{8080, 80}},
                                   .mode = model::RoutingMode::kPassthrough}},
                     .workloads = {}});
  const auto explained = scene.explain(book_of(document({})));
  EXPECT_EQ(explained.mode, "passthrough");
  EXPECT_TRUE(explained.policies.empty());
}

}  // namespace
}  // namespace vicinity::testing
