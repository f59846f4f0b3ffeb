// `vicinityctl trace` and `top` against a real daemon and real connects: what it says of each, what
// its filters leave out, several at once, and that it leaves nothing on.
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <vicinity/abi.h>

#include <string>
#include <vector>

#include "dataplane/abi_version.h"
#include "dataplane/mapped_map.h"
#include "dataplane/pins.h"
#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kNode = "worker";

// web: one unhealthy endpoint on this node, one in this zone, one in another. empty: an unhealthy
// one only. closed: nobody listens.
constexpr const char* kMesh = R"(service:
  name: web
  namespace: sample
  hostname: web.example
  addresses: ["10.96.0.10"]
  ports: [{servicePort: 80, targetPort: 8080}]
  loadBalancing: {mode: FAILOVER, routingPreference: [NETWORK, REGION, ZONE, SUBZONE, NODE]}
---
service:
  name: empty
  namespace: sample
  hostname: empty.example
  addresses: ["10.96.0.11"]
  ports: [{servicePort: 80, targetPort: 8080}]
---
service:
  name: closed
  namespace: sample
  hostname: closed.example
  addresses: ["10.96.0.12"]
  ports: [{servicePort: 80, targetPort: 9999}]
---
workload:
  uid: Kubernetes//Pod/sample/client
  name: client
  namespace: sample
  node: worker
  addresses: ["10.244.1.9"]
  locality: {region: r, zone: z1, subzone: s1}
---
service:
  name: own
  namespace: sample
  hostname: own.example
  addresses: ["10.96.0.13"]
  ports: [{servicePort: 80, targetPort: 8080}]
---
workload:
  uid: Kubernetes//Pod/sample/other
  name: other
  namespace: sample
  node: worker
  addresses: ["10.244.1.10"]
  locality: {region: r, zone: z1, subzone: s1}
  services: {"sample/own.example": {ports: [{servicePort: 80, targetPort: 8080}]}}
---
workload:
  uid: Kubernetes//Pod/sample/sick
  name: sick
  namespace: sample
  node: worker
  addresses: ["10.244.1.12"]
  locality: {region: r, zone: z1, subzone: s1}
  status: UNHEALTHY
  services:
    "sample/web.example": {ports: [{servicePort: 80, targetPort: 8080}]}
    "sample/empty.example": {ports: [{servicePort: 80, targetPort: 8080}]}
---
workload:
  uid: Kubernetes//Pod/sample/near
  name: near
  namespace: sample
  node: worker2
  addresses: ["10.244.1.11"]
  locality: {region: r, zone: z1, subzone: s2}
  services:
    "sample/web.example": {ports: [{servicePort: 80, targetPort: 8080}]}
    "sample/closed.example": {ports: [{servicePort: 80, targetPort: 9999}]}
---
workload:
  uid: Kubernetes//Pod/sample/far
  name: far
  namespace: sample
  node: worker3
  addresses: ["10.244.1.13"]
  locality: {region: r, zone: z2, subzone: s1}
  services: {"sample/web.example": {ports: [{servicePort: 80, targetPort: 8080}]}}
)";

