// One node, a client in zone b, endpoints in its zone and in another: ports of one pod each, which
// answer or fail as they are told. Real connections, the real daemon.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/program.h"
#include "support/temp_folder.h"
#include "support/wait.h"

namespace vicinity::testing {

using namespace std::chrono_literals;

inline constexpr const char* kNode = "n1";
inline constexpr const char* kVip = "10.96.0.10";
inline constexpr uint16_t kPort = 5000;
inline constexpr const char* kService = "default/helloworld-svc.default.svc.cluster.local";

// Endpoints of a zone: ports of one pod, from `first_port` on.
struct Zone {
  const char* name;
  const char* pod;
  const char* address;
  uint16_t first_port;
};
inline constexpr Zone kNear{"b", "near", "10.244.1.20", 6000};
inline constexpr Zone kFar{"a", "far", "10.244.1.30", 7000};

inline std::string workload_of(const Zone& zone, int number) {
  return fmt::format(
      "---\nworkload: {{uid: {0}{1}, name: {0}{1}, namespace: default, node: {0}{1}, addresses: "
      "[{2}], locality: {{region: kr, zone: {3}}}, services: {{{4}: {{ports: [{{servicePort: {5}, "
      "targetPort: {6}}}]}}}}}}\n",
      zone.pod, number, zone.address, zone.name, kService, kPort, zone.first_port + number);
}

inline std::string mesh_of(int near, int far) {
  std::string text = fmt::format(
      "service: {{name: helloworld-svc, namespace: default, hostname: "
      "helloworld-svc.default.svc.cluster.local, addresses: [{0}], ports: [{{servicePort: {1}, "
      "targetPort: {1}}}]}}\n---\nworkload: {{uid: client, name: client, namespace: default, node: "
      "{2}, addresses: [10.244.1.5], locality: {{region: kr, zone: b}}}}\n",
      kVip, kPort, kNode);
  for (int i = 0; i < near; ++i) text += workload_of(kNear, i);
  for (int i = 0; i < far; ++i) text += workload_of(kFar, i);
  return text;
}

class TwoZones : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    WorldSpec world{.nodes = {kNode},
                    .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.5"}},
                             {.name = kNear.pod, .node = kNode, .addresses = {kNear.address}},
                             {.name = kFar.pod, .node = kNode, .addresses = {kFar.address}}}};
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_, Cluster::create({.world = std::move(world)}));
    VICINITY_ASSERT_OK_AND_ASSIGN(agent_, cluster_->world().pod("client").agent());
  }
  void TearDown() override {
    servers_.clear();
    if (cluster_ != nullptr) {
      VICINITY_EXPECT_OK(cluster_->stop_daemon(kNode));
      VICINITY_EXPECT_OK(cluster_->world().shut_down());
    }
  }

  // Endpoint `number` of the zone, and `count` - 1 more behind it, begin to "answer", or to be
  // "silent" or "late".
  void serve(const Zone& zone, int number, int count, const char* mode = "answer") {
    const std::string name = fmt::format("{}{}", zone.pod, number);
    VICINITY_ASSERT_OK_AND_ASSIGN(
        Process server,
        cluster_->world().pod(zone.pod).spawn(
            {.argv = {program_path("vic_failing_server"), mode, zone.address,
                      std::to_string(zone.first_port + number), std::to_string(count)}}));
    VICINITY_ASSERT_OK(server.wait_for_line("serving", 20s));
    servers_.insert_or_assign(name, std::move(server));
  }
  void kill(const Zone& zone, int number) { servers_.erase(fmt::format("{}{}", zone.pod, number)); }
  void start_with(int near, int far, const std::string& policy,
                  const std::vector<std::string>& flags = {}) {
    const auto file = feed::parse_mesh(mesh_of(near, far));
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    cluster_->control_plane().set_resources(file.resources);
    std::ofstream(folder_ / "rule.yaml") << policy;
    flags_ = {"--policy-dir", folder_.string()};
    flags_.insert(flags_.end(), flags.begin(), flags.end());
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, flags_));
    expect_endpoints(near, far);
  }
  // How many endpoints of each zone the kernel's table has.
  void expect_endpoints(int near, int far) {
    std::pair<int, int> seen;
    EXPECT_TRUE(wait_until([&] { return (seen = endpoints()) == std::pair(near, far); }, 30s))
        << "expected " << near << " and " << far << ", in the kernel " << seen.first << " and "
        << seen.second;
  }
  std::pair<int, int> endpoints() {
    std::pair<int, int> count{0, 0};
    const auto tables = cluster_->tables(kNode);
    if (!tables.ok() || !tables->services.contains(kService)) return count;
    for (const auto& port : tables->services.at(kService).ports) {
      for (const auto& slot : port.slots) {
        ++(slot.address.to_string() == kNear.address ? count.first : count.second);
      }
    }
    return count;
  }
  Tally connect(uint64_t times, Duration patience = 5s, double rate = 0) {
    auto tally = agent_->connect_many({.targets = {{.address = kVip, .port = kPort}},
                                       .rate_per_second = rate,
                                       .workers = rate > 0 ? 8u : 1u,
                                       .limit = times,
                                       .timeout = patience});
    EXPECT_TRUE(tally.ok()) << tally.status();
    return tally.ok() ? *tally : Tally{};
  }
  std::string ctl(const std::vector<std::string>& arguments) {
    const auto result = cluster_->ctl(kNode, arguments);
    return result.ok() ? result->out : std::string(result.status().message());
  }
  // Of `vicinityctl endpoints`.
  void expect_shown(const std::string& text) {
    std::string seen;
    const std::vector<std::string> ask = {"endpoints", kService};
    EXPECT_TRUE(wait_until([&] { return (seen = ctl(ask)).find(text) != std::string::npos; }, 30s))
        << text << " is not in\n"
        << seen;
  }

  TempFolder folder_ = TempFolder::create("zones").value();
  std::unique_ptr<Cluster> cluster_;
  PodAgent* agent_ = nullptr;
  std::map<std::string, Process> servers_;
  std::vector<std::string> flags_;
};

}  // namespace vicinity::testing
