// Every field of DestinationRule and of the documents that hold a MeshConfig: implemented, or said
// by its path to have no effect, and what to use instead. (Those of outlierDetection have a test of
// their own.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/policy_field_rows.h"

namespace vicinity::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kNotEnforced =
    "warning: is not enforced: a connection is only given a destination; keep a waypoint or a "
    "sidecar for it";
const std::string kHttp =
    "warning: is not enforced: HTTP is not seen at connect time; use a waypoint";
const std::string kSocket =
    "warning: is not enforced: connections keep the options that the application sets; set it "
    "there, or keep a waypoint or a sidecar";
const std::string kTls =
    "warning: is not done here: connections leave as the application made them; leave services "
    "that need mesh TLS to ztunnel or the sidecar";
const std::string kRetries =
    "warning: is not enforced: there are no retries at connect time; use a waypoint";
const std::string kWarmup =
    "warning: is not done: new endpoints take their full share at once; delay their readiness "
    "instead";
const std::string kHashKey =
    "error: cannot be hashed: HTTP is not seen at connect time; use useSourceIp, or a waypoint";
const std::string kUnknown = "error: unknown field";
const std::string kElsewhere = "warning: says nothing about where connections go, and is not used";

// Of trafficPolicy and of portLevelSettings alike.
std::vector<FieldRow> port_policy_rows() {
  return {
      {"loadBalancer.simple", "ROUND_ROBIN", ""},
      {"loadBalancer.consistentHash", "{useSourceIp: true}", ""},
      {"loadBalancer.consistentHash", "{useSourceIp: true, ringHash: {minimumRingSize: 512}}", ""},
      {"loadBalancer.consistentHash", "{useSourceIp: true, minimumRingSize: 512}", ""},
      {"loadBalancer.consistentHash", "{useSourceIp: true, maglev: {tableSize: 251}}", ""},
      {"loadBalancer.consistentHash.httpHeaderName", "x", kHashKey},
      {"loadBalancer.consistentHash.httpCookie", "{name: c, path: /, ttl: 1s}", kHashKey},
      {"loadBalancer.consistentHash.httpQueryParameterName", "q", kHashKey},
      {"loadBalancer.consistentHash.useSourceIp", "false", "error: no hash key: must be true"},
      {"loadBalancer.localityLbSetting.enabled", "false", ""},
      {"loadBalancer.localityLbSetting.distribute", "[{from: a, to: {a: 100}}]", ""},
      {"loadBalancer.localityLbSetting", "{failover: [{from: a, to: b}]}",
       "warning: failover has no effect without outlierDetection beside loadBalancer"},
      {"loadBalancer.localityLbSetting", "{failoverPriority: [topology.kubernetes.io/zone]}",
       "warning: failover has no effect without outlierDetection beside loadBalancer"},
      {"loadBalancer.localityLbSetting.colour", "red", kUnknown},
      {"loadBalancer.warmup.duration", "30s", kWarmup},
      {"loadBalancer.warmup.minimumPercent", "10", kWarmup},
      {"loadBalancer.warmup.aggression", "1", kWarmup},
      {"loadBalancer.warmup.colour", "red", kUnknown},
      {"loadBalancer.warmupDurationSecs", "30s", kWarmup},
      {"loadBalancer.colour", "red", kUnknown},
      {"connectionPool.tcp.maxConnections", "1", kNotEnforced},
      {"connectionPool.tcp.connectTimeout", "1s", kSocket},
      {"connectionPool.tcp.tcpKeepalive.probes", "3", kSocket},
      {"connectionPool.tcp.tcpKeepalive.time", "1s", kSocket},
      {"connectionPool.tcp.tcpKeepalive.interval", "1s", kSocket},
      {"connectionPool.tcp.tcpKeepalive.colour", "red", kUnknown},
      {"connectionPool.tcp.maxConnectionDuration", "1h", kNotEnforced},
      {"connectionPool.tcp.idleTimeout", "1h", kNotEnforced},
      {"connectionPool.tcp.colour", "red", kUnknown},
      {"connectionPool.http.http1MaxPendingRequests", "1", kHttp},
      {"connectionPool.http.http2MaxRequests", "1", kHttp},
      {"connectionPool.http.maxRequestsPerConnection", "1", kHttp},
      {"connectionPool.http.maxRetries", "1", kHttp},
      {"connectionPool.http.idleTimeout", "1s", kHttp},
      {"connectionPool.http.h2UpgradePolicy", "UPGRADE", kHttp},
      {"connectionPool.http.useClientProtocol", "true", kHttp},
      {"connectionPool.http.maxConcurrentStreams", "1", kHttp},
      {"connectionPool.http.colour", "red", kUnknown},
      {"connectionPool.colour", "red", kUnknown},
      {"connectionPool", "3", "error: must be a map, is a plain value"},
      {"tls.mode", "MUTUAL", kTls},
      {"tls.clientCertificate", "/a", kTls},
      {"tls.privateKey", "/a", kTls},
      {"tls.caCertificates", "/a", kTls},
      {"tls.credentialName", "a", kTls},
      {"tls.subjectAltNames", "[a]", kTls},
      {"tls.sni", "a", kTls},
      {"tls.insecureSkipVerify", "true", kTls},
      {"tls.caCrl", "/a", kTls},
      {"tls.colour", "red", kUnknown},
  };
}

