// ConnectionPolicy: what is refused, which of several counts, and what it adds to others' plans.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "support/paths.h"
#include "unit/model_rows.h"
#include "unit/policy_rows.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kService = "ns/svc.ns.svc.cluster.local";
constexpr const char* kOther = "ns/other.ns.svc.cluster.local";

// `spec` in flow style.
std::string policy_text(const std::string& id, const std::string& spec) {
  const size_t slash = id.find('/');
  return fmt::format(
      "---\napiVersion: vicinity.io/v1alpha1\nkind: ConnectionPolicy\nmetadata: {{name: {}, "
      "namespace: {}}}\nspec: {}\n",
      id.substr(slash + 1), id.substr(0, slash), spec);
}

std::vector<std::string> findings(const std::string& text) {
  const policy::book::FileText file{.file = "p.yaml", .text = text};
  std::vector<std::string> lines;
  for (const auto& finding : policy::book::load({&file, 1}).findings) {
    lines.push_back(to_text(finding));
  }
  return lines;
}

struct ParseRow {
  std::string spec;
  std::vector<std::string> findings;  // behind "p.yaml:5: error: ConnectionPolicy ns/a: "
};
const std::vector<ParseRow> kParseRows = {
    {"{service: svc, sessionAffinity: {}}", {}},
    {"{service: '*', ports: [80, 443], sessionAffinity: {timeout: 24h}}", {}},
    {"{service: svc.ns.svc.cluster.local, sessionAffinity: {timeout: 1m30s}}", {}},
    {"{sessionAffinity: {}}", {"spec.service: missing; \"*\" is every service"}},
    {"{service: 'web-*', sessionAffinity: {}}",
     {"spec.service: 'web-*' is neither the name of a service nor \"*\""}},
    {"{service: svc}",
     {"spec.sessionAffinity: missing, and spillByLoad too: the policy would say nothing"}},
    {"{service: svc, sessionAffinity: ClientIP}",
     {"spec.sessionAffinity: must be a map, is a plain value"}},
    {"{service: svc, ports: [], sessionAffinity: {}}",
     {"spec.ports: no ports: leave it out for every port"}},
    {"{service: svc, ports: 80, sessionAffinity: {}}",
     {"spec.ports: must be a list, is a plain value"}},
    {"{service: svc, ports: [80, 0, http, 80], sessionAffinity: {}}",
     {"spec.ports: 80 stands twice", "spec.ports[1]: '0' is not a whole number from 1 to 65535",
      "spec.ports[2]: 'http' is not a whole number from 1 to 65535"}},
    {"{service: svc, sessionAffinity: {timeout: 25h}}",
     {"spec.sessionAffinity.timeout: '25h' is not whole seconds from 1s to 24h"}},
    {"{service: svc, sessionAffinity: {timeout: 500ms}}",
     {"spec.sessionAffinity.timeout: '500ms' is not whole seconds from 1s to 24h"}},
    {"{service: svc, sessionAffinity: {timeout: 1.5s}}",
     {"spec.sessionAffinity.timeout: '1.5s' is not whole seconds from 1s to 24h"}},
    {"{service: svc, sessionAffinity: {timeout: soon}}",
     {"spec.sessionAffinity.timeout: 'soon' is not a duration like 30s or 1m30s"}},
    {"{service: svc, spillByLoad: {maxActivePerCapacity: 0.5}}", {}},
    {"{service: svc, spillByLoad: {connectTimeMultiple: 3, interval: 1m, step: 5, maxSharePercent: "
     "100}, sessionAffinity: {}}",
     {}},
    {"{service: svc, spillByLoad: {}}",
     {"spec.spillByLoad.maxActivePerCapacity: missing, and connectTimeMultiple too: no tier would "
      "ever be over"}},
    {"{service: svc, spillByLoad: on}", {"spec.spillByLoad: must be a map, is a plain value"}},
    {"{service: svc, spillByLoad: {maxActivePerCapacity: 0, connectTimeMultiple: 1.4, interval: "
     "500ms, step: 51, maxSharePercent: 0, minSamples: 3}}",
     {"spec.spillByLoad.connectTimeMultiple: '1.4' is not a number from 1.5 to 1000",
      "spec.spillByLoad.interval: '500ms' is not a duration from 1s to 1h",
      "spec.spillByLoad.maxActivePerCapacity: '0' is not a number from 0.001 to 1000000",
      "spec.spillByLoad.maxSharePercent: '0' is not a whole number from 1 to 100",
      "spec.spillByLoad.minSamples: unknown field",
      "spec.spillByLoad.step: '51' is not a whole number from 1 to 50"}},
    {"{service: svc, spillByLoad: {maxActivePerCapacity: many, connectTimeMultiple: nan}}",
     {"spec.spillByLoad.connectTimeMultiple: 'nan' is not a number from 1.5 to 1000",
      "spec.spillByLoad.maxActivePerCapacity: 'many' is not a number from 0.001 to 1000000"}},
    {"{service: svc, sessionAffinity: {cookie: a}, locality: {}}",
     {"spec.locality: unknown field", "spec.sessionAffinity.cookie: unknown field"}},
};

