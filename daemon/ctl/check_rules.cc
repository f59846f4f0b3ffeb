#include "ctl/check_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace vicinity::ctl {
namespace {

// The cure for what a feed's error says.
std::string_view feed_remedy(std::string_view error) {
  if (error.find("PILOT_ENABLE_AMBIENT") != std::string_view::npos) {
    return "set PILOT_ENABLE_AMBIENT=true on istiod";
  }
  if (error.find("ertificate") != std::string_view::npos ||
      error.find("root-cert") != std::string_view::npos) {
    return "--xds-root-cert: the ConfigMap istio-ca-root-cert of istiod, in this namespace";
  }
  if (error.find("oken") != std::string_view::npos ||
      error.find("nauthenticated") != std::string_view::npos) {
    return "--xds-token: audience istio-ca; --pod-namespace: the service account's";
  }
  return "--xds-address: can this node reach istiod there? Is istiod running?";
}

}  // namespace

void check_feed(const NodeFacts& facts, Findings& to) {
  if (!facts.status) return;
  const admin::Feed& feed = facts.status->feed();
  if (feed.state() == "in_sync") {
    add_ok(to, "feed", fmt::format("in_sync with {}", feed.source()));
  } else if (feed.state() == "syncing" && feed.last_error().empty()) {
    to.push_back({"feed", Verdict::kNote, "syncing", "ask again in a few seconds"});
  } else {
    to.push_back({"feed", Verdict::kFail,
                  fmt::format("{} ({}): {}", feed.state(), feed.source(),
                              feed.last_error().empty() ? "no answer yet" : feed.last_error()),
                  std::string(feed_remedy(feed.last_error()))});
  }
  if (!facts.status->rejected().empty()) {
    to.push_back(
        {"feed", Verdict::kFail,
         fmt::format("{} resources are rejected, the first: {}: {}", facts.status->rejected_size(),
                     facts.status->rejected(0).object(), facts.status->rejected(0).message()),
         "correct them where they come from; their last good version serves"});
  }
}

void check_place(const NodeFacts& facts, Findings& to) {
  if (!facts.status) return;
  const admin::Context& place = facts.status->context();
  if (!place.known()) {
    to.push_back({"place", Verdict::kFail,
                  "no workload of this node says where it is: nothing is near or far",
                  "label the node topology.kubernetes.io/region and /zone, or set --locality; is "
                  "--node-name the node's name?"});
  } else {
    add_ok(
        to, "place",
        fmt::format("{}/{}/{} on {}", place.region(), place.zone(), place.subzone(), place.node()));
  }
}

void check_tables(const NodeFacts& facts, Findings& to) {
  if (!facts.status) return;
  const uint64_t pending = facts.status->data_plane().pending_services_count();
  if (pending == 0) {
    add_ok(to, "tables", fmt::format("{} services", facts.status->counts().services()));
    return;
  }
  to.push_back({"tables", Verdict::kFail,
                fmt::format("{} services without their current table, the first: {}", pending,
                            facts.status->data_plane().pending_services(0)),
                "raise --max-services, --max-slots or --max-hash-memory"});
}

void check_pods(const NodeFacts& facts, Findings& to) {
  if (!facts.status) return;
  const admin::Pods& pods = facts.status->pods();
  if (!pods.problem().empty()) {
    to.push_back({"pods", Verdict::kFail, fmt::format("not told apart: {}", pods.problem()),
                  "hostPID: true and CAP_PERFMON for the daemon; kernel BTF"});
  } else if (pods.namespaces() > 0 && pods.known() == 0) {
    to.push_back({"pods", Verdict::kNote,
                  fmt::format("the feed knows none of {} network namespaces", pods.namespaces()),
                  "is --node-name this node's name in Kubernetes?"});
  } else {
    add_ok(to, "pods", fmt::format("{} of {} known", pods.known(), pods.namespaces()));
  }
}

void check_mesh(const NodeFacts& facts, Findings& to) {
  const uint64_t left = facts.status ? facts.status->pods().captured() : 0;
  if (facts.ztunnel_listeners + facts.sidecar_listeners > 0) {
    to.push_back(
        {"mesh", Verdict::kNote,
         fmt::format("ztunnel has captured {} network namespaces (port 15008), a sidecar "
                     "{} (15001); {} are left alone",
                     facts.ztunnel_listeners, facts.sidecar_listeners, left),
         "Vicinity is for namespaces without istio.io/dataplane-mode and without sidecars; "
         "--captured-pods balance takes these, too"});
  } else if (!facts.listeners_problem.empty()) {
    to.push_back({"mesh", Verdict::kUnknown, facts.listeners_problem,
                  "run it where the processes of pods are visible (hostPID: true)"});
  } else {
    add_ok(to, "mesh", "neither ztunnel nor sidecars have captured a pod here");
  }
  if (facts.strict_count == 0) return;
  to.push_back({"mesh", Verdict::kNote,
                fmt::format("{} workloads take mTLS only (PeerAuthentication STRICT), e.g. {}",
                            facts.strict_count, fmt::join(facts.strict, ", ")),
                "balanced connections are plain TCP, which they refuse: PERMISSIVE for them, or "
                "--exclude-service for their services"});
}

void check_dns(const NodeFacts& facts, Findings& to) {
  if (facts.status && !facts.status->dns_problems().empty()) {
    to.push_back({"dns", Verdict::kFail,
                  fmt::format("{} host names of endpoints are not found, the first: {}",
                              facts.status->dns_problems_size(), facts.status->dns_problems(0)),
                  "--dns-server, or the names in the ServiceEntry"});
  }
  if (facts.local_dns.empty()) {
    add_ok(to, "dns", "no NodeLocal DNSCache on this node");
  } else {
    add_ok(to, "dns",
           fmt::format("NodeLocal DNSCache on {}: the cluster's DNS is left to it",
                       fmt::join(facts.local_dns, ", ")));
  }
}

void check_clock(const NodeFacts& facts, Findings& to) {
  if (facts.status) {
    const absl::Duration ahead = time_of(facts.status->started_at()) - facts.now;
    if (ahead > absl::ZeroDuration()) {
      to.push_back({"clock", Verdict::kFail,
                    fmt::format("it was set back by more than {:.0f} s since the daemon started",
                                absl::ToDoubleSeconds(ahead)),
                    "synchronize the clock: certificates and tokens are valid by it"});
      return;
    }
  }
  if (facts.clock_synchronized) {
    add_ok(to, "clock", "synchronized");
  } else {
    to.push_back(
        {"clock", Verdict::kNote, "the kernel's clock is not synchronized",
         "run chrony or systemd-timesyncd: certificates and tokens are valid by the clock"});
  }
}

}  // namespace vicinity::ctl
