// vicinityctl without a daemon: what it prints, and what it exits with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "ctl/client_text.h"
#include "ctl/commands.h"
#include "ctl/proto_json.h"
#include "ctl/status_text.h"
#include "ctl/table.h"

namespace vicinity::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kMesh = R"(
service:
  name: helloworld
  namespace: sample
  hostname: helloworld.sample.svc.cluster.local
  addresses: ["10.96.0.10"]
  ports: [{servicePort: 5000, targetPort: 5000}, {servicePort: 80, targetPort: 8080}]
  loadBalancing: {mode: FAILOVER, routingPreference: [REGION, ZONE]}
---
workload:
  uid: Kubernetes//Pod/sample/near
  name: near
  namespace: sample
  addresses: ["10.244.1.5"]
  node: n1
  locality: {region: r, zone: z1, subzone: s1}
  services: {"sample/helloworld.sample.svc.cluster.local": {ports: [{servicePort: 5000, targetPort: 5000}]}}
---
workload:
  uid: Kubernetes//Pod/sample/far
  name: far
  namespace: sample
  addresses: ["10.244.2.5"]
  node: n2
  capacity: 3
  locality: {region: r, zone: z2}
  services: {"sample/helloworld.sample.svc.cluster.local": {ports: [{servicePort: 5000, targetPort: 5000}]}}
---
workload:
  uid: Kubernetes//Pod/sample/sick
  name: sick
  namespace: sample
  addresses: ["10.244.2.6"]
  node: n2
  status: UNHEALTHY
  services: {"sample/helloworld.sample.svc.cluster.local": {ports: [{servicePort: 5000, targetPort: 5000}]}}
---
service:
  name: portless
  namespace: sample
  hostname: portless
)";

constexpr std::string_view kBroken = R"(
---
service:
  name: bad
  namespace: sample
  hostname: bad.sample
  addresses: ["10.96.0.300"]
  ports: [{servicePort: 80, targetPort: 80}]
)";

struct Ran {
  int exit = -1;
  std::string out;
  std::string err;
};

Ran run(const std::vector<std::string>& args) {
  std::vector<const char*> argv{"vicinityctl"};
  for (const std::string& arg : args) argv.push_back(arg.c_str());
  Ran ran;
  ran.exit = run_ctl(static_cast<int>(argv.size()), argv.data(),
                     {.out = [&](std::string_view text) { ran.out += text; },
                      .err = [&](std::string_view text) { ran.err += text; }});
  return ran;
}

class Ctl : public ::testing::Test {
 protected:
  Ctl() { std::filesystem::create_directories(folder_); }
  ~Ctl() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  Ran explain(const std::string& mesh, std::vector<std::string> more) {
    more.insert(more.begin(), {"explain", "--mesh", mesh});
    return run(more);
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("vicinity-ctl-" + std::to_string(::getpid()));
};

const std::string kService = "sample/helloworld.sample.svc.cluster.local";

TEST_F(Ctl, ExplainPrintsOneJsonObject) {
  const Ran ran = explain(file("m", kMesh), {"--client", "region=r,zone=z1,node=n1", "--service",
                                             kService, "--port", "5000", "-o", "json"});
  EXPECT_EQ(ran.exit, kExitOk);
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(ran.out, R"({
  "service": "sample/helloworld.sample.svc.cluster.local",
  "port": 5000,
  "family": "ipv4",
  "mode": "failover",
  "algorithm": "random",
  "on_empty": "refuse",
  "tiers": [
    {
      "priority": 0,
      "load_percent": 100,
      "endpoints": [
        {
          "workload": "Kubernetes//Pod/sample/near",
          "address": "10.244.1.5:5000",
          "locality": "r/z1/s1",
          "node": "n1",
          "status": "HEALTHY",
          "weight": 1,
          "share_percent": 100.0
        }
      ]
    },
    {
      "priority": 1,
      "load_percent": 0,
      "endpoints": [
        {
          "workload": "Kubernetes//Pod/sample/far",
          "address": "10.244.2.5:5000",
          "locality": "r/z2",
          "node": "n2",
          "status": "HEALTHY",
          "weight": 3,
          "share_percent": 0.0
        }
      ]
    }
  ],
  "excluded": [{"workload": "Kubernetes//Pod/sample/sick", "reason": "unhealthy"}],
  "notes": []
}
)");
}

