// localityLbSetting: what is said of each field that is wrong, or has no effect.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/policy_field_rows.h"

namespace vicinity::testing {
namespace {

struct Row {
  std::string setting;                // in flow style
  std::vector<std::string> findings;  // behind "SEVERITY: spec.trafficPolicy...localityLbSetting."
};

std::vector<Row> distribute_rows() {
  return {
      {"{distribute: [{from: 'a/*', to: {'a/*': 70, 'b/*': 30}}, {from: '*', to: {b: 100}}]}", {}},
      {"{distribute: [{from: a/b/c, to: {a/b: 100}}, {from: 'a/b/*', to: {'*': 100}}]}", {}},
      {"{distribute: [{from: a, to: {a: 60, b: 30}}]}",
       {"error: distribute[0].to: the percentages sum to 90, not 100"}},
      {"{distribute: [{from: a, to: {a: 0, b: 100}}]}",
       {"error: distribute[0].to.a: '0' is not a whole number from 1 to 100"}},
      {"{distribute: [{from: a}]}", {"error: distribute[0].to: missing"}},
      {"{distribute: [{to: {a: 100}}]}", {"error: distribute[0].from: '' has an empty level"}},
      {"{distribute: [{from: a//c, to: {a: 100}}]}",
       {"error: distribute[0].from: 'a//c' has an empty level"}},
      {"{distribute: [{from: a/b/c/d, to: {a: 100}}]}",
       {"error: distribute[0].from: 'a/b/c/d' has more than region/zone/subzone"}},
      {"{distribute: [{from: '*/b', to: {a: 100}}]}",
       {"error: distribute[0].from: '*/b': a wildcard is the whole last level"}},
      {"{distribute: [{from: a, to: {'b*': 100}}]}",
       {"error: distribute[0].to.b*: 'b*': a wildcard is the whole last level"}},
      {"{distribute: [{from: a, to: {a: 50, 'a/*': 50}}]}",
       {"error: distribute[0].to.a/*: overlaps with a locality above: which of them counts would "
        "be "
        "left to chance"}},
      {"{distribute: [{from: a, to: {a: 100}}, {from: a/b, to: {a: 100}}]}",
       {"error: distribute[1].from: 'a/b' is covered by a rule above, which always wins"}},
      {"{distribute: [{from: a, to: {a: 100}, colour: red}]}",
       {"error: distribute[0].colour: unknown field"}},
      {"{distribute: {from: a}}", {"error: distribute: must be a list, is a map"}},
      {"{distribute: [{from: a, to: {a: 100}}], failover: [{from: a, to: b}]}",
       {"error: failover: together with distribute: only one of them can be"}},
      {"{distribute: [{from: a, to: {a: 100}}], failoverPriority: [topology.istio.io/network]}",
       {"warning: failoverPriority: has no effect together with distribute"}},
  };
}

std::vector<Row> failover_rows() {
  return {
      {"{failover: [{from: a, to: b}, {from: b, to: c}]}", {}},
      {"{failover: [{from: a/b, to: c}]}",
       {"error: failover[0].from: 'a/b': failover is between regions; use failoverPriority for "
        "zones"}},
      {"{failover: [{from: a, to: '*'}]}",
       {"error: failover[0].to: '*': a region, without a wildcard"}},
      {"{failover: [{from: a, to: a}]}", {"error: failover[0].to: is the region itself, 'a'"}},
      {"{failover: [{from: a, to: b}, {from: a, to: c}]}",
       {"warning: failover[1].from: 'a' has a rule above: this one has no effect"}},
      {"{failover: [{from: a, to: b, colour: red}]}", {"error: failover[0].colour: unknown field"}},
      {"{failoverPriority: [topology.kubernetes.io/region, topology.kubernetes.io/zone=z, "
       "service.istio.io/canonical-name]}",
       {}},
      {"{failoverPriority: [version]}",
       {"warning: failoverPriority: label version: WDS does not carry it, so only workloads of a "
        "mesh file can have it"}},
      {"{failoverPriority: [topology.istio.io/network=a=b]}",
       {"warning: failoverPriority: 'topology.istio.io/network=a=b': more than one \"=\", so it "
        "overrides nothing"}},
      {"{failoverPriority: [{a: b}]}", {"error: failoverPriority[0]: must be text, is a map"}},
      {"{failover: [{from: a, to: b}], failoverPriority: [topology.kubernetes.io/zone]}",
       {"error: failoverPriority: topology.kubernetes.io/zone together with failover: both rank "
        "localities"}},
      {"{failover: [{from: a, to: b}], failoverPriority: [topology.kubernetes.io/zone=z]}", {}},
      {"{enabled: maybe}", {"error: enabled: 'maybe' is neither true nor false"}},
  };
}

void expect_rows(const std::vector<Row>& rows) {
  const std::string head = "spec.trafficPolicy.loadBalancer.localityLbSetting.";
  for (const Row& row : rows) {
    std::vector<std::string> expected;
    for (const std::string& one : row.findings) {
      const size_t colon = one.find(": ");
      expected.push_back(one.substr(0, colon + 2) + head + one.substr(colon + 2));
    }
    const std::string document =
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a, namespace: "
        "ns}\nspec: {host: web, trafficPolicy: {outlierDetection: {}, loadBalancer: "
        "{localityLbSetting: " +
        row.setting + "}}}\n";
    EXPECT_EQ(field_findings(document), expected) << row.setting;
  }
}

TEST(IstioLocality, Distribute) { expect_rows(distribute_rows()); }
TEST(IstioLocality, Failover) { expect_rows(failover_rows()); }

// What is no policy here says what to use instead.

TEST(PolicyKinds, OtherKindsSayWhatToUseInstead) {
  const std::string istio = "apiVersion: networking.istio.io/v1\nkind: ";
  const std::string kuma = "apiVersion: kuma.io/v1alpha1\nkind: ";
  const std::vector<std::pair<std::string, std::string>> rows = {
      {istio + "VirtualService",
       "is not used: routes are chosen per request, which is not seen at connect time; use a "
       "waypoint or a gateway for them"},
      {istio + "ServiceEntry", "is not used: its services come from the feed"},
      {istio + "WorkloadEntry", "is not used: its workloads come from the feed"},
      {istio + "WorkloadGroup", "is not used: its workloads come from the feed"},
      {istio + "Gateway", "is not used: connections from outside never connect() on a node"},
      {istio + "Sidecar", "is not used: there is no sidecar to configure"},
      {istio + "EnvoyFilter", "is not used: there is no Envoy to configure"},
      {istio + "ProxyConfig", "is not used: there is no proxy to configure"},
      {"apiVersion: security.istio.io/v1\nkind: PeerAuthentication",
       "of security.istio.io is not used: it says nothing about where connections go"},
      {kuma + "MeshProxyPatch",
       "is not used: there is no Envoy to patch; connections are balanced one by one, so nothing "
       "has to limit the requests of one"},
      {kuma + "MeshHTTPRoute",
       "is not used: routes are chosen by a proxy, and there is none at connect time; keep the "
       "service's proxy for them"},
      {kuma + "MeshTCPRoute",
       "is not used: routes are chosen by a proxy, and there is none at connect time; keep the "
       "service's proxy for them"},
      {kuma + "ZoneEgress",
       "is not used: connections go to the endpoints of other zones directly; where those are not "
       "reachable, keep the service's proxy"},
      {kuma + "ZoneIngress",
       "is not used: connections go to the endpoints of other zones directly; where those are not "
       "reachable, keep the service's proxy"},
  };
  for (const auto& [head, said] : rows) {
    const std::string kind = head.substr(head.rfind(' ') + 1);
    const std::vector<std::string> expected = {"warning: kind: " + kind + " " + said};
    EXPECT_EQ(field_findings(head + "\nmetadata: {name: a}\nspec: {anything: 1}\n"), expected);
  }
}

}  // namespace
}  // namespace vicinity::testing