TEST(NativePolicy, EverythingWrongIsSaidAtOnce) {
  for (const ParseRow& row : kParseRows) {
    std::vector<std::string> expected;
    for (const std::string& one : row.findings) {
      expected.push_back("p.yaml:5: error: ConnectionPolicy ns/a: " + one);
    }
    EXPECT_EQ(findings(policy_text("ns/a", row.spec)), expected) << row.spec;
  }
}

TEST(NativePolicy, OtherKindsAndVersionsAreErrors) {
  EXPECT_THAT(findings("apiVersion: vicinity.io/v1alpha1\nkind: ConnectionPolcy\nmetadata: {name: "
                       "a}\n"),
              ElementsAre("p.yaml:1: error: ConnectionPolcy default/a: kind: ConnectionPolcy is "
                          "not ConnectionPolicy"));
  EXPECT_THAT(findings("apiVersion: vicinity.io/v2\nkind: ConnectionPolicy\nmetadata: {name: "
                       "a}\nspec: {service: s, sessionAffinity: {}}\n"),
              ElementsAre("p.yaml:1: error: ConnectionPolicy default/a: apiVersion: 'v2' is not "
                          "v1alpha1"));
}

// Two services on ports 80 and 81 with an endpoint near and one far.
class NativeScene {
 public:
  explicit NativeScene(const std::string& documents,
                       model::RoutingMode mode = model::RoutingMode::kUnspecified) {
    const std::map<std::string, std::vector<PortRow>> both = {{kService, {}}, {kOther, {}}};
    world.apply({.removed = {},
                 .services = {{.key = kService,
                               .addresses = {"10.96.0.10"},
                               .ports = {{80, 8080}, {81, 8081}},
                               .mode = mode},
                              {.key = kOther, .addresses = {"10.96.0.11"}}},
                 .workloads = {
                     {.uid = "self", .addresses = {"10.0.0.9"}, .region = "r", .node = "here"},
                     {.uid = "near", .addresses = {"10.0.0.1"}, .region = "r", .services = both},
                     {.uid = "far", .addresses = {"10.0.0.2"}, .region = "q", .services = both}}});
    world.options.policies = book_of(documents);
  }
  // "round_robin affinity=60s".
  std::string algorithm(const char* service = kService, int port = 80) {
    const auto plan = compile::plan_port(world.snapshot, request(service, port), world.options);
    return plan.ok() ? to_text(plan->algorithm) : std::string(plan.status().message());
  }
  // "active=5 interval=10s step=10% max=50%".
  std::string load_spill(const char* service = kService, int port = 80) {
    const auto plan = compile::plan_port(world.snapshot, request(service, port), world.options);
    return plan.ok() && plan->load_spill ? to_text(*plan->load_spill) : "none";
  }
  // Plan::planned_percents.
  std::vector<uint32_t> planned_for_a_client_in(const char* region) {
    auto asked = request(kService, 80);
    asked.client.place.region = world.symbol(region);
    const auto plan = compile::plan_port(world.snapshot, asked, world.options);
    return plan.ok() ? plan->planned_percents : std::vector<uint32_t>{0};
  }
  std::vector<std::string> verdicts(int port = 80) {
    std::vector<std::string> lines;
    const auto resolution =
        compile::resolve_port(world.snapshot, request(kService, port), world.options);
    for (const auto& one : resolution.applied) {
      lines.push_back(fmt::format("+ {}: {}", to_text(one.document->id), one.why));
    }
    for (const auto& one : resolution.passed_over) {
      lines.push_back(fmt::format("- {}: {}", to_text(one.document->id), one.why));
    }
    return lines;
  }

  World world;

 private:
  compile::PlanRequest request(const char* service, int port) {
    return {.query = {.service = world.symbol(service), .port = static_cast<uint16_t>(port)},
            .client = world.snapshot.self()};
  }
};

