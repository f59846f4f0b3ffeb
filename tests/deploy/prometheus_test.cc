// A real Prometheus scrapes three daemons: every query of the Grafana dashboard, and what every
// alert compares, is evaluated there and returns data. VICINITY_PROMETHEUS names the program,
// VICINITY_QUERIES a file with one query a line (queries_test.py --list).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kPrometheus = "127.0.0.1:19090";
const std::map<std::string, std::string> kMetrics{{"ambient-worker", "127.0.0.1:15191"},
                                                  {"ambient-worker2", "127.0.0.1:15192"},
                                                  {"ambient-worker3", "127.0.0.1:15193"}};
// Beside the walk-through's service: one that nobody serves any more, and, made of it, a resource
// to reject.
constexpr const char* kEmpty = R"(workload:
  uid: Kubernetes//Pod/sample/sick
  name: sick
  namespace: sample
  addresses: ["10.244.3.9"]
  status: UNHEALTHY
  node: ambient-worker3
  locality: {region: region, zone: zone2, subzone: subzone3}
  services: {"sample/empty.example": {ports: [{servicePort: 80, targetPort: 8080}]}}
---
service:
  name: empty
  namespace: sample
  hostname: empty.example
  addresses: ["10.96.0.99"]
  ports: [{servicePort: 80, targetPort: 8080}]
)";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class PrometheusTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    ASSERT_NE(environment("VICINITY_PROMETHEUS"), "");
    ASSERT_NE(environment("VICINITY_QUERIES"), "");
    fs::create_directories(directory_);
    WorldSpec world{
        .nodes = {},
        .pods = {{.name = "client", .node = "ambient-worker", .addresses = {"10.244.1.6"}},
                 {.name = "local", .node = "ambient-worker", .addresses = {"10.244.1.5"}}},
        .decoy = DecoySpec{}};
    for (const auto& [node, address] : kMetrics) world.nodes.push_back(node);
    VICINITY_ASSERT_OK_AND_ASSIGN(
        cluster_, Cluster::create({.world = std::move(world), .metrics_addresses = kMetrics}));
    VICINITY_ASSERT_OK(cluster_->world().pod("local").serve(
        {.instance = "local", .protocol = ServeProtocol::kBanner}));
    VICINITY_ASSERT_OK(cluster_->start_daemons());
    serve();
  }
  void TearDown() override {
    if (!cluster_) return;
    for (const auto& [node, address] : kMetrics) VICINITY_EXPECT_OK(cluster_->stop_daemon(node));
    VICINITY_EXPECT_OK(cluster_->world().shut_down());
    fs::remove_all(directory_);
  }

  void serve() {
    std::ifstream file(test_data_dir() / "walkthrough/00-initial.yaml");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    auto mesh = feed::parse_mesh(text + "---\n" + kEmpty);
    ASSERT_TRUE(mesh.errors.empty());
    auto rejected = mesh.resources.back();
    rejected.name = "sample/bad.example";
    rejected.address.mutable_service()->set_hostname("bad.example");
    rejected.address.mutable_service()->mutable_load_balancing()->add_routing_preference(
        istio::workload::LoadBalancing::UNSPECIFIED_SCOPE);
    mesh.resources.push_back(rejected);
    cluster_->control_plane().set_resources(mesh.resources);
  }

  absl::StatusOr<Process> start_prometheus() {
    std::ofstream config(directory_ / "prometheus.yml");
    config << "global: {scrape_interval: 1s}\nscrape_configs:\n"
           << "  - job_name: vicinity\n    static_configs:\n      - targets:\n";
    for (const auto& [node, address] : kMetrics) config << "          - " << address << "\n";
    config.close();
    return Process::spawn({.argv = {environment("VICINITY_PROMETHEUS"),
                                    "--config.file=" + (directory_ / "prometheus.yml").string(),
                                    "--storage.tsdb.path=" + (directory_ / "data").string(),
                                    std::string("--web.listen-address=") + kPrometheus},
                           .netns = &cluster_->world().netns()});
  }

  // What the query API says; "" when it does not answer.
  std::string query(const std::string& expression) {
    const auto done = run(
        {.argv = {"curl", "-s", "-m", "5", "--noproxy", "*", "--data-urlencode",
                  "query=" + expression, std::string("http://") + kPrometheus + "/api/v1/query"},
         .netns = &cluster_->world().netns()},
        10s);
    return done.ok() ? done->out : "";
  }
  bool returns_data(const std::string& expression) {
    const std::string answer = query(expression);
    return answer.find("\"status\":\"success\"") != std::string::npos &&
           answer.find("\"result\":[]") == std::string::npos;
  }
  void connect(const std::string& address, uint16_t port) {
    VICINITY_EXPECT_OK(cluster_->world().pod("client").connect({.address = address, .port = port}));
  }

  const fs::path directory_ =
      fs::temp_directory_path() / ("vicinity-prometheus-" + std::to_string(getpid()));
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(PrometheusTest, EveryQueryOfDashboardAndAlertsReturnsData) {
  VICINITY_ASSERT_OK_AND_ASSIGN(auto prometheus, start_prometheus());
  ASSERT_TRUE(
      wait_until([&] { return returns_data("count(up{job=\"vicinity\"} == 1) == 3"); }, 60s))
      << query("up") << prometheus.err();
  // Traffic over several scrapes, so that there are rates.
  ASSERT_TRUE(wait_until(
      [&] {
        connect("10.96.45.18", 5000);
        connect("10.96.0.99", 80);
        return returns_data("sum(rate(vicinity_service_connects_total[5m])) > 0") &&
               returns_data("sum(rate(vicinity_connects_total[5m])) > 0") &&
               returns_data("sum(rate(vicinity_service_refused_total[5m])) > 0");
      },
      60s));
  std::ifstream queries(environment("VICINITY_QUERIES"));
  int evaluated = 0;
  for (std::string line; std::getline(queries, line); ++evaluated) {
    EXPECT_TRUE(wait_until([&] { return returns_data(line); }, 30s)) << line << "\n" << query(line);
  }
  EXPECT_GT(evaluated, 20);
  VICINITY_EXPECT_OK(prometheus.stop(20s));
}

}  // namespace
}  // namespace vicinity::testing
