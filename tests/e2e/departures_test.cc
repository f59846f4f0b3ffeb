// Endpoints that go away under real daemons: whose sockets are closed, whose are not, and a DNS
// client that recovers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/program.h"
#include "support/socket_script.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kNode = "worker";
constexpr const char* kVip = "10.96.0.10";

struct Endpoint {
  std::string address;
  std::string more = {};  // lines of the workload
};

// A service NAME at `vip`, ports 53 and 5000.
std::string service(const std::string& name, const std::string& vip,
                    const std::vector<Endpoint>& endpoints) {
  std::string text = "---\nservice:\n  name: " + name +
                     "\n  namespace: sample\n  hostname: " + name + ".test\n  addresses: [\"" +
                     vip +
                     "\"]\n  ports: [{servicePort: 53, targetPort: 53}, {servicePort: 5000, "
                     "targetPort: 5000}]\n";
  for (const Endpoint& endpoint : endpoints) {
    text += "---\nworkload:\n  uid: " + name + "-" + endpoint.address + "\n  name: " + name +
            "\n  namespace: sample\n  node: worker\n  addresses: [\"" + endpoint.address +
            "\"]\n  services: {\"sample/" + name +
            ".test\": {ports: [{servicePort: 53, targetPort: 53}, {servicePort: 5000, targetPort: "
            "5000}]}}\n" +
            endpoint.more;
  }
  return text;
}

class DeparturesTest : public ::testing::Test {
 protected:
  void create(const std::vector<std::string>& flags) {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(
        cluster_, Cluster::create({.world = {.nodes = {kNode},
                                             .pods = {{"client", kNode, {"10.244.1.9"}},
                                                      {"one", kNode, {"10.244.1.21"}},
                                                      {"two", kNode, {"10.244.1.22"}},
                                                      {"three", kNode, {"10.244.1.23"}}},
                                             .decoy = DecoySpec{}},
                                   .more_flags = flags}));
  }
  void TearDown() override {
    servers_.clear();
    if (cluster_ == nullptr) return;
    if (started_) VICINITY_EXPECT_OK(cluster_->stop_daemon(kNode));
    VICINITY_EXPECT_OK(cluster_->world().shut_down());
  }

  void serve(const std::string& text) {
    const auto file = feed::parse_mesh(text);
    ASSERT_TRUE(file.errors.empty()) << file.errors[0].message;
    cluster_->control_plane().set_resources(file.resources);
  }
  void start() {
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode));
    started_ = true;
  }
  Process& dns_server(const std::string& pod, const std::string& mode) {
    auto server = cluster_->world().pod(pod).spawn(
        {.argv = {program_path("vic_dns_server"), cluster_->world().pod(pod).address(), mode}});
    EXPECT_TRUE(is_ok(server));
    EXPECT_TRUE(is_ok(server->wait_for_line("ready", 10s)));
    servers_.push_back(std::make_unique<Process>(*std::move(server)));
    return *servers_.back();
  }
  [[nodiscard]] SocketScript script() {
    auto script = SocketScript::start(cluster_->world().pod("client"));
    EXPECT_TRUE(is_ok(script));
    return *std::move(script);
  }
  // Opens a socket of this kind and connects it, once the service is there.
  void connect(SocketScript& socket, const std::string& kind, const std::string& to) {
    EXPECT_TRUE(wait_until(
        [&] {
          return socket.say("open " + kind) == "ok" && socket.say("connect " + to) == "ok" &&
                 socket.say("peer") == to && cluster_->world().decoy()->accepts() == 0;
        },
        10s));
  }
  std::string status() {
    const auto done = cluster_->ctl(kNode, {"status"});
    return done.ok() ? done->out + done->err : std::string(done.status().message());
  }
  // Every endpoint in the kernel.
  void wait_for_endpoints(size_t count) {
    EXPECT_TRUE(wait_until(
        [&] {
          const auto tables = cluster_->tables(kNode);
          if (!tables.ok()) return false;
          size_t slots = 0;
          for (const auto& [name, table] : tables->services) {
            for (const auto& port : table.ports) slots += port.slots.size();
          }
          return slots == count;
        },
        10s));
  }

  std::unique_ptr<Cluster> cluster_;
  std::vector<std::unique_ptr<Process>> servers_;
  bool started_ = false;
};

