// vicinityctl policy check, and explain --policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "ctl/commands.h"

namespace vicinity::ctl {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Ran {
  int exit = 0;
  std::string out;
  std::string err;
};

Ran run(std::vector<std::string> args) {
  args.insert(args.begin(), "vicinityctl");
  std::vector<const char*> argv;
  for (const std::string& arg : args) argv.push_back(arg.c_str());
  Ran ran;
  const Terminal terminal{.out = [&](std::string_view text) { ran.out += text; },
                          .err = [&](std::string_view text) { ran.err += text; }};
  ran.exit = run_ctl(static_cast<int>(argv.size()), argv.data(), terminal);
  return ran;
}

std::string file(const std::string& name, const std::string& text) {
  const fs::path path = fs::path(::testing::TempDir()) / ("ctl_policy." + name);
  std::ofstream(path) << text;
  return path.string();
}

constexpr const char* kRule =
    "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: r}\nspec:\n"
    "  host: web.ns.svc.cluster.local\n  trafficPolicy: {outlierDetection: {consecutiveErrors: "
    "1}}\n";
constexpr const char* kMesh =
    "service: {name: web, namespace: ns, hostname: web.ns.svc.cluster.local, addresses: "
    "[10.96.0.1], ports: [{servicePort: 80, targetPort: 8080}]}\n---\n"
    "workload: {uid: a, name: a, namespace: ns, addresses: [10.0.0.1], locality: {region: kr}, "
    "services: {ns/web.ns.svc.cluster.local: {}}}\n";

TEST(CtlPolicy, CheckSaysEverythingAndExitsByErrors) {
  const std::string good = file("good", kRule);
  const std::string bad =
      file("bad", "kind: DestinationRule\napiVersion: networking.istio.io/v1\n");
  const Ran fine = run({"policy", "check", good});
  EXPECT_EQ(fine.exit, kExitOk);
  EXPECT_THAT(fine.out, HasSubstr(good + ":6: warning: DestinationRule ns/r: "
                                         "spec.trafficPolicy.outlierDetection.consecutiveErrors: "
                                         "is Istio's old name"));
  EXPECT_THAT(fine.out, HasSubstr("1 policies, 0 other documents, 0 refused\n"));
  const Ran both = run({"policy", "check", good, bad});
  EXPECT_EQ(both.exit, kExitUsage);
  EXPECT_THAT(both.out, HasSubstr(bad + ":1: error: DestinationRule: metadata.name: missing"));
  EXPECT_THAT(both.out, HasSubstr(bad + ":1: error: DestinationRule: spec: missing"));
}

TEST(CtlPolicy, BadUsage) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows = {
      {{"policy"}, "vicinityctl: "},
      {{"policy", "check"}, "vicinityctl: policy check: needs a file"},
      {{"policy", "check", "/none"}, "vicinityctl: policy file /none: No such file"},
      {{"policy", "look"}, "vicinityctl: policy: 'look' is neither check nor list"},
      {{"policy", "list", "x"}, "vicinityctl: policy list: takes no 'x'"},
      {{"policy", "list", "--admin-socket", "/none"}, "vicinityctl: vicinityd is not running"},
  };
  for (const auto& [args, message] : rows) {
    const Ran ran = run(args);
    EXPECT_EQ(ran.exit, kExitUsage) << ::testing::PrintToString(args);
    EXPECT_THAT(ran.err, ::testing::StartsWith(message)) << ::testing::PrintToString(args);
  }
}

TEST(CtlPolicy, ExplainUsesThePolicyAndSaysSo) {
  const std::string mesh = file("mesh", kMesh);
  const std::string policy = file("policy", kRule);
  const std::vector<std::string> args = {
      "explain",  "--mesh",   mesh, "--service", "ns/web.ns.svc.cluster.local",
      "--client", "region=us"};
  EXPECT_THAT(run(args).out, HasSubstr(": any, random, when empty refuse\nPRIORITY"));
  auto with = args;
  with.insert(with.end(), {"--policy", policy});
  const Ran ran = run(with);
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_THAT(ran.out,
              HasSubstr(": prioritized, random, when empty refuse\n"
                        "by DestinationRule ns/r: its host, in the service's namespace\n"));
  EXPECT_THAT(ran.err, HasSubstr("warning"));
  with.insert(with.end(), {"-o", "json"});
  EXPECT_THAT(run(with).out, HasSubstr("\"document\": \"DestinationRule ns/r\""));
  with.insert(with.end(), {"--policy", file("broken", "a: [")});
  EXPECT_EQ(run(with).exit, kExitUsage);
}

}  // namespace
}  // namespace vicinity::ctl