struct PrecedenceRow {
  const char* what;
  std::vector<std::pair<std::string, std::string>> policies;  // id, spec without sessionAffinity
  std::string on_80;
  std::string on_81;
};

// A policy's timeout is its place in the list, from 1.
TEST(NativePolicy, Precedence) {
  const PrecedenceRow rows[] = {
      {"by name", {{"ns/a", "service: svc"}}, "random affinity=1s", "random affinity=1s"},
      {"by host name",
       {{"ns/a", "service: svc.ns.svc.cluster.local"}},
       "random affinity=1s",
       "random affinity=1s"},
      {"another service", {{"ns/a", "service: other"}}, "random", "random"},
      {"another namespace", {{"else/a", "service: svc"}}, "random", "random"},
      {"everything of another namespace", {{"else/a", "service: '*'"}}, "random", "random"},
      {"one port",
       {{"ns/b", "service: svc"}, {"ns/c", "service: svc, ports: [81]"}},
       "random affinity=1s",
       "random affinity=2s"},
      {"a name before all",
       {{"ns/a", "service: '*'"}, {"ns/b", "service: svc"}},
       "random affinity=2s",
       "random affinity=2s"},
      {"a name before a port of all",
       {{"ns/a", "service: '*', ports: [80]"}, {"ns/b", "service: svc"}},
       "random affinity=2s",
       "random affinity=2s"},
      {"the own namespace before the root namespace",
       {{"istio-system/a", "service: svc, ports: [80]"}, {"ns/b", "service: '*'"}},
       "random affinity=2s",
       "random affinity=2s"},
      {"the root namespace",
       {{"istio-system/a", "service: '*'"}},
       "random affinity=1s",
       "random affinity=1s"},
      {"of equals the first name",
       {{"ns/b", "service: svc"}, {"ns/a", "service: svc"}},
       "random affinity=2s",
       "random affinity=2s"},
  };
  for (const PrecedenceRow& row : rows) {
    std::string text;
    for (size_t i = 0; i < row.policies.size(); ++i) {
      const auto& [id, spec] = row.policies[i];
      text +=
          policy_text(id, fmt::format("{{{}, sessionAffinity: {{timeout: {}s}}}}", spec, i + 1));
    }
    NativeScene scene(text);
    EXPECT_EQ(scene.algorithm(), row.on_80) << row.what;
    EXPECT_EQ(scene.algorithm(kService, 81), row.on_81) << row.what;
  }
}

TEST(NativePolicy, AddsToWhateverAnotherSourceDecides) {
  const std::string keep = policy_text("ns/a", "{service: svc, sessionAffinity: {timeout: 60s}}");
  const std::string ring =
      destination_rule("ns", "r", "svc.ns.svc.cluster.local",
                       "{outlierDetection: {}, loadBalancer: {consistentHash: {useSourceIp: true, "
                       "maglev: {tableSize: 251}}}}");
  NativeScene scene(keep + ring);
  EXPECT_EQ(scene.algorithm(), "maglev size=251 hash=source_ip affinity=60s");
  EXPECT_EQ(scene.world.shares(kService), (std::map<std::string, double>{{"near", 100.0}}));
  EXPECT_THAT(scene.verdicts(),
              ElementsAre("+ DestinationRule ns/r: its host, in the service's namespace",
                          "+ ConnectionPolicy ns/a: clients keep their endpoint"));
  EXPECT_EQ(scene.algorithm(kOther), "random");
}

// What a policy does not say is taken from the next that does.
TEST(NativePolicy, EachThingFromTheFirstThatSaysIt) {
  NativeScene scene(
      policy_text("ns/a", "{service: svc, ports: [81], sessionAffinity: {timeout: 5s}}") +
      policy_text("ns/b",
                  "{service: svc, sessionAffinity: {timeout: 7s}, spillByLoad: "
                  "{maxActivePerCapacity: 5}}") +
      policy_text("ns/c", "{service: '*', spillByLoad: {maxActivePerCapacity: 9}}"));
  EXPECT_EQ(scene.algorithm(), "random affinity=7s");
  EXPECT_EQ(scene.load_spill(), "active=5 interval=10s step=10% max=50%");
  EXPECT_THAT(scene.verdicts(),
              ElementsAre("+ ConnectionPolicy ns/b: clients keep their endpoint, overloaded tiers "
                          "spill",
                          "- ConnectionPolicy ns/a: for other ports",
                          "- ConnectionPolicy ns/c: another one comes first"));
  EXPECT_EQ(scene.algorithm(kService, 81), "random affinity=5s");
  EXPECT_EQ(scene.load_spill(kService, 81), "active=5 interval=10s step=10% max=50%");
  EXPECT_THAT(scene.verdicts(81),
              ElementsAre("+ ConnectionPolicy ns/a: clients keep their endpoint",
                          "+ ConnectionPolicy ns/b: overloaded tiers spill",
                          "- ConnectionPolicy ns/c: another one comes first"));
}