// Its server is silent and then removed. Left to itself the resolver would wait for a minute.
TEST_F(DeparturesTest, AResolverWhoseServerIsRemovedAsksTheNextOne) {
  create({"--terminate-after", "0s"});
  Process& silent = dns_server("one", "silent");
  dns_server("two", "answer");
  serve(service("dns", kVip, {{"10.244.1.21"}}));
  start();
  wait_for_endpoints(2);
  const fs::path config =
      fs::temp_directory_path() / ("vicinity-resolv-" + std::to_string(::getpid()));
  std::ofstream(config) << "nameserver " << kVip << "\noptions timeout:60 attempts:2\n";
  auto resolver = cluster_->world().pod("client").spawn(
      {.argv = {"unshare", "-m", "sh", "-c",
                "mount --bind " + config.string() +
                    " /etc/resolv.conf && exec getent -s dns ahostsv4 name.test"}});
  VICINITY_ASSERT_OK(resolver);
  VICINITY_ASSERT_OK(silent.wait_for_line("query", 10s));
  serve(service("dns", kVip, {{"10.244.1.22"}}));
  const auto ended = resolver->wait(30s);
  VICINITY_EXPECT_OK(ended);
  EXPECT_THAT(resolver->out(), ::testing::HasSubstr("192.0.2.1"));
  EXPECT_THAT(status(), ::testing::ContainsRegex("terminate +udp, by .*; 1 sockets closed"));
  fs::remove(config);
}

TEST_F(DeparturesTest, OnlyConnectedSocketsToRemovedEndpointsAreClosed) {
  create({"--terminate-after", "0s", "--terminate", "udp"});
  for (const char* pod : {"one", "two", "three"}) {
    VICINITY_ASSERT_OK(
        cluster_->world().pod(pod).serve({.ports = {5000}, .protocol = ServeProtocol::kUdp}));
    VICINITY_ASSERT_OK(cluster_->world().pod(pod).serve({.ports = {5000}}));
  }
  const std::string sick = service("sick", "10.96.0.12", {{"10.244.1.22"}});
  serve(service("leaving", kVip, {{"10.244.1.21"}}) + sick);
  start();
  wait_for_endpoints(4);
  SocketScript removed = script();
  SocketScript unhealthy = script();
  SocketScript direct = script();
  SocketScript unconnected = script();
  SocketScript tcp = script();
  connect(removed, "udp4", "10.96.0.10:5000");
  connect(unhealthy, "udp4", "10.96.0.12:5000");
  connect(direct, "udp4", "10.244.1.21:5000");
  EXPECT_EQ(tcp.say("open tcp4"), "ok");
  EXPECT_EQ(tcp.say("connect 10.96.0.10:5000"), "ok");
  EXPECT_EQ(unconnected.say("open udp4"), "ok");
  EXPECT_EQ(unconnected.say("sendto 10.96.0.10:5000"), "ok");
  EXPECT_EQ(unconnected.say("recvfrom"), "10.244.1.21:5000 from 10.96.0.10:5000");
  serve(service("leaving", kVip, {{"10.244.1.23"}}) +
        service("sick", "10.96.0.12", {{"10.244.1.22", "  status: UNHEALTHY\n"}}));
  EXPECT_TRUE(
      wait_until([&] { return status().find("; 1 sockets closed") != std::string::npos; }, 20s));
  // The error that waits on the socket is told once, whatever it is asked for first.
  EXPECT_EQ(removed.say("recv"), "ECONNABORTED");
  EXPECT_EQ(removed.say("send"), "EDESTADDRREQ");
  EXPECT_EQ(removed.say("connect 10.96.0.10:5000"), "ok");
  EXPECT_EQ(removed.say("send"), "ok");
  EXPECT_EQ(removed.say("recv"), "10.244.1.23:5000");
  EXPECT_EQ(unhealthy.say("send"), "ok");
  EXPECT_EQ(unhealthy.say("recv"), "10.244.1.22:5000");
  EXPECT_EQ(direct.say("send"), "ok");
  EXPECT_EQ(direct.say("recv"), "10.244.1.21:5000");
  EXPECT_EQ(tcp.say("peer"), "10.244.1.21:5000");
  EXPECT_EQ(unconnected.say("sendto 10.96.0.10:5000"), "ok");
  EXPECT_EQ(unconnected.say("recvfrom"), "10.244.1.23:5000 from 10.96.0.10:5000");
}

