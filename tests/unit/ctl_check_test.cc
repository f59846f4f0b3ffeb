// The self-test's rules, a row per state of a node: which check speaks, and what it says to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "ctl/checks.h"

namespace vicinity::ctl {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kCapabilities = uint64_t{1} << 39 | uint64_t{1} << 38 | uint64_t{1} << 12;
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// A node on which all is well.
NodeFacts healthy() {
  NodeFacts facts;
  admin::StatusReply status;
  status.set_version("1.2.3");
  status.set_started_at(1'799'990'000);
  status.set_sampled_at(1'800'000'000);
  status.mutable_feed()->set_state("in_sync");
  status.mutable_feed()->set_source("istiod:15012");
  status.mutable_context()->set_known(true);
  status.mutable_data_plane()->set_attached(true);
  status.mutable_probe()->set_translated(true);
  status.mutable_probe()->set_from_sibling(true);
  status.mutable_pods()->set_namespaces(2);
  status.mutable_pods()->set_known(2);
  facts.status = status;
  facts.kernel = "6.1.0-44-amd64";
  facts.btf = true;
  facts.cgroup = "/sys/fs/cgroup";
  facts.pin_dir = "/sys/fs/bpf/vicinity";
  facts.pinned = true;
  facts.programs = {{.id = 7, .name = "vic_connect4"}};
  facts.capabilities = kCapabilities;
  facts.uid = 0;
  facts.now = kNow;
  return facts;
}

struct Row {
  const char* state;
  std::function<void(NodeFacts&)> change;
  const char* check;
  Verdict verdict;
  const char* remedy;
};

admin::StatusReply& status(NodeFacts& facts) { return *facts.status; }

void without_daemon(NodeFacts& facts) {
  facts.status.reset();
  facts.no_daemon = "vicinityd is not running";
}

std::vector<Row> rows() {
  using F = NodeFacts;
  return {
      {"no daemon", without_daemon, "daemon", Verdict::kFail, "start vicinityd"},
      {"control hangs", [](F& f) { status(f).set_sampled_at(1'799'999'000); }, "daemon",
       Verdict::kFail, "restart it"},
      {"old kernel", [](F& f) { f.kernel = "5.15.0"; }, "kernel", Verdict::kFail, "6.1 or newer"},
      {"no BTF", [](F& f) { f.btf = false; }, "kernel", Verdict::kFail, "CONFIG_DEBUG_INFO_BTF"},
      {"a feature is missing",
       [](F& f) { status(f).mutable_data_plane()->add_features()->set_name("x"); }, "kernel",
       Verdict::kNote, "newer kernel"},
      {"a capability is missing", [](F& f) { f.capabilities = kCapabilities & ~(1ULL << 39); },
       "permissions", Verdict::kFail, "CAP_BPF"},
      {"not root", [](F& f) { f.uid = 1000; }, "permissions", Verdict::kFail, "uid 0"},
      {"another process namespace", [](F& f) { f.uid.reset(); }, "permissions", Verdict::kUnknown,
       "visible"},
      {"no bpffs", [](F& f) { f.pin_problem = "not on a BPF file system"; }, "pins", Verdict::kFail,
       "mountBpffs"},
      {"no cgroup v2", [](F& f) { f.cgroup_problem = "not a cgroup v2 directory"; }, "cgroup",
       Verdict::kFail, "--cgroup"},
      {"a nested cgroup", [](F& f) { f.cgroup_nested = true; }, "cgroup", Verdict::kNote,
       "the root"},
      {"not attached", [](F& f) { status(f).mutable_data_plane()->set_attached(false); }, "hooks",
       Verdict::kFail, "bpftool cgroup tree"},
      {"tables of another ABI",
       [](F& f) { status(f).mutable_data_plane()->set_predecessor_abi(1); }, "hooks",
       Verdict::kNote, "wait"},
      {"Cilium", [](F& f) { f.programs.push_back({8, "cil_sock4_connec"}); }, "programs",
       Verdict::kFail, "socketLB.hostNamespaceOnly=true"},
      {"Calico", [](F& f) { f.programs.push_back({8, "calico_connect_v"}); }, "programs",
       Verdict::kFail, "bpfConnectTimeLoadBalancing"},
      {"another program", [](F& f) { f.programs.push_back({8, "audit"}); }, "programs",
       Verdict::kNote, "bpftool prog show id 8"},
      {"programs without names", [](F& f) { f.programs = {{7, ""}, {8, ""}}; }, "programs",
       Verdict::kUnknown, "CAP_SYS_ADMIN"},
      {"programs not to be seen", [](F& f) { f.programs_problem = "not permitted"; }, "programs",
       Verdict::kUnknown, "bpftool cgroup tree"},
      {"the probe is not translated",
       [](F& f) { status(f).mutable_probe()->set_translated(false); }, "probe", Verdict::kFail,
       "see `hooks`"},
      {"the probe from its own cgroup",
       [](F& f) { status(f).mutable_probe()->set_from_sibling(false); }, "probe", Verdict::kNote,
       "translated connects grows"},
      {"istiod without ambient",
       [](F& f) {
         status(f).mutable_feed()->set_state("backoff");
         status(f).mutable_feed()->set_last_error("ztunnel requires PILOT_ENABLE_AMBIENT=true");
       },
       "feed", Verdict::kFail, "set PILOT_ENABLE_AMBIENT=true on istiod"},
      {"istiod away", [](F& f) { status(f).mutable_feed()->set_state("connecting"); }, "feed",
       Verdict::kFail, "--xds-address"},
      {"a wrong certificate",
       [](F& f) {
         status(f).mutable_feed()->set_state("backoff");
         status(f).mutable_feed()->set_last_error("certificate verify failed");
       },
       "feed", Verdict::kFail, "istio-ca-root-cert"},
      {"a refused token",
       [](F& f) {
         status(f).mutable_feed()->set_state("backoff");
         status(f).mutable_feed()->set_last_error("Unauthenticated");
       },
       "feed", Verdict::kFail, "--xds-token"},
      {"a rejected resource", [](F& f) { status(f).add_rejected()->set_object("a/b"); }, "feed",
       Verdict::kFail, "correct them"},
      {"no place", [](F& f) { status(f).mutable_context()->set_known(false); }, "place",
       Verdict::kFail, "topology.kubernetes.io/region"},
      {"tables full",
       [](F& f) {
         status(f).mutable_data_plane()->set_pending_services_count(1);
         status(f).mutable_data_plane()->add_pending_services("a/b");
       },
       "tables", Verdict::kFail, "--max-slots"},
      {"pods not told apart", [](F& f) { status(f).mutable_pods()->set_problem("no BTF"); }, "pods",
       Verdict::kFail, "hostPID: true"},
      {"no pod known", [](F& f) { status(f).mutable_pods()->set_known(0); }, "pods", Verdict::kNote,
       "--node-name"},
      {"ztunnel", [](F& f) { f.ztunnel_listeners = 1; }, "mesh", Verdict::kNote, "--captured-pods"},
      {"sidecars", [](F& f) { f.sidecar_listeners = 1; }, "mesh", Verdict::kNote,
       "--captured-pods"},
      {"listeners not to be seen", [](F& f) { f.listeners_problem = "one namespace"; }, "mesh",
       Verdict::kUnknown, "hostPID"},
      {"STRICT peers",
       [](F& f) {
         f.strict = {"pod"};
         f.strict_count = 1;
       },
       "mesh", Verdict::kNote, "PERMISSIVE"},
      {"names not found", [](F& f) { status(f).add_dns_problems("x: no answer"); }, "dns",
       Verdict::kFail, "--dns-server"},
      {"the clock was set back", [](F& f) { status(f).set_started_at(1'800'000'100); }, "clock",
       Verdict::kFail, "synchronize the clock"},
      {"the clock is not synchronized", [](F& f) { f.clock_synchronized = false; }, "clock",
       Verdict::kNote, "chrony"},
  };
}

std::string text_of(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& one : findings) {
    text += one.check + " " + std::string(verdict_name(one.verdict)) + ": " + one.found + "\n";
  }
  return text;
}

TEST(Checks, EveryBrokenStateHasItsVerdictAndRemedy) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.state);
    NodeFacts facts = healthy();
    row.change(facts);
    int spoken = 0;
    for (const Finding& one : check(facts)) {
      if (one.verdict == Verdict::kOk) continue;
      ++spoken;
      EXPECT_EQ(one.check, row.check);
      EXPECT_EQ(one.verdict, row.verdict) << one.found;
      EXPECT_THAT(one.remedy, HasSubstr(row.remedy));
    }
    EXPECT_EQ(spoken, 1) << text_of(check(facts));
  }
}

TEST(Checks, AHealthyNodeHasNothingToRepair) {
  for (const Finding& one : check(healthy())) {
    EXPECT_EQ(one.verdict, Verdict::kOk) << one.check << ": " << one.found;
    EXPECT_EQ(one.remedy, "") << one.check;
  }
  NodeFacts facts = healthy();
  facts.local_dns = {"169.254.20.10"};
  EXPECT_THAT(text_of(check(facts)), HasSubstr("NodeLocal DNSCache on 169.254.20.10"));
}

}  // namespace
}  // namespace vicinity::ctl