class TraceE2e : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(
        cluster_,
        Cluster::create(
            {.world = {.nodes = {kNode},
                       .pods = {{.name = "client", .node = kNode, .addresses = {"10.244.1.9"}},
                                {.name = "other", .node = kNode, .addresses = {"10.244.1.10"}},
                                {.name = "near", .node = kNode, .addresses = {"10.244.1.11"}}},
                       .decoy = DecoySpec{}}}));
    for (const char* name : {"client", "other"}) {
      VICINITY_ASSERT_OK(cluster_->world().pod(name).agent());  // a namespace is where a process is
    }
    for (const char* name : {"near", "other"}) {
      VICINITY_ASSERT_OK(cluster_->world().pod(name).serve(
          {.instance = name, .ports = {8080}, .protocol = ServeProtocol::kBanner}));
    }
    const auto mesh = feed::parse_mesh(kMesh);
    ASSERT_TRUE(mesh.errors.empty()) << mesh.errors[0].message;
    cluster_->control_plane().set_resources(mesh.resources);
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
    ASSERT_TRUE(wait_until([&] { return web() == "near" && knows_pods(); }, 20s)) << web();
  }
  void TearDown() override {
    if (!cluster_) return;
    VICINITY_EXPECT_OK(cluster_->stop_daemon(kNode));
    VICINITY_EXPECT_OK(cluster_->world().shut_down());
  }

  std::string connect(const char* pod, const char* vip) {
    const auto done = cluster_->world().pod(pod).connect({.address = vip, .port = 80});
    return done.ok() ? done->answer : std::string(done.status().message());
  }
  std::string web() { return connect("client", "10.96.0.10"); }
  bool knows_pods() {
    const auto status = cluster_->ctl(kNode, {"status"});
    return status.ok() && status->out.find("2 of ") != std::string::npos;
  }

  // Returns when it is on: that is when the heading comes.
  [[nodiscard]] absl::StatusOr<Process> trace(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {program_path("vicinityctl"), "trace"});
    arguments.insert(arguments.end(), {"--admin-socket", cluster_->admin_socket(kNode)});
    auto process = Process::spawn({.argv = std::move(arguments)});
    if (!process.ok()) return process;
    auto heading = process->wait_for_line("WHY NOBODY NEARER", 10s);
    if (!heading.ok()) return heading.status();
    return process;
  }
  // Without the heading, of a trace that has ended by itself.
  [[nodiscard]] static std::vector<std::string> lines_of(Process& process) {
    EXPECT_TRUE(is_ok(process.wait(10s)));
    EXPECT_EQ(process.err(), "");
    std::vector<std::string> lines = absl::StrSplit(process.out(), '\n', absl::SkipEmpty());
    if (!lines.empty()) lines.erase(lines.begin());
    return lines;
  }

  // Does a hook of this node tell of its connects?
  [[nodiscard]] bool is_on() {
    const dataplane::Pins pins(cluster_->world().node(kNode).pin_dir(), dataplane::abi_version());
    const auto maps = dataplane::Pins::open(pins.generations().front());
    if (!maps.ok()) return true;
    const auto config =
        dataplane::MappedMap::map(maps->at("vic_config").get(), dataplane::Access::kReadWrite);
    return !config.ok() || (config->as<vic_config>()[0].flags & VIC_CONFIG_TRACE) != 0;
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(TraceE2e, SaysWhereAConnectWentAndWhyNobodyNearer) {
  VICINITY_ASSERT_OK_AND_ASSIGN(auto tracing, trace({"--count", "1"}));
  EXPECT_EQ(web(), "near");
  const auto lines = lines_of(tracing);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0],
              AllOf(HasSubstr(" sample/client "), HasSubstr(" sample/web.example:80 "),
                    HasSubstr(" 10.244.1.11:8080 "), HasSubstr(" zone "),
                    HasSubstr(" established "), HasSubstr("node: 1 unhealthy; subzone: none")));
}

TEST_F(TraceE2e, ProgramsGetOneObjectALine) {
  std::vector<std::string> arguments{
      program_path("vicinityctl"),  "trace", "-o", "json", "--count", "2", "--admin-socket",
      cluster_->admin_socket(kNode)};
  VICINITY_ASSERT_OK_AND_ASSIGN(auto tracing, Process::spawn({.argv = std::move(arguments)}));
  EXPECT_TRUE(wait_until([&] { return web() == "near" && !tracing.running(); }, 20s));
  const std::vector<std::string> lines = absl::StrSplit(tracing.out(), '\n', absl::SkipEmpty());
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines, Each(AllOf(StartsWith("{"), HasSubstr("\"outcome\": \"established\""),
                                HasSubstr("\"service\": \"sample/web.example\""),
                                HasSubstr("\"workload\": \"Kubernetes//Pod/sample/near\""),
                                HasSubstr("\"near\": \"zone\", \"tier\": 0,"),
                                Not(HasSubstr("\"pid\": 0")))));
}

TEST_F(TraceE2e, ShowsOnlyWhatFailedWhenAskedTo) {
  VICINITY_ASSERT_OK_AND_ASSIGN(auto tracing, trace({"--refused", "--count", "2"}));
  EXPECT_EQ(web(), "near");
  connect("client", "10.96.0.11");
  EXPECT_EQ(web(), "near");
  connect("client", "10.96.0.12");
  const auto lines = lines_of(tracing);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], AllOf(HasSubstr(" sample/empty.example:80 "), HasSubstr("refused: empty")));
  EXPECT_THAT(lines[1], AllOf(HasSubstr(" sample/closed.example:80 "),
                              HasSubstr(" 10.244.1.11:9999 "), HasSubstr(" refused ")));
}