TEST_F(Ctl, WithoutAPortTheTableHasEveryPortAndJsonTheLowest) {
  const std::string mesh = file("m", kMesh);
  const std::string client = "--client=region=r,zone=z1";
  EXPECT_THAT(explain(mesh, {client, "--service", kService, "-o", "json"}).out,
              HasSubstr("\"port\": 80,"));
  const Ran table = explain(mesh, {client, "--service", kService});
  EXPECT_THAT(table.out, HasSubstr(kService + " port 80 ipv4"));
  EXPECT_THAT(table.out, HasSubstr(kService + " port 5000 ipv4"));
}

struct ExitRow {
  std::vector<std::string> args;
  int exit;
  std::string err;  // begins so
};

TEST_F(Ctl, ExplainExitsAsItsContractSays) {
  const std::string mesh = file("m", kMesh);
  const std::string both = file("b", std::string(kMesh) + std::string(kBroken));
  const std::string bad = file("x", kBroken);
  const std::string complaint = ": document 6 (line ";
  const ExitRow rows[] = {
      {{"--mesh", mesh, "--service", kService}, 0, ""},
      {{"--mesh", mesh, "--service", kService, "--family", "ipv6"}, 0, ""},
      {{"--mesh", mesh, "--service", "sample/none"}, 3, "vicinityctl: service sample/none"},
      {{"--mesh", mesh, "--service", kService, "--port", "81"}, 3, "vicinityctl: service sample"},
      {{"--mesh", mesh, "--service", "sample/portless"}, 3, "vicinityctl: service sample"},
      {{"--mesh", mesh}, 2, "vicinityctl: --service is required"},
      {{"--mesh", mesh, "--service", "nameonly"}, 2, "vicinityctl: service 'nameonly': not"},
      {{"--mesh", mesh, "--service", kService, "--port", "0"}, 2, "vicinityctl: port '0': not"},
      {{"--mesh", mesh, "--service", kService, "--port", "65536"}, 2, "vicinityctl: port '65536'"},
      {{"--mesh", mesh, "--service", kService, "--family", "ip"}, 2, "vicinityctl: --family: 'ip'"},
      {{"--mesh", mesh, "--service", kService, "-o", "yaml"}, 2, "vicinityctl: -o: 'yaml' is"},
      {{"--mesh", mesh, "--service", kService, "--client", "zone"}, 2, "vicinityctl: --client:"},
      {{"--mesh", mesh, "--service", kService, "--policy", "/none"},
       2,
       "vicinityctl: policy file /none: No such file"},
      {{"--service", kService, "--policy", "p"}, 2, "vicinityctl: --policy: only together"},
      {{"--mesh", mesh, "--service", kService, "--nope"}, 2, "vicinityctl: "},
      {{"--mesh", "/none", "--service", kService}, 2, "vicinityctl: mesh file /none: No such file"},
      {{"--service", kService, "--client", "zone=z"}, 2, "vicinityctl: --client: only together"},
      {{"--mesh", bad, "--service", kService}, 2, "vicinityctl: " + bad + ": document 1"},
      {{"--mesh", both, "--service", "sample/bad.sample"}, 2, both + complaint},
      {{"--mesh", both, "--service", kService}, 0, both + complaint},
  };
  for (const ExitRow& row : rows) {
    std::vector<std::string> args = row.args;
    args.insert(args.begin(), "explain");
    const Ran ran = run(args);
    SCOPED_TRACE(::testing::PrintToString(row.args));
    EXPECT_EQ(ran.exit, row.exit);
    EXPECT_THAT(ran.err, StartsWith(row.err));
    EXPECT_EQ(ran.err.empty(), row.err.empty()) << ran.err;
    EXPECT_EQ(ran.out.empty(), row.exit != 0) << ran.out;
  }
}

TEST_F(Ctl, ARefusedDocumentIsNamedAndTheOthersAreExplained) {
  const Ran ran = explain(file("b", std::string(kMesh) + std::string(kBroken)),
                          {"--service", kService, "--port=5000", "-o", "json"});
  EXPECT_THAT(ran.err, HasSubstr("10.96.0.300"));
  EXPECT_THAT(ran.out, HasSubstr("Kubernetes//Pod/sample/near"));
}

TEST_F(Ctl, EveryCommandSaysWhenNoDaemonIsThere) {
  const std::string socket = (folder_ / "none.sock").string();
  const std::vector<std::vector<std::string>> rows = {
      {"status"},         {"services"}, {"endpoints", "a/b"}, {"explain", "--service", "a/b"},
      {"dump", "tables"}, {"metrics"},
  };
  for (std::vector<std::string> args : rows) {
    args.push_back("--admin-socket=" + socket);
    const Ran ran = run(args);
    EXPECT_EQ(ran.exit, kExitUsage);
    EXPECT_EQ(ran.err, "vicinityctl: vicinityd is not running, or " + socket +
                           " is not its socket: connect: No such file or directory\n");
  }
}