TEST(NativePolicy, SpillByLoadIsAddedToADestinationRule) {
  NativeScene scene(
      policy_text("ns/a", "{service: svc, spillByLoad: {connectTimeMultiple: 2}}") +
      destination_rule("ns", "r", "svc.ns.svc.cluster.local",
                       "{outlierDetection: {}, loadBalancer: {simple: ROUND_ROBIN}}"));
  EXPECT_EQ(scene.algorithm(), "round_robin");
  EXPECT_EQ(scene.load_spill(), "connect_time=2x interval=10s step=10% max=50%");
  scene.world.snapshot.set_given(scene.world.symbol(kService),
                                 {{.service_port = 80, .tier = 0, .percent = 20}});
  EXPECT_EQ(scene.world.shares(kService),
            (std::map<std::string, double>{{"near", 80.0}, {"far", 20.0}}));
  EXPECT_EQ(scene.world.shares(kService, 81), (std::map<std::string, double>{{"near", 100.0}}));
  // A client elsewhere has other tiers: it is not told what this node's give up.
  EXPECT_EQ(scene.planned_for_a_client_in("r").size(), 2u);
  EXPECT_EQ(scene.planned_for_a_client_in("q").size(), 0u);
}

TEST(NativePolicy, SaysWhatDoesNotCount) {
  NativeScene scene(policy_text("ns/a", "{service: svc, ports: [81], sessionAffinity: {}}") +
                    policy_text("ns/b", "{service: svc, sessionAffinity: {}}") +
                    policy_text("else/c", "{service: svc, sessionAffinity: {}}") +
                    policy_text("else/d", "{service: '*', sessionAffinity: {}}"));
  EXPECT_THAT(scene.verdicts(),
              ElementsAre("+ ConnectionPolicy ns/b: clients keep their endpoint",
                          "- ConnectionPolicy ns/a: for other ports",
                          "- ConnectionPolicy else/c: in another namespace than the service"));
  EXPECT_THAT(scene.verdicts(81),
              ElementsAre("+ ConnectionPolicy ns/a: clients keep their endpoint",
                          "- ConnectionPolicy else/c: in another namespace than the service",
                          "- ConnectionPolicy ns/b: another one comes first"));
}

TEST(NativePolicy, PassthroughServicesAreLeftAlone) {
  NativeScene scene(policy_text("ns/a",
                                "{service: svc, sessionAffinity: {}, spillByLoad: "
                                "{maxActivePerCapacity: 5}}"),
                    model::RoutingMode::kPassthrough);
  EXPECT_EQ(scene.algorithm(), "random");
  EXPECT_EQ(scene.load_spill(), "none");
  EXPECT_THAT(scene.verdicts(), ElementsAre("- ConnectionPolicy ns/a: the service passes "
                                            "connections through"));
}

// docs/examples/native, file by file: nothing to say, and what comes of it for shop/web.
TEST(NativePolicy, Examples) {
  constexpr const char* kWeb = "shop/web.shop.svc.cluster.local";
  std::map<std::string, std::string> expected = {
      {"session-affinity.yaml", "random affinity=1800s, spill none"},
      {"session-affinity-everywhere.yaml", "round_robin affinity=10800s, spill none"},
      {"spill-by-load.yaml",
       "random, spill active=100 connect_time=3x interval=10s step=10% max=40%"}};
  for (const auto& entry : fs::directory_iterator(source_dir() / "docs/examples/native")) {
    const std::string name = entry.path().filename();
    ASSERT_TRUE(expected.contains(name)) << name << " has no test";
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_THAT(findings(text), IsEmpty()) << name;
    NativeScene scene(text);
    scene.world.apply(
        {.removed = {}, .services = {{.key = kWeb, .addresses = {"10.96.0.12"}}}, .workloads = {}});
    const std::string added = scene.algorithm(kWeb) + ", spill " + scene.load_spill(kWeb);
    EXPECT_EQ(added, expected.at(name)) << name;
    expected.erase(name);
  }
  EXPECT_THAT(expected, IsEmpty());
}

}  // namespace
}  // namespace vicinity::testing
