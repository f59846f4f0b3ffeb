// Which DestinationRule decides for a service, and who loses why.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "compile/compile.h"
#include "unit/model_rows.h"
#include "unit/policy_rows.h"

namespace vicinity::testing {
namespace {

constexpr const char* kHost = "svc.ns.svc.cluster.local";
constexpr const char* kPolicy = "{outlierDetection: {}}";

struct Case {
  const char* what;
  std::vector<std::string> documents;
  std::string client_namespace;
  std::vector<std::string> expected;  // "+ rule: why" decides, "- rule: why" does not
};

std::string rule(const char* name_space, const char* name, const char* host) {
  return destination_rule(name_space, name, host, kPolicy);
}

// A rule with more of a spec than host and policy.
std::string with(const char* name_space, const char* name, const std::string& more) {
  return rule(name_space, name, kHost) + "  " + more + "\n";
}

constexpr const char* kElsewhere =
    "for clients of its own namespace only, which one table for the whole node cannot tell apart: "
    "move it into the service's namespace or the root namespace";
constexpr const char* kLater = "a rule with a narrower host, or of a nearer namespace, comes first";
constexpr const char* kNotExported =
    "exportTo names some namespaces only, which one table for the whole node cannot tell apart";

std::vector<Case> cases() {
  const std::string own = "+ ns/a: its host, in the service's namespace";
  return {
      {"complete host", {rule("ns", "a", kHost)}, "", {own}},
      {"short host", {rule("ns", "a", "svc")}, "", {own}},
      {"short host of another namespace", {rule("other", "a", "svc")}, "", {}},
      {"another service", {rule("ns", "a", "web")}, "", {}},
      {"pattern",
       {rule("ns", "a", "*.ns.svc.cluster.local")},
       "",
       {"+ ns/a: a host pattern, in the service's namespace"}},
      {"everything",
       {rule("ns", "a", "*")},
       "",
       {"+ ns/a: a host pattern, in the service's namespace"}},
      {"pattern of another domain", {rule("ns", "a", "*.example.org")}, "", {}},
      {"the narrower host",
       {rule("ns", "z", kHost), rule("ns", "a", "*.cluster.local"), rule("ns", "b", "*")},
       "",
       {"+ ns/z: its host, in the service's namespace", fmt::format("- ns/a: {}", kLater),
        fmt::format("- ns/b: {}", kLater)}},
      {"root namespace last",
       {rule("istio-system", "a", kHost), rule("ns", "b", "*")},
       "",
       {"+ ns/b: a host pattern, in the service's namespace",
        fmt::format("- istio-system/a: {}", kLater)}},
      {"root namespace alone",
       {rule("istio-system", "a", kHost)},
       "",
       {"+ istio-system/a: its host, in the root namespace"}},
      {"another namespace, client not known",
       {rule("other", "a", kHost)},
       "",
       {fmt::format("- other/a: {}", kElsewhere)}},
      {"the client's namespace first",
       {rule("other", "a", "*"), rule("ns", "b", kHost)},
       "other",
       {"+ other/a: a host pattern, in the client's namespace", fmt::format("- ns/b: {}", kLater)}},
      {"not exported, client not known",
       {with("ns", "a", "exportTo: [\".\"]"), rule("istio-system", "b", kHost)},
       "",
       {"+ istio-system/b: its host, in the root namespace",
        fmt::format("- ns/a: {}", kNotExported)}},
      {"exported to the client's namespace",
       {with("ns", "a", "exportTo: [other]")},
       "other",
       {own}},
      {"exported to others", {with("ns", "a", "exportTo: [x, \"*\"]")}, "", {own}},
      {"a selector nobody is known to match",
       {with("ns", "a", "workloadSelector: {matchLabels: {app: x}}"), rule("ns", "b", kHost)},
       "",
       {"+ ns/b: its host, in the service's namespace",
        "- ns/a: its workloadSelector does not match this client"}},
      {"two of one host",
       {rule("ns", "a", kHost), rule("ns", "b", kHost)},
       "",
       {own, "- ns/b: conflict: another rule of this namespace has the same host"}},
      {"the one that sets something",
       {"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a, "
        "namespace: ns}\nspec: {host: svc}\n",
        rule("ns", "b", kHost)},
       "",
       {"+ ns/b: its host, in the service's namespace", "- ns/a: sets no trafficPolicy"}},
      {"no namespace: the one in the host",
       {"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: "
        "a}\nspec: "
        "{host: svc.ns.svc.cluster.local, trafficPolicy: {outlierDetection: {}}}\n"},
       "",
       {own}},
  };
}

std::vector<std::string> verdicts(const policy::Resolution& resolution) {
  std::vector<std::string> lines;
  const auto add = [&](const char* sign, const policy::Verdict& verdict) {
    lines.push_back(fmt::format("{} {}/{}: {}", sign, verdict.document->id.name_space,
                                verdict.document->id.name, verdict.why));
  };
  for (const auto& verdict : resolution.applied) add("+", verdict);
  for (const auto& verdict : resolution.passed_over) add("-", verdict);
  return lines;
}

TEST(IstioRules, Precedence) {
  for (const Case& row : cases()) {
    World world;
    world.apply({.removed = {},
                 .services = {{.key = std::string("ns/") + kHost, .addresses = {"10.96.0.10"}}},
                 .workloads = {}});
    compile::CompileOptions options;
    std::string text;
    for (const std::string& document : row.documents) text += document;
    options.policies = book_of(text);
    compile::PlanRequest request{
        .query = {.service = world.symbol(std::string("ns/") + kHost), .port = 80},
        .client = world.snapshot.self()};
    request.client.name_space = world.symbol(row.client_namespace);
    EXPECT_EQ(verdicts(resolve_port(world.snapshot, request, options)), row.expected) << row.what;
  }
}

}  // namespace
}  // namespace vicinity::testing