TEST_F(TraceE2e, ShowsOnlyTheServiceAndThePodAskedFor) {
  VICINITY_ASSERT_OK_AND_ASSIGN(auto of_pod, trace({"--pod", "10.244.1.10", "--count", "1"}));
  VICINITY_ASSERT_OK_AND_ASSIGN(auto of_service, trace({"--service", "*/empty.*", "--count", "1"}));
  EXPECT_EQ(web(), "near");
  connect("client", "10.96.0.11");
  EXPECT_EQ(connect("other", "10.96.0.10"), "near");
  EXPECT_THAT(lines_of(of_pod),
              Each(AllOf(Not(HasSubstr("sample/client")), HasSubstr(" sample/web.example:80 "))));
  EXPECT_THAT(lines_of(of_service),
              Each(AllOf(HasSubstr("sample/client"), HasSubstr("sample/empty.example:80"))));
}

TEST_F(TraceE2e, EndsForAllWhenTheLastOneLeavesHoweverItLeaves) {
  EXPECT_FALSE(is_on());
  VICINITY_ASSERT_OK_AND_ASSIGN(auto first, trace());
  VICINITY_ASSERT_OK_AND_ASSIGN(auto second, trace());
  EXPECT_TRUE(is_on());
  EXPECT_EQ(web(), "near");
  VICINITY_EXPECT_OK(first.wait_for_line("sample/web.example", 10s));
  VICINITY_EXPECT_OK(second.wait_for_line("sample/web.example", 10s));
  VICINITY_ASSERT_OK(first.stop(10s));
  EXPECT_EQ(connect("client", "10.96.0.11"), "");
  VICINITY_EXPECT_OK(second.wait_for_line("sample/empty.example", 10s));
  EXPECT_TRUE(is_on());
  VICINITY_ASSERT_OK(second.signal(SIGKILL));
  EXPECT_TRUE(wait_until([&] { return !is_on(); }, 10s));
}

TEST_F(TraceE2e, IsOverWithTheDaemon) {
  VICINITY_ASSERT_OK_AND_ASSIGN(auto tracing, trace());
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  EXPECT_FALSE(is_on());
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto end, tracing.wait(10s));
  EXPECT_EQ(end.code, 1);
  VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
}

TEST_F(TraceE2e, EndsAfterTheTimeItWasGiven) {
  VICINITY_ASSERT_OK_AND_ASSIGN(auto tracing, trace({"--for", "100ms"}));
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto end, tracing.wait(10s));
  EXPECT_EQ(end.code, 0);
}

// Two connects in this zone for each one that stays on this node, and one that is refused.
TEST_F(TraceE2e, TopSharesOutRealConnects) {
  const auto round = [&] {
    return web() == "near" && web() == "near" && connect("client", "10.96.0.13") == "other";
  };
  ASSERT_TRUE(round()) << "each service once, so that it is counted by its own name";
  VICINITY_ASSERT_OK_AND_ASSIGN(
      auto top, Process::spawn({.argv = {program_path("vicinityctl"), "top", "--once", "-o", "json",
                                         "--interval", "3s", "--admin-socket",
                                         cluster_->admin_socket(kNode)}}));
  uint64_t refused = 0;
  EXPECT_TRUE(wait_until(
      [&] {
        EXPECT_TRUE(round());
        if (connect("client", "10.96.0.11").empty()) ++refused;
        return !top.running();
      },
      20s));
  google::protobuf::Struct shown;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(top.out(), &shown).ok()) << top.out();
  const auto number = [](const google::protobuf::Struct& of, const char* name) {
    return of.fields().at(name).number_value();
  };
  EXPECT_GT(number(shown, "connects_per_second"), 0);
  EXPECT_GT(number(shown, "refused_per_second"), 0);
  EXPECT_NEAR(number(shown, "node_percent"), 33.3, 5);
  EXPECT_EQ(number(shown, "zone_percent"), 100);
  const auto& services = shown.fields().at("services").list_value().values();
  ASSERT_EQ(services.size(), 3);
  const auto& first = services[0].struct_value();
  EXPECT_EQ(first.fields().at("service").string_value(), "sample/web.example");
  EXPECT_EQ(number(first, "node_percent"), 0);
  EXPECT_EQ(number(first, "zone_percent"), 100);
  const auto& second = services[1].struct_value();
  EXPECT_EQ(second.fields().at("service").string_value(), "sample/own.example");
  EXPECT_EQ(number(second, "node_percent"), 100);
  const auto& third = services[2].struct_value();
  EXPECT_EQ(third.fields().at("service").string_value(), "sample/empty.example");
  EXPECT_EQ(number(third, "connects_per_second"), 0);
  EXPECT_GT(number(third, "refused_per_second"), 0);
  EXPECT_EQ(shown.fields().at("zones").list_value().values_size(), 1);
}

}  // namespace
}  // namespace vicinity::testing