TEST_F(Ctl, UsageErrorsAndHelp) {
  EXPECT_EQ(run({}).exit, kExitUsage);
  EXPECT_EQ(run({"frob"}).exit, kExitUsage);
  EXPECT_EQ(run({"dump", "all"}).exit, kExitUsage);
  EXPECT_EQ(run({"dump"}).exit, kExitUsage);
  EXPECT_EQ(run({"endpoints", "noslash"}).exit, kExitUsage);
  EXPECT_EQ(run({"endpoints", "a/b:http"}).exit, kExitUsage);
  EXPECT_EQ(run({"status", "-o", "xml"}).exit, kExitUsage);
  const Ran help = run({"--help"});
  EXPECT_EQ(help.exit, kExitOk);
  for (const char* name : {"status", "services", "endpoints", "explain", "dump", "metrics"}) {
    EXPECT_THAT(help.out, HasSubstr(name));
  }
  EXPECT_THAT(run({"explain", "--help"}).out, HasSubstr("--client"));
  EXPECT_THAT(run({"--version"}).out, StartsWith("vicinityctl "));
}

TEST_F(Ctl, EveryStageCanBeDumpedOffline) {
  const std::string mesh = file("m", kMesh);
  const std::string client = "--client=region=r,zone=z1,node=n1";
  const Ran snapshot = run({"dump", "snapshot", "--mesh", mesh, client});
  EXPECT_THAT(snapshot.out, StartsWith("self network= cluster=Kubernetes locality=r/z1 node=n1\n"));
  EXPECT_THAT(snapshot.out, HasSubstr("workload Kubernetes//Pod/sample/far"));
  EXPECT_THAT(run({"dump", "plan", "--mesh", mesh, client}).out,
              HasSubstr(kService + " port 5000 ipv4: failover"));
  EXPECT_THAT(run({"dump", "tables", "--mesh", mesh, client}).out,
              HasSubstr("service " + kService + " addresses=10.96.0.10\n"));
}

struct ClientRow {
  std::string text;
  ClientText expected;
};

TEST(ClientText, AbsentIsEmptyAndNoClusterIsKubernetes) {
  ClientText all{.network = "net",
                 .cluster = "c",
                 .region = "r",
                 .zone = "z",
                 .subzone = "s",
                 .node = "n",
                 .labels = {{"app.kubernetes.io/name", "a"}, {"v", ""}}};
  const ClientRow rows[] = {
      {"", ClientText{}},
      {"cluster=", ClientText{}},
      {"region=r,zone=z,subzone=s,node=n,cluster=c,network=net,label.app.kubernetes.io/name=a,"
       "label.v=",
       all},
  };
  for (const ClientRow& row : rows) {
    const auto client = parse_client(row.text);
    ASSERT_TRUE(client.ok()) << client.status();
    EXPECT_EQ(*client, row.expected) << row.text;
  }
  EXPECT_EQ(ClientText{}.cluster, "Kubernetes");
  for (const char* bad :
       {"zone", "=z", "zone=a,zone=b", "planet=p", "label.=x", "zone=a,,node=b"}) {
    EXPECT_FALSE(parse_client(bad).ok()) << bad;
  }
}

TEST(Table, ColumnsAreAlignedAndEmptyCellsShow) {
  EXPECT_EQ(table_text({{"A", "LONG", "B"}, {"xyz", "", "1"}}), "A    LONG  B\nxyz  -     1\n");
}

