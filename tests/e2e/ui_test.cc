// The HTTP side of the page, of a real daemon: its headers, that its JSON is vicinityctl's, whom it
// answers, and that it is off unless asked for. The page in a browser: tests/deploy/page_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/paths.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kNode = "ambient-worker";
constexpr const char* kAddress = "127.0.0.1:15291";
constexpr const char* kService = "sample/helloworld.sample.svc.cluster.local";

class UiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_, Cluster::create({.world = {.nodes = {kNode}}}));
    std::ifstream file(test_data_dir() / "walkthrough/00-initial.yaml");
    const auto mesh = feed::parse_mesh(std::string(std::istreambuf_iterator<char>(file), {}));
    ASSERT_TRUE(mesh.errors.empty());
    cluster_->control_plane().set_resources(mesh.resources);
  }
  void TearDown() override {
    if (!cluster_) return;
    VICINITY_EXPECT_OK(cluster_->stop_daemon(kNode));
    VICINITY_EXPECT_OK(cluster_->world().shut_down());
  }

  void start(const std::vector<std::string>& flags) {
    VICINITY_ASSERT_OK(cluster_->start_daemon(kNode, flags));
    ASSERT_TRUE(
        wait_until([&] { return ctl({"services"}).find("helloworld") != std::string::npos; }, 10s));
  }
  std::string ctl(std::vector<std::string> arguments) {
    const auto done = cluster_->ctl(kNode, std::move(arguments));
    return done.ok() ? done->out : std::string(done.status().message());
  }
  // curl in the node's network namespace: what it printed.
  std::string curl(std::vector<std::string> arguments, const std::string& path = "/") {
    arguments.insert(arguments.begin(), {"curl", "-s", "-m", "10", "--noproxy", "*"});
    arguments.push_back(std::string("http://") + kAddress + path);
    const auto done = run({.argv = std::move(arguments), .netns = &cluster_->world().netns()}, 20s);
    return done.ok() ? done->out : std::string(done.status().message());
  }
  std::string status_of(std::vector<std::string> arguments, const std::string& path = "/") {
    arguments.insert(arguments.end(), {"-o", "/dev/null", "-w", "%{http_code}"});
    return curl(std::move(arguments), path);
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(UiTest, IsOffUnlessAskedFor) {
  start({});
  EXPECT_EQ(status_of({}), "000");  // nobody listens
}

TEST_F(UiTest, ThePageMayAskNobodyElseAndNobodyElseMayFrameIt) {
  start({"--ui-address", kAddress});
  const std::string page = curl({"-i"});
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n"));
  for (const char* header :
       {"Content-Type: text/html; charset=utf-8\r\n", "X-Content-Type-Options: nosniff\r\n",
        "X-Frame-Options: DENY\r\n", "Referrer-Policy: no-referrer\r\n",
        "Cache-Control: no-store\r\n", "Cross-Origin-Resource-Policy: same-origin\r\n",
        "default-src 'none'; script-src 'nonce-", "frame-ancestors 'none'", "connect-src 'self'"}) {
    EXPECT_THAT(page, HasSubstr(header));
  }
  EXPECT_THAT(page, Not(HasSubstr("Access-Control-Allow")));
  EXPECT_THAT(page, Not(HasSubstr("unsafe-inline")));
  // A nonce serves once.
  const size_t at = page.find("'nonce-");
  EXPECT_THAT(curl({"-i"}), Not(HasSubstr(page.substr(at, 39))));
}

TEST_F(UiTest, JsonIsWhatVicinityctlPrints) {
  start({"--ui-address", kAddress});
  const std::string query = std::string("?service=") + kService;
  EXPECT_EQ(curl({}, "/api/services"), ctl({"services", "-o", "json"}));
  EXPECT_EQ(curl({}, "/api/endpoints" + query), ctl({"endpoints", kService, "-o", "json"}));
  EXPECT_EQ(
      curl({}, "/api/explain" + query + "&port=5000&family=ipv4"),
      ctl({"explain", "--service", kService, "--port", "5000", "--family", "ipv4", "-o", "json"}));
  // Times differ; the rest of the status has the same members.
  EXPECT_THAT(curl({}, "/api/status"), HasSubstr("\"node\": \"ambient-worker\""));
  EXPECT_THAT(curl({}, "/api/flows"), HasSubstr("\"services\""));
  EXPECT_THAT(curl({"-i"}, "/api/services"), HasSubstr("Content-Type: application/json\r\n"));
}

TEST_F(UiTest, AnswersToItsOwnNamesOnlyAndChangesNothing) {
  start({"--ui-address", kAddress});
  struct Row {
    std::vector<std::string> arguments;
    std::string path;
    std::string status;
  };
  const Row rows[] = {
      {{}, "/", "200"},
      {{"-H", "Host: localhost:8080"}, "/", "200"},
      {{"-H", "Host: evil.example"}, "/", "421"},
      {{"-H", "Host: evil.example:15291"}, "/api/status", "421"},
      {{"-H", "Host: 10.0.0.7"}, "/api/status", "421"},
      {{"-H", "Host:"}, "/", "421"},
      {{"-X", "POST"}, "/api/status", "405"},
      {{"-X", "DELETE"}, "/", "405"},
      {{"-I"}, "/", "200"},
      {{}, "/no/such/page", "404"},
      {{}, "/../../etc/passwd", "404"},
      {{}, "/api/endpoints?service=a/nobody", "404"},
      {{}, std::string("/api/endpoints?port=x&service=") + kService, "400"},
      {{}, std::string("/api/explain?family=ipv5&service=") + kService, "400"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(status_of(row.arguments, row.path), row.status)
        << row.path << " " << ::testing::PrintToString(row.arguments);
  }
  // What a stranger is told has nothing of the node.
  EXPECT_THAT(curl({"-H", "Host: evil.example"}, "/api/status"), Not(HasSubstr("ambient")));
}

}  // namespace
}  // namespace vicinity::testing