TEST_F(DeparturesTest, TcpIsClosedWhenToldTo) {
  create({"--terminate-after", "0s", "--terminate", "all"});
  for (const char* pod : {"one", "two"}) {
    VICINITY_ASSERT_OK(cluster_->world().pod(pod).serve({.ports = {5000}}));
  }
  serve(service("leaving", kVip, {{"10.244.1.21"}}) +
        service("staying", "10.96.0.12", {{"10.244.1.22"}}));
  start();
  wait_for_endpoints(4);
  SocketScript removed = script();
  SocketScript staying = script();
  for (auto [socket, to] :
       {std::pair{&removed, "10.96.0.10:5000"}, {&staying, "10.96.0.12:5000"}}) {
    EXPECT_EQ(socket->say("open tcp4"), "ok");
    EXPECT_EQ(socket->say(std::string("connect ") + to), "ok");
  }
  serve(service("leaving", kVip, {}) + service("staying", "10.96.0.12", {{"10.244.1.22"}}));
  EXPECT_EQ(removed.say("recv"), "ECONNABORTED");
  EXPECT_EQ(staying.say("peer"), "10.244.1.22:5000");
  EXPECT_EQ(staying.say("send"), "ok");
}

TEST_F(DeparturesTest, NoneIsNoneAndSaysSo) {
  create({"--terminate", "none", "--terminate-after", "0s"});
  VICINITY_ASSERT_OK(
      cluster_->world().pod("one").serve({.ports = {5000}, .protocol = ServeProtocol::kUdp}));
  serve(service("leaving", kVip, {{"10.244.1.21"}}));
  start();
  wait_for_endpoints(2);
  SocketScript kept = script();
  SocketScript unconnected = script();
  connect(kept, "udp4", "10.96.0.10:5000");
  EXPECT_EQ(unconnected.say("open udp4"), "ok");
  EXPECT_EQ(unconnected.say("sendto 10.96.0.10:5000"), "ok");
  serve(service("leaving", kVip, {}));
  // It chooses again, and there is nobody: the daemon has looked at the sockets.
  EXPECT_TRUE(
      wait_until([&] { return unconnected.say("sendto 10.96.0.10:5000") == "ECONNREFUSED"; }, 20s));
  EXPECT_EQ(kept.say("send"), "ok");
  EXPECT_EQ(kept.say("recv"), "10.244.1.21:5000");
  EXPECT_THAT(status(), ::testing::ContainsRegex("terminate +none; 0 sockets closed"));
}

// Without the privilege to enter the pods' namespaces.
TEST_F(DeparturesTest, WithoutThePrivilegeItIsNoneAndNamesIt) {
  create({});
  const Node& node = cluster_->world().node(kNode);
  const std::string socket =
      (fs::temp_directory_path() / ("vicinity-unprivileged-" + std::to_string(::getpid())))
          .string();
  auto daemon = Process::spawn({.argv = {"setpriv",           "--bounding-set",
                                         "-sys_admin",        "--inh-caps",
                                         "-sys_admin",        program_path("vicinityd"),
                                         "--node-name",       kNode,
                                         "--xds-address",     cluster_->control_plane().address(),
                                         "--xds-auth",        "plaintext",
                                         "--cgroup",          node.cgroup().path(),
                                         "--pin-dir",         node.pin_dir(),
                                         "--admin-socket",    socket,
                                         "--metrics-address", ""},
                                .netns = &cluster_->world().netns(),
                                .cgroup = &node.cgroup()});
  VICINITY_ASSERT_OK(daemon);
  VICINITY_ASSERT_OK(daemon->wait_for_line("ready", 10s));
  const auto asked =
      run({.argv = {program_path("vicinityctl"), "status", "--admin-socket", socket}}, 10s);
  VICINITY_ASSERT_OK(asked);
  EXPECT_THAT(asked->out, ::testing::ContainsRegex(
                              "terminate +none \\(enter a network namespace .CAP_SYS_ADMIN"));
  VICINITY_EXPECT_OK(daemon->stop(10s));
  servers_.clear();
}

}  // namespace
}  // namespace vicinity::testing