admin::StatusReply sample_status() {
  admin::StatusReply status;
  status.set_version("1.2.3");
  status.set_abi_version(1);
  status.set_started_at(1000);
  status.mutable_feed()->set_state("backoff");
  status.mutable_feed()->set_source("xds istiod:15012");
  status.mutable_feed()->set_last_error("ztunnel requires PILOT_ENABLE_AMBIENT=true");
  status.mutable_feed()->set_next_attempt_at(1012);
  status.mutable_feed()->set_oversized(2);
  status.mutable_context()->set_node("worker");
  status.mutable_context()->set_region("r");
  status.mutable_counts()->set_services(uint64_t{1} << 60);
  status.mutable_lease()->set_length_seconds(600);
  status.mutable_lease()->set_renewed_at(1008);
  status.mutable_data_plane()->add_pending_services("a/waits");
  status.mutable_data_plane()->set_kernel("6.1.0");
  status.mutable_data_plane()->add_features()->set_present(true);
  auto& missing = *status.mutable_data_plane()->add_features();
  missing.set_name("sock_destroy");
  missing.set_without("sockets are ended otherwise");
  status.mutable_data_plane()->set_attach_problem("cgroup /x: gone");
  status.add_unready("the hooks are not attached");
  status.mutable_pods()->set_namespaces(3);
  status.mutable_pods()->set_known(2);
  status.mutable_pods()->set_leaves_host(true);
  status.add_dns_problems("db.example.com: timeout");
  status.mutable_data_plane()->set_termination("udp, by sock_diag");
  status.mutable_data_plane()->set_closed_sockets(3);
  status.mutable_data_plane()->set_active_connections(400);
  status.mutable_outcomes()->set_translated(9);
  status.mutable_outcomes()->set_not_a_service(3);
  status.mutable_outcomes()->set_captured(1);
  status.mutable_data_plane()->add_usage()->set_table("slots6");  // empty: not worth a word
  auto& usage = *status.mutable_data_plane()->add_usage();
  usage.set_table("choice_lines");
  usage.set_used(7);
  usage.set_capacity(64);
  auto& rejected = *status.add_rejected();
  rejected.set_object("a/bad");
  rejected.set_message("ports[0]: bad");
  status.add_conflicts("10.0.0.1: a/b serves it; c/d does not");
  return status;
}

TEST(StatusText, SaysWhatAnOperatorLooksFor) {
  const std::string text = status_text(sample_status(), absl::FromUnixSeconds(1010));
  for (const char* expected : {
           "daemon      vicinityd 1.2.3, tables ABI 1, started 10s ago\n",
           "backoff (xds istiod:15012), last message never",
           "2 over --max-receive-bytes, next attempt in 2s\n",
           "feed error  ztunnel requires PILOT_ENABLE_AMBIENT=true\n",
           "node        worker network=- cluster=- locality=r (not known yet)\n",
           "lease       10m, renewed 2s ago\n",
           "kernel      6.1.0, without sock_destroy\n",
           "missing in this kernel:\n  sock_destroy: sockets are ended otherwise\n",
           "hooks       not attached: cgroup /x: gone\n",
           "ready       no: the hooks are not attached\n",
           "pods        2 of 3 network namespaces known; left alone: 0 opted out, 0 captured; "
           "the host's sockets are left alone\n",
           "host names of endpoints not resolved:\n  db.example.com: timeout\n",
           "reclaims pending, 400 open connections counted\nin use      choice_lines 7/64\n",
           "connects    9 translated\nrefused     none\npassed      3 no service, 1 captured\n",
           "terminate   udp, by sock_diag; 3 sockets closed\n",
           "rejected resources:\n  a/bad: ports[0]: bad\n",
           "services waiting for room:\n  a/waits\n",
           "addresses claimed by several services:\n  10.0.0.1: a/b serves it; c/d does not\n",
       }) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
}

TEST(StatusText, SaysHowFarTheProbeReaches) {
  admin::StatusReply status = sample_status();
  status.clear_unready();
  status.mutable_probe()->set_from_sibling(true);
  const absl::Time now = absl::FromUnixSeconds(1010);
  EXPECT_THAT(status_text(status, now), HasSubstr("yes; a connect from a cgroup beside"));
  status.mutable_probe()->set_from_sibling(false);
  status.mutable_probe()->set_why_no_sibling("No such file or directory");
  EXPECT_THAT(status_text(status, now),
              HasSubstr("none beside it could be tried (No such file or directory)"));
  status.mutable_pods()->set_problem("no BTF");
  EXPECT_THAT(status_text(status, now), HasSubstr("not told apart: no BTF"));
}

TEST(ProtoJson, HasEveryFieldAndNumbersAsNumbers) {
  const std::string json = to_json(sample_status()).dump();
  EXPECT_THAT(json, HasSubstr("\"services\": 1152921504606846976"));
  EXPECT_THAT(json, HasSubstr("\"nacks\": 0"));
  EXPECT_THAT(json, HasSubstr("\"attached\": false"));
  EXPECT_THAT(json, HasSubstr("\"active_connections\": 400"));
  EXPECT_THAT(json, HasSubstr("\"started_at\": 1000.0"));
  EXPECT_THAT(json, HasSubstr("\"rejected\": [{\"object\": \"a/bad\""));
  EXPECT_THAT(json, HasSubstr("\"pending_services\": [\"a/waits\"]"));
  admin::ServiceFlow flow;
  flow.add_connects_by_tier(1152921504606846976);
  EXPECT_THAT(to_json(flow).dump(), HasSubstr("\"connects_by_tier\": [1152921504606846976]"));
}

}  // namespace
}  // namespace vicinity::ctl
