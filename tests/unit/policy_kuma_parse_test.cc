// Every field of MeshLoadBalancingStrategy: read, or diagnosed by its path with what to use
// instead.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/book/load.h"
#include "unit/policy_kuma_scene.h"

namespace vicinity::testing {
namespace {

using ::testing::UnorderedElementsAreArray;
using Lines = std::vector<std::string>;

// "3: error: spec.to: missing", of all documents of the text.
Lines diagnose(std::string_view text) {
  const policy::book::FileText file{.file = "f", .text = std::string(text)};
  Lines lines;
  for (const auto& finding : policy::book::load({&file, 1}).findings) {
    const auto& one = finding.diagnostic;
    const bool error = one.severity == policy::Severity::kError;
    lines.push_back(fmt::format("{}: {}: {}: {}", one.line, error ? "error" : "warning", one.path,
                                one.message));
  }
  return lines;
}

// As diagnose, of one part; line and the path up to `default` are left out.
Lines diagnose_conf(std::string_view conf) {
  const std::string path = "spec.to[0].default.";
  Lines lines;
  for (std::string line : diagnose(strategy_for(conf))) {
    line = line.substr(line.find(": ") + 2);
    if (const size_t at = line.find(path); at != std::string::npos) line.erase(at, path.size());
    lines.push_back(std::move(line));
  }
  return lines;
}

struct ConfRow {
  const char* what;
  const char* conf;
  Lines lines;
};

constexpr const char* kChain =
    "chains of hash policies are not followed: only the connection's source address can be hashed; "
    "leave it out, or keep a proxy for this service";

std::string http_hash(const char* at, const char* type) {
  return fmt::format(
      "error: {}.type: {} cannot be hashed: HTTP is not seen at connect time; use type Connection "
      "with sourceIP, or keep a proxy for this service",
      at, type);
}

std::vector<ConfRow> locality_rows() {
  return {
      {"nothing", "{}", {}},
      {"empty parts", "{localityAwareness: {localZone: {}, crossZone: {}}}", {}},
      {"null is nothing",
       "{localityAwareness: {localZone: , crossZone: null}, loadBalancer: }",
       {}},
      {"disabled beside rules",
       "{localityAwareness: {disabled: true, localZone: {}}}",
       {"warning: localityAwareness.disabled: has no effect beside localZone and crossZone"}},
      {"no boolean",
       "{localityAwareness: {disabled: maybe}}",
       {"error: localityAwareness.disabled: 'maybe' is neither true nor false"}},
      {"weights for some",
       "{localityAwareness: {localZone: {affinityTags: [{key: k8s.io/node, weight: 9}, {key: "
       "k8s.io/az}]}}}",
       {"error: localityAwareness.localZone.affinityTags: all tags must have a weight, or none"}},
      {"weight 0, key missing",
       "{localityAwareness: {localZone: {affinityTags: [{weight: 0}]}}}",
       {"error: localityAwareness.localZone.affinityTags[0].key: missing",
        "error: localityAwareness.localZone.affinityTags[0].weight: '0' is not a whole number from "
        "1 to 4294967295"}},
      {"nine tags",
       "{localityAwareness: {localZone: {affinityTags: [{key: k8s.io/az}, {key: k8s.io/az}, {key: "
       "k8s.io/az}, {key: k8s.io/az}, {key: k8s.io/az}, {key: k8s.io/az}, {key: k8s.io/az}, {key: "
       "k8s.io/az}, {key: k8s.io/az}]}}}",
       {}},
      {"ten tags",
       "{localityAwareness: {localZone: {affinityTags: [{key: k8s.io/az}, {key: k8s.io/az}, {key: "
       "k8s.io/az}, {key: k8s.io/az}, {key: k8s.io/az}, {key: k8s.io/az}, {key: k8s.io/az}, {key: "
       "k8s.io/az}, {key: k8s.io/az}, {key: k8s.io/node}]}}}",
       {"error: localityAwareness.localZone.affinityTags: 10 tags: the weights of more than 9 do "
        "not fit"}},
      {"a label that WDS lacks",
       "{localityAwareness: {localZone: {affinityTags: [{key: rack}]}}}",
       {"warning: localityAwareness.localZone.affinityTags[0].key: tag rack is a label, which WDS "
        "does not carry: it counts only where a mesh file gives the workloads' labels, and is "
        "skipped for clients whose labels are not known"}},
      {"every type of failover",
       "{localityAwareness: {crossZone: {failover: [{to: {type: Any}}, {from: {zones: [a]}, to: "
       "{type: Only, zones: [b]}}, {to: {type: AnyExcept, zones: [c]}}, {to: {type: None}}]}}}",
       {}},
      {"types and zones that do not go together",
       "{localityAwareness: {crossZone: {failover: [{to: {type: Any, zones: [a]}}, {to: {type: "
       "Only}}, {to: {type: AnyExcept, zones: []}}, {to: {type: None, zones: [a]}}, {to: {type: "
       "Some}}, {to: {zones: [a]}}, {from: {zones: ['']}}]}}}",
       {"error: localityAwareness.crossZone.failover[0].to.zones: must be empty for type Any",
        "error: localityAwareness.crossZone.failover[1].to.zones: missing for type Only",
        "error: localityAwareness.crossZone.failover[2].to.zones: missing for type AnyExcept",
        "error: localityAwareness.crossZone.failover[3].to.zones: must be empty for type None",
        "error: localityAwareness.crossZone.failover[4].to.type: 'Some' is not one of Any, Only, "
        "AnyExcept, None",
        "error: localityAwareness.crossZone.failover[5].to.type: missing",
        "error: localityAwareness.crossZone.failover[6].from.zones: zone 0 has an empty name",
        "error: localityAwareness.crossZone.failover[6].to: missing"}},
      {"from nowhere",
       "{localityAwareness: {crossZone: {failover: [{from: {zones: []}, to: {type: Any}}, {from: "
       "{}, to: {type: Any}}]}}}",
       {"warning: localityAwareness.crossZone.failover[0].from.zones: no zones: the rule never "
        "applies; leave `from` out for all zones",
        "warning: localityAwareness.crossZone.failover[1].from.zones: no zones: the rule never "
        "applies; leave `from` out for all zones"}},
      {"thresholds",
       "{localityAwareness: {crossZone: {failoverThreshold: {percentage: '12.5'}}}}",
       {}},
      {"a threshold of 0",
       "{localityAwareness: {crossZone: {failoverThreshold: {percentage: 0}}}}",
       {"error: localityAwareness.crossZone.failoverThreshold.percentage: '0' is not a number "
        "above "
        "0 and at most 100"}},
      {"a threshold in words",
       "{localityAwareness: {crossZone: {failoverThreshold: {percentage: half}}}}",
       {"error: localityAwareness.crossZone.failoverThreshold.percentage: 'half' is not a number "
        "above 0 and at most 100"}},
      {"no threshold",
       "{localityAwareness: {crossZone: {failoverThreshold: {}}}}",
       {"error: localityAwareness.crossZone.failoverThreshold.percentage: missing"}},
      {"misspelt fields, one of each part",
       "{localityAwareness: {disable: true, localZone: {tags: []}, crossZone: {failovers: []}}, "
       "balancer: {}}",
       {"error: localityAwareness.localZone.tags: unknown field",
        "error: localityAwareness.crossZone.failovers: unknown field",
        "error: localityAwareness.disable: unknown field", "error: balancer: unknown field"}},
  };
}

std::vector<ConfRow> balancer_rows() {
  return {
      {"all types", "{loadBalancer: {type: RoundRobin, roundRobin: {}}}", {}},
      {"random", "{loadBalancer: {type: Random, random: {}}}", {}},
      {"least request",
       "{loadBalancer: {type: LeastRequest, leastRequest: {choiceCount: 4, activeRequestBias: "
       "'1.5'}}}",
       {}},
      {"ring hash",
       "{loadBalancer: {type: RingHash, ringHash: {hashFunction: XX_HASH, minRingSize: 1024, "
       "maxRingSize: 4096, hashPolicies: [{type: Connection, terminal: false, connection: "
       "{sourceIP: true}}]}}}",
       {}},
      {"maglev",
       "{loadBalancer: {type: Maglev, maglev: {tableSize: 65537, hashPolicies: [{type: Connection, "
       "connection: {sourceIP: true}}]}}}",
       {}},
      {"no type", "{loadBalancer: {}}", {"error: loadBalancer.type: missing"}},
      {"no such type",
       "{loadBalancer: {type: Fastest}}",
       {"error: loadBalancer.type: 'Fastest' is not one of RoundRobin, LeastRequest, RingHash, "
        "Random, Maglev"}},
      {"parameters of another type",
       "{loadBalancer: {type: Random, leastRequest: {choiceCount: 1}}}",
       {"warning: loadBalancer.leastRequest: has no effect with type Random",
        "error: loadBalancer.leastRequest.choiceCount: '1' is not a whole number from 2 to 32"}},
      {"a negative bias",
       "{loadBalancer: {type: LeastRequest, leastRequest: {activeRequestBias: -1}}}",
       {"error: loadBalancer.leastRequest.activeRequestBias: '-1' is not a number from 0 to 16"}},
      {"murmur",
       "{loadBalancer: {type: RingHash, ringHash: {hashFunction: MURMUR_HASH_2}}}",
       {"warning: loadBalancer: no hash policies: there is nothing to hash, so every choice is "
        "random; "
        "add one of type Connection with sourceIP",
        "error: loadBalancer.ringHash.hashFunction: MURMUR_HASH_2 is not supported; use XX_HASH"}},
      {"ring sizes",
       "{loadBalancer: {type: RingHash, ringHash: {minRingSize: 9, maxRingSize: 8}}}",
       {"warning: loadBalancer: no hash policies: there is nothing to hash, so every choice is "
        "random; "
        "add one of type Connection with sourceIP",
        "error: loadBalancer.ringHash.minRingSize: 9 is above maxRingSize, 8"}},
      {"too large a ring",
       "{loadBalancer: {type: RingHash, ringHash: {maxRingSize: 8000001}}}",
       {"warning: loadBalancer: no hash policies: there is nothing to hash, so every choice is "
        "random; "
        "add one of type Connection with sourceIP",
        "error: loadBalancer.ringHash.maxRingSize: '8000001' is not a whole number from 1 to "
        "8000000"}},
      {"not prime",
       "{loadBalancer: {type: Maglev, maglev: {tableSize: 65536}}}",
       {"warning: loadBalancer: no hash policies: there is nothing to hash, so every choice is "
        "random; "
        "add one of type Connection with sourceIP",
        "error: loadBalancer.maglev.tableSize: 65536 is not a prime number"}},
      {"1 is not prime",
       "{loadBalancer: {type: Maglev, maglev: {tableSize: 1}}}",
       {"warning: loadBalancer: no hash policies: there is nothing to hash, so every choice is "
        "random; "
        "add one of type Connection with sourceIP",
        "error: loadBalancer.maglev.tableSize: 1 is not a prime number"}},
      {"the largest table, without anything to hash",
       "{loadBalancer: {type: Maglev, maglev: {tableSize: 5000011}}}",
       {"warning: loadBalancer: no hash policies: there is nothing to hash, so every choice is "
        "random; "
        "add one of type Connection with sourceIP"}},
      {"larger than that",
       "{loadBalancer: {type: Maglev, maglev: {tableSize: 5000077}}}",
       {"warning: loadBalancer: no hash policies: there is nothing to hash, so every choice is "
        "random; "
        "add one of type Connection with sourceIP",
        "error: loadBalancer.maglev.tableSize: '5000077' is not a whole number from 1 to 5000011"}},
      {"every HTTP hash",
       "{loadBalancer: {type: Maglev, maglev: {hashPolicies: [{type: Header, header: {name: x}}, "
       "{type: Cookie, cookie: {name: c, ttl: 1s, path: /}}, {type: QueryParameter, "
       "queryParameter: {name: q}}, {type: FilterState, filterState: {key: k}}]}}}",
       {http_hash("loadBalancer.maglev.hashPolicies[0]", "Header"),
        http_hash("loadBalancer.maglev.hashPolicies[1]", "Cookie"),
        http_hash("loadBalancer.maglev.hashPolicies[2]", "QueryParameter"),
        http_hash("loadBalancer.maglev.hashPolicies[3]", "FilterState")}},
      {"a chain",
       "{loadBalancer: {type: RingHash, ringHash: {hashPolicies: [{type: Connection, terminal: "
       "true, connection: {sourceIP: true}}]}}}",
       {fmt::format("error: loadBalancer.ringHash.hashPolicies[0].terminal: {}", kChain)}},
      {"not by source",
       "{loadBalancer: {type: RingHash, ringHash: {hashPolicies: [{type: Connection, connection: "
       "{sourceIP: false}}, {type: Connection}]}}}",
       {"error: loadBalancer.ringHash.hashPolicies[0].connection.sourceIP: must be true: there is "
        "nothing else to hash",
        "error: loadBalancer.ringHash.hashPolicies[1].connection.sourceIP: must be true: there is "
        "nothing else to hash"}},
      {"hash policies beside the balancer",
       "{hashPolicies: [{type: Header, header: {name: x}}, {type: Nonce}, {}]}",
       {http_hash("hashPolicies[0]", "Header"),
        "error: hashPolicies[1].type: 'Nonce' is not one of Connection, Header, Cookie, "
        "QueryParameter, FilterState",
        "error: hashPolicies[2].type: missing"}},
  };
}

void expect_rows(const std::vector<ConfRow>& rows) {
  for (const ConfRow& row : rows) {
    EXPECT_THAT(diagnose_conf(row.conf), UnorderedElementsAreArray(row.lines)) << row.what;
  }
}

TEST(KumaParse, LocalityAwareness) { expect_rows(locality_rows()); }
TEST(KumaParse, LoadBalancer) { expect_rows(balancer_rows()); }

struct RefRow {
  const char* what;
  const char* top;  // spec.targetRef
  const char* to;   // spec.to[0].targetRef
  Lines lines;      // without their line
};

std::vector<RefRow> ref_rows() {
  constexpr const char* kMesh = "{kind: Mesh}";
  return {
      {"the whole mesh", kMesh, kMesh, {}},
      {"no top at all", "", kMesh, {}},
      {"every top", "{kind: MeshSubset, tags: {kuma.io/service: web}}", kMesh, {}},
      {"a service on top", "{kind: MeshService, name: web_demo_svc_80}", kMesh, {}},
      {"a subset of one",
       "{kind: MeshServiceSubset, name: web, tags: {kuma.io/zone: a}}",
       kMesh,
       {}},
      {"by proxies", "{kind: Mesh, proxyTypes: [Sidecar, Gateway]}", kMesh, {}},
      {"services by name", kMesh, "{kind: MeshService, name: backend_kuma-demo_svc_8080}", {}},
      {"and by namespace", kMesh, "{kind: MeshService, name: backend, namespace: demo}", {}},
      {"of several zones", kMesh, "{kind: MeshMultiZoneService, name: backend}", {}},
      {"a port by number", kMesh, "{kind: MeshService, name: b, sectionName: '80'}", {}},
      {"a port by name",
       kMesh,
       "{kind: MeshService, name: b, sectionName: http}",
       {"warning: spec.to[0].targetRef.sectionName: 'http' names a port, and WDS does not carry "
        "names of ports: the policy is for every port of the service; write the port's number to "
        "narrow it"}},
      {"services by the labels that names are",
       kMesh,
       "{kind: MeshService, labels: {kuma.io/display-name: b, k8s.kuma.io/namespace: demo}}",
       {}},
      {"and by others",
       kMesh,
       "{kind: MeshService, labels: {team: a}}",
       {"error: spec.to[0].targetRef.labels.team: services have no labels in WDS; use name and "
        "namespace",
        "error: spec.to[0].targetRef.labels.kuma.io/display-name: missing: services are known by "
        "name here"}},
      {"clients by labels",
       "{kind: Dataplane, labels: {app: web}}",
       kMesh,
       {"warning: spec.targetRef.labels: tag app is a label, which WDS does not carry: it selects "
        "clients only where a mesh file gives their labels"}},
      {"clients by name",
       "{kind: Dataplane, name: web-1}",
       kMesh,
       {"error: spec.targetRef.name: clients are not known by name here; select them by labels"}},
      {"gateways",
       "{kind: MeshGateway, name: g}",
       kMesh,
       {"error: spec.targetRef.kind: MeshGateway is not supported: gateways are not balanced here; "
        "keep the policy in Kuma"}},
      {"only gateways",
       "{kind: Mesh, proxyTypes: [Gateway]}",
       kMesh,
       {"error: spec.targetRef.proxyTypes: only Gateway: gateways are not balanced here"}},
      {"routes",
       kMesh,
       "{kind: MeshHTTPRoute, name: r}",
       {"error: spec.to[0].targetRef.kind: MeshHTTPRoute is not supported: HTTP routes are not "
        "seen "
        "at connect time; keep the policy in Kuma"}},
      {"external services",
       kMesh,
       "{kind: MeshExternalService, name: r}",
       {"error: spec.to[0].targetRef.kind: MeshExternalService is not supported: external services "
        "are not balanced here; keep the policy in Kuma"}},
      {"no kind, and no such kind",
       "{name: a}",
       "{kind: Service}",
       {"error: spec.targetRef.kind: missing",
        "error: spec.to[0].targetRef.kind: 'Service' is not one of Mesh, MeshService, "
        "MeshMultiZoneService"}},
      {"fields of other kinds",
       "{kind: Mesh, name: a, tags: {b: c}}",
       "{kind: Mesh, sectionName: a}",
       {"error: spec.targetRef.name: does not go with kind Mesh",
        "error: spec.targetRef.tags: does not go with kind Mesh",
        "error: spec.to[0].targetRef.sectionName: does not go with kind Mesh"}},
      {"no name",
       kMesh,
       "{kind: MeshService, title: a}",
       {"error: spec.to[0].targetRef.name: missing",
        "error: spec.to[0].targetRef.title: unknown field"}},
  };
}

TEST(KumaParse, TargetRefs) {
  for (const RefRow& row : ref_rows()) {
    const std::string top = *row.top == '\0' ? "" : fmt::format("  targetRef: {}\n", row.top);
    const std::string text = fmt::format(
        "apiVersion: kuma.io/v1alpha1\nkind: MeshLoadBalancingStrategy\n"
        "metadata: {{name: p, namespace: kuma-system, labels: {{kuma.io/mesh: m}}}}\n"
        "spec:\n{}  to: [{{targetRef: {}, default: {{}}}}]\n",
        top, row.to);
    Lines lines;
    for (const std::string& line : diagnose(text)) lines.push_back(line.substr(line.find(' ') + 1));
    EXPECT_THAT(lines, UnorderedElementsAreArray(row.lines)) << row.what;
  }
}

struct DocumentRow {
  const char* what;
  const char* text;
  Lines lines;
};

std::vector<DocumentRow> document_rows() {
  return {
      {"universal shape",
       "type: MeshLoadBalancingStrategy\nname: p\nmesh: m\nspec:\n  to: [{targetRef: {kind: "
       "Mesh}}]\n",
       {}},
      {"universal without a name",
       "type: MeshLoadBalancingStrategy\nspec:\n  to: [{targetRef: {kind: Mesh}}]\n",
       {"1: error: name: missing"}},
      {"no spec",
       "apiVersion: kuma.io/v1alpha1\nkind: MeshLoadBalancingStrategy\nmetadata: {name: p}\n",
       {"1: error: spec: missing"}},
      {"no to",
       "apiVersion: kuma.io/v1alpha1\nkind: MeshLoadBalancingStrategy\nmetadata: {name: p}\nspec: "
       "{}\n",
       {"4: error: spec.to: missing"}},
      {"no target",
       "apiVersion: kuma.io/v1alpha1\nkind: MeshLoadBalancingStrategy\nmetadata: {name: p}\nspec:\n"
       "  to:\n  - default: {}\n",
       {"6: error: spec.to[0].targetRef: missing"}},
      {"a version to come",
       "apiVersion: kuma.io/v2\nkind: MeshLoadBalancingStrategy\nmetadata: {name: p}\nspec:\n  to: "
       "[{targetRef: {kind: Mesh}}]\n",
       {"1: error: apiVersion: 'v2' is not v1alpha1"}},
      {"all errors at once, each at its line",
       "apiVersion: kuma.io/v1alpha1\n"
       "kind: MeshLoadBalancingStrategy\n"
       "metadata: {name: p}\n"
       "spec:\n"
       "  from: []\n"
       "  to:\n"
       "  - targetRef: {kind: Mesh}\n"
       "    default:\n"
       "      localityAwareness:\n"
       "        disabled: 1\n"
       "      loadBalancer:\n"
       "        type: Worst\n",
       {"5: error: spec.from: unknown field",
        "10: error: spec.to[0].default.localityAwareness.disabled: '1' is neither true nor false",
        "12: error: spec.to[0].default.loadBalancer.type: 'Worst' is not one of RoundRobin, "
        "LeastRequest, RingHash, Random, Maglev"}},
      {"health is the control plane's",
       "apiVersion: kuma.io/v1alpha1\nkind: MeshHealthCheck\nmetadata: {name: p}\n",
       {"1: warning: kind: MeshHealthCheck is not used: endpoints leave when the control plane "
        "reports them unhealthy; use a readiness probe"}},
      {"kinds that say nothing here",
       "apiVersion: kuma.io/v1alpha1\nkind: MeshTimeout\nmetadata: {name: p}\n---\ntype: "
       "Mesh\nname: "
       "m\n",
       {"1: warning: kind: MeshTimeout is not used: it says nothing about where connections go",
        "5: warning: type: Mesh is not used: it says nothing about where connections go"}},
  };
}

TEST(KumaParse, Documents) {
  for (const DocumentRow& row : document_rows()) {
    EXPECT_THAT(diagnose(row.text), UnorderedElementsAreArray(row.lines)) << row.what;
  }
}

}  // namespace
}  // namespace vicinity::testing