std::vector<FieldRow> rule_rows() {
  return {
      {"trafficPolicy.tunnel.protocol", "CONNECT", kNotEnforced},
      {"trafficPolicy.tunnel.targetHost", "a", kNotEnforced},
      {"trafficPolicy.tunnel.targetPort", "1", kNotEnforced},
      {"trafficPolicy.tunnel.colour", "red", kUnknown},
      {"trafficPolicy.proxyProtocol.version", "V2", kNotEnforced},
      {"trafficPolicy.retryBudget.percent", "20", kRetries},
      {"trafficPolicy.retryBudget.minRetryConcurrency", "3", kRetries},
      {"trafficPolicy.portLevelSettings[0].port.number", "80", ""},
      {"trafficPolicy.portLevelSettings[0].port.number", "0",
       "error: '0' is not a whole number from 1 to 65535"},
      {"trafficPolicy.portLevelSettings[0].port.colour", "red", kUnknown},
      {"trafficPolicy.colour", "red", kUnknown},
      {"subsets[0]", "{name: v1, labels: {version: v1}, trafficPolicy: {tls: {mode: SIMPLE}}}",
       "warning: subset 'v1' is not used: only a VirtualService route chooses it; make it a "
       "service of its own, or use a waypoint"},
      {"exportTo", "['.', other]", ""},
      {"workloadSelector", "{matchLabels: {app: a}}",
       "warning: selects clients by their labels, which a node's tables do not tell apart: the "
       "rule is used only where the client's labels are known"},
      {"workloadSelector.matchExpressions", "[]", kUnknown},
      {"colour", "red", kUnknown},
  };
}

std::string rule_with(const std::string& members) {
  return "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a, "
         "namespace: ns}\nspec: {host: web, " +
         members + "}\n";
}

TEST(IstioFields, EveryFieldOfADestinationRule) {
  for (const FieldRow& row : rule_rows()) {
    expect_field(row, "spec.", rule_with(nested(row.path, row.value)));
  }
  for (const FieldRow& row : port_policy_rows()) {
    const std::string policy = "{" + nested(row.path, row.value) + "}";
    expect_field(row, "spec.trafficPolicy.", rule_with("trafficPolicy: " + policy));
    const std::string port = "{port: {number: 80}, " + policy.substr(1);
    expect_field(row, "spec.trafficPolicy.portLevelSettings[0].",
                 rule_with("trafficPolicy: {portLevelSettings: [" + port + "]}"));
  }
}

// Those that come with a warning of the whole.
TEST(IstioFields, ZoneAwareSetting) {
  const std::string whole =
      "warning: spec.trafficPolicy.loadBalancer.zoneAwareLbSetting: only its tiers of regions are "
      "done: inside a region all zones share evenly; use localityLbSetting to prefer the own zone";
  const auto findings = [](const std::string& setting) {
    return field_findings(
        rule_with("trafficPolicy: {loadBalancer: {zoneAwareLbSetting: " + setting + "}}"));
  };
  for (const char* setting : {"{enabled: true}", "{failover: [{from: a, to: b}]}",
                              "{failoverPriority: [topology.istio.io/network]}"}) {
    EXPECT_THAT(findings(setting), ElementsAre(whole)) << setting;
  }
  EXPECT_THAT(findings("{minClusterSize: 3}"),
              ElementsAre(whole,
                          "warning: "
                          "spec.trafficPolicy.loadBalancer.zoneAwareLbSetting.minClusterSize: has "
                          "no effect: zones are not balanced inside a region"));
  EXPECT_EQ(findings("{colour: red}").back(),
            "error: spec.trafficPolicy.loadBalancer.zoneAwareLbSetting.colour: unknown field");
}

