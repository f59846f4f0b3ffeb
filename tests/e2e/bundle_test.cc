// A bundle of a real daemon: it answers what the daemon answered, and no secret is in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "e2e/cluster.h"
#include "feed/file/mesh_file.h"
#include "support/gtest_support.h"
#include "support/paths.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kNode = "ambient-worker";
constexpr const char* kService = "sample/helloworld.sample.svc.cluster.local";
constexpr const char* kToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJlLW9mLWl0";
constexpr const char* kOpaque = "opaque-token-of-nobody";
constexpr const char* kPolicy = R"(apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: hello
  namespace: sample
  annotations: {note: "Bearer policy-secret-123"}
spec:
  host: helloworld.sample.svc.cluster.local
  trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}
)";

class BundleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    VICINITY_ROOT_OR_FAIL();
    VICINITY_ASSERT_OK_AND_ASSIGN(cluster_, Cluster::create({.world = {.nodes = {kNode}}}));
    folder_ = fs::path(cluster_->admin_socket(kNode)).parent_path();
    fs::create_directories(folder_ / "policies");
    std::ofstream(folder_ / "token") << kOpaque << "\n";
    std::ofstream(folder_ / "policies/hello.yaml") << kPolicy;
    for (const char* name : {"walkthrough/00-initial.yaml", "weights.yaml", "dual-stack.yaml"}) {
      std::ifstream file(test_data_dir() / name);
      const auto mesh = feed::parse_mesh(std::string(std::istreambuf_iterator<char>(file), {}));
      ASSERT_TRUE(mesh.errors.empty());
      resources_.insert(resources_.end(), mesh.resources.begin(), mesh.resources.end());
    }
    // Its error repeats what the control plane sent.
    auto bad = resources_.front();
    bad.name = std::string("sample/") + kToken;
    resources_.push_back(bad);
    cluster_->control_plane().set_resources(resources_);
    VICINITY_ASSERT_OK(cluster_->start_daemon(
        kNode, {"--xds-token", (folder_ / "token").string(), "--policy-dir",
                (folder_ / "policies").string(), "--dns-server", "127.0.0.1:9"}));
    ASSERT_TRUE(wait_until(
        [&] {
          const std::string status = live({"status"});
          return status.find("in_sync") != std::string::npos &&
                 status.find("rejected resources") != std::string::npos;
        },
        10s));
  }
  void TearDown() override {
    if (!cluster_) return;
    if (running_) VICINITY_EXPECT_OK(cluster_->stop_daemon(kNode));
    VICINITY_EXPECT_OK(cluster_->world().shut_down());
  }

  std::string live(std::vector<std::string> arguments) {
    const auto done = cluster_->ctl(kNode, std::move(arguments));
    return done.ok() ? done->out + done->err : std::string(done.status().message());
  }
  std::string replayed(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program_path("vicinityctl"));
    arguments.insert(arguments.end(), {"--bundle", bundle_});
    const auto done = run({.argv = std::move(arguments)}, 20s);
    return done.ok() ? done->out + done->err : std::string(done.status().message());
  }
  void make() {
    bundle_ = (folder_ / "bundle.tar.gz").string();
    EXPECT_THAT(live({"bundle", "--file", bundle_}), HasSubstr(bundle_));
  }

  std::unique_ptr<Cluster> cluster_;
  fs::path folder_;
  std::string bundle_;
  std::vector<feed::NamedAddress> resources_;
  bool running_ = true;
};

std::vector<std::vector<std::string>> questions() {
  std::vector<std::vector<std::string>> all{{"services"},
                                            {"services", "-o", "json"},
                                            {"explain", "--service", "a/nobody"},
                                            {"endpoints", "a/nobody"}};
  for (const std::string service :
       {kService, "shop/weighted.example.com", "shop/dual.shop.svc.cluster.local"}) {
    for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
             {}, {"-o", "json"}, {"--family", "ipv4"}, {"--family", "ipv6", "-o", "json"}}) {
      std::vector<std::string> question{"explain", "--service", service};
      question.insert(question.end(), more.begin(), more.end());
      all.push_back(question);
    }
    all.push_back({"endpoints", service});
    all.push_back({"endpoints", service, "-o", "json"});
  }
  all.push_back({"explain", "--service", kService, "--port", "5000"});
  all.push_back({"explain", "--service", kService, "--port", "5001"});
  all.push_back({"endpoints", std::string(kService) + ":5000"});
  all.push_back({"endpoints", std::string(kService) + ":5000", "-o", "json"});
  return all;
}

TEST_F(BundleTest, AnswersWhatTheDaemonAnswered) {
  make();
  std::vector<std::string> answers;
  for (const auto& question : questions()) answers.push_back(live(question));
  EXPECT_THAT(answers.at(4), HasSubstr("round_robin")) << "the policy decides";
  VICINITY_ASSERT_OK(cluster_->stop_daemon(kNode));
  running_ = false;
  const auto asked = questions();
  for (size_t i = 0; i < asked.size(); ++i) {
    EXPECT_EQ(replayed(asked[i]), answers[i]) << ::testing::PrintToString(asked[i]);
  }
  EXPECT_THAT(replayed({"status"}), HasSubstr("in_sync"));
  EXPECT_THAT(replayed({"status", "-o", "json"}), HasSubstr("\"node\": \"ambient-worker\""));
}

TEST_F(BundleTest, HasEverythingButSecrets) {
  make();
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto list, run({.argv = {"tar", "-tzf", bundle_}}, 20s));
  for (const char* name : {"README", "status.txt", "status.json", "snapshot.txt", "plan.txt",
                           "tables.txt", "metrics.txt", "log.txt", "settings.txt", "policies.json",
                           "policies/hello.yaml", "replay/status.pb"}) {
    EXPECT_THAT(list.out, HasSubstr(name));
  }
  VICINITY_ASSERT_OK_AND_ASSIGN(const auto all, run({.argv = {"tar", "-xzOf", bundle_}}, 20s));
  EXPECT_THAT(all.out, HasSubstr("--policy-dir"));
  EXPECT_THAT(all.out, HasSubstr("10.244.1.5"));
  EXPECT_THAT(all.out, HasSubstr("resource rejected"));  // of the log
  // Rejected by that name, which the daemon does say.
  EXPECT_THAT(live({"status"}), HasSubstr(kToken));
  for (const char* secret : {kToken, kOpaque, "policy-secret-123"}) {
    EXPECT_THAT(all.out, Not(HasSubstr(secret)));
  }
}

}  // namespace
}  // namespace vicinity::testing