std::vector<FieldRow> mesh_rows() {
  return {
      {"localityLbSetting.enabled", "true", ""},
      {"localityLbSetting.distribute", "[{from: 'a/*', to: {'a/*': 80, b: 20}}]", ""},
      {"localityLbSetting.failover", "[{from: a, to: b}]", ""},
      {"localityLbSetting.failoverPriority", "[topology.kubernetes.io/zone]", ""},
      {"localityLbSetting.colour", "red", kUnknown},
      {"zoneAwareLbSetting", "{enabled: true}",
       "warning: only its tiers of regions are done: inside a region all zones share evenly; use "
       "localityLbSetting to prefer the own zone"},
      {"rootNamespace", "mesh", ""},
      {"defaultTrafficPolicy", "{connectionPool: {}}",
       "warning: is not used: write outlierDetection into the DestinationRules"},
      {"defaultDestinationRuleExportTo", "['.']",
       "warning: is not used: write exportTo into the DestinationRules"},
      {"trustDomain", "cluster.local", "warning: says nothing about where connections go"},
      {"accessLogFile", "/dev/stdout", kElsewhere},
      {"outboundTrafficPolicy", "{mode: REGISTRY_ONLY}", kElsewhere},
  };
}

// Around a MeshConfig's members, and what its findings begin with.
struct ShapeRow {
  const char* before;
  const char* after;
  const char* head;
};
const std::vector<ShapeRow> kShapes = {
    {"apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\nspec: {", "}\n", "spec."},
    {"kind: MeshConfig\n", "\n", ""},
    {"apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: a}\nspec: "
     "{meshConfig: {",
     "}}\n", "spec.meshConfig."},
    {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\ndata:\n  mesh: |-\n    ", "\n",
     "data.mesh."},
    {"meshConfig: {", ", localityLbSetting: {}}\n", "meshConfig."},
    {"global: {", ", localityLbSetting: {}}\n", "global."},
    {"localityLbSetting: {}\n", "\n", ""},
};

TEST(IstioFields, EveryFieldOfAMeshConfigInEveryShape) {
  for (const ShapeRow& shape : kShapes) {
    for (const FieldRow& row : mesh_rows()) {
      const std::string before = shape.before;
      const std::string after = shape.after;
      const bool has_one = before.find("localityLbSetting") != std::string::npos ||
                           after.find("localityLbSetting") != std::string::npos;
      // The shapes that are known by their settings need some: not twice.
      if (has_one && row.path.starts_with("localityLbSetting")) continue;
      expect_field(row, shape.head, before + nested(row.path, row.value) + after);
    }
  }
}

TEST(IstioFields, WhatStandsBesideAMeshConfig) {
  const std::string iop =
      "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: "
      "{name: a}\nspec: {meshConfig: {localityLbSetting: {}}, ";
  const std::string map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\n";
  EXPECT_THAT(field_findings(iop + "profile: ambient}\n"),
              ElementsAre("warning: spec.profile: says nothing about where connections go, and is "
                          "not used"));
  EXPECT_THAT(field_findings(iop + "values: {global: {localityLbSetting: {}}}}\n"),
              ElementsAre("error: spec.values: its locality settings are not read: write them into "
                          "spec.meshConfig"));
  EXPECT_THAT(
      field_findings(map + "data:\n  meshNetworks: ''\n  mesh: '{localityLbSetting: {}}'\n"),
      ElementsAre("warning: data.meshNetworks: says nothing about where connections go, "
                  "and is not used"));
  EXPECT_THAT(field_findings(map + "data: {mesh: '{}'}\ncolour: red\n"),
              ElementsAre("error: colour: unknown field"));
  EXPECT_THAT(field_findings("meshConfig: {localityLbSetting: {}}\npilot: {cni: true}\n"),
              ElementsAre("warning: pilot: says nothing about where connections go, and is not "
                          "used"));
  EXPECT_THAT(field_findings(map + "immutable: true\ndata: {mesh: '{}'}\n"), IsEmpty());
}

}  // namespace
}  // namespace vicinity::testing
