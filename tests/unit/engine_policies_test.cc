// The engine and the folder of policies: who is recompiled when a document changes, what a bad one
// leaves in force, and that a mounted ConfigMap's switch is noticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>

#include "engine.h"
#include "fake_dataplane.h"
#include "feed/decode.h"
#include "feed/file/mesh_file.h"
#include "policy_dir.h"
#include "support/temp_folder.h"

namespace vicinity {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::FakeDataplane;
using ::testing::HasSubstr;

// Two services, each with one endpoint on this node and one elsewhere.
constexpr const char* kMesh = R"(
service: {name: web, namespace: ns, hostname: web.ns.svc.cluster.local, addresses: ["10.96.0.1"], ports: [{servicePort: 80, targetPort: 8080}]}
---
service: {name: db, namespace: ns, hostname: db.ns.svc.cluster.local, addresses: ["10.96.0.2"], ports: [{servicePort: 80, targetPort: 8080}]}
---
workload: {uid: near, name: near, namespace: ns, node: n1, addresses: ["10.0.0.1"], locality: {region: kr, zone: a}, services: {"ns/web.ns.svc.cluster.local": {}, "ns/db.ns.svc.cluster.local": {}}}
---
workload: {uid: far, name: far, namespace: ns, node: n2, addresses: ["10.0.0.2"], locality: {region: us, zone: a}, services: {"ns/web.ns.svc.cluster.local": {}, "ns/db.ns.svc.cluster.local": {}}}
)";

class MeshFeed final : public feed::Feed {
 public:
  absl::Status start(std::function<void()>) override { return absl::OkStatus(); }
  bool process(feed::Sink& sink, absl::Time now) override {
    if (done_) return false;
    done_ = true;
    model::Delta delta;
    for (const auto& resource : feed::parse_mesh(kMesh).resources) {
      auto decoded = feed::decode_address(resource.address, resource.name, sink.symbols());
      feed::add_to(delta, *std::move(decoded.value));
    }
    sink.apply(std::move(delta));
    sink.message_end(now);
    sink.in_sync();
    return false;
  }
  [[nodiscard]] absl::Time next_deadline() const override { return absl::InfiniteFuture(); }
  [[nodiscard]] feed::FeedStatus status() const override {
    return {.state = feed::FeedState::kInSync};
  }
  void stop() override {}

 private:
  bool done_ = false;
};

std::string rule(const std::string& host, const std::string& to) {
  return "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: " + host +
         ", namespace: ns}\nspec:\n  host: " + host +
         "\n  trafficPolicy: {loadBalancer: {localityLbSetting: {distribute: [{from: kr, to: {" +
         to + ": 100}}]}}}\n";
}

class EnginePolicies : public ::testing::Test {
 protected:
  EnginePolicies() {
    apply("---\n");
    turn();
  }
  void apply(const std::string& text) {
    engine_.apply({.status = absl::OkStatus(),
                   .load = policy::book::load(
                       std::vector<policy::book::FileText>{{.file = "p.yaml", .text = text}})});
  }
  void turn() { next_ = engine_.step(feed_, questions_, now_); }
  std::string endpoints(const char* service) {
    std::string text;
    const auto table = dataplane_.read(service);
    for (const auto& slot : table->ports[0].slots) {
      text += (text.empty() ? "" : " ") + slot.address.to_string();
    }
    return text;
  }
  uint64_t compiled() {
    engine_.refresh();
    return cell_.load()->engine.services_compiled;
  }
  const telemetry::PolicyInfo policies() {
    engine_.refresh();
    return cell_.load()->policies;
  }

  static constexpr const char* kWeb = "ns/web.ns.svc.cluster.local";
  static constexpr const char* kDb = "ns/db.ns.svc.cluster.local";
  FakeDataplane dataplane_;
  telemetry::PublishedCell cell_;
  admin::ControlQueue questions_{[] {}};
  MeshFeed feed_;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  absl::Time next_;
  Engine engine_{{.node = "n1"}, dataplane_, cell_, now_};
};

TEST_F(EnginePolicies, OnlyTheServicesConcernedAreRecompiled) {
  EXPECT_EQ(endpoints(kWeb), "10.0.0.1 10.0.0.2");
  uint64_t before = compiled();
  apply(rule("web", "us"));
  EXPECT_EQ(endpoints(kWeb), "10.0.0.2");
  EXPECT_EQ(endpoints(kDb), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(compiled(), before + 1);

  // A changed document concerns whom the old one and the new one name.
  before = compiled();
  apply(rule("web", "kr"));
  EXPECT_EQ(endpoints(kWeb), "10.0.0.1");
  apply(rule("db", "kr"));
  EXPECT_EQ(endpoints(kWeb), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(endpoints(kDb), "10.0.0.1");
  EXPECT_EQ(compiled(), before + 3);

  // Moved within its file: the same document.
  before = compiled();
  apply("# a comment of its own\n---\n" + rule("db", "kr"));
  EXPECT_EQ(compiled(), before);
}

TEST_F(EnginePolicies, ABadDocumentLeavesTheLastGoodOneInForce) {
  apply(rule("web", "us"));
  apply(rule("web", "\"*/x\""));
  EXPECT_EQ(endpoints(kWeb), "10.0.0.2");
  EXPECT_EQ(policies().refused, 1U);
  EXPECT_EQ(policies().kept, 1U);
  EXPECT_THAT(policies().findings, ElementsAre(HasSubstr("a wildcard is the whole last level")));
  engine_.apply({.status = absl::NotFoundError("policy folder p: gone"), .load = {}});
  EXPECT_EQ(endpoints(kWeb), "10.0.0.2");
  EXPECT_EQ(policies().error, "policy folder p: gone");
  apply("---\n");
  EXPECT_EQ(endpoints(kWeb), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(policies().documents, 0U);
}

// A policy for the connections of `web` counts while this node has one of its pods.
TEST_F(EnginePolicies, PodsThatComeAndGoAreSelectedAndNot) {
  constexpr const char* kOther = "10.0.0.2";
  apply(
      "type: MeshLoadBalancingStrategy\nmesh: default\nname: a\nspec: {targetRef: {kind: "
      "MeshService, name: web, namespace: ns}, to: [{targetRef: {kind: MeshService, name: db}, "
      "default: {loadBalancer: {type: RoundRobin}}}]}\n");
  const auto algorithm = [&] { return to_text(dataplane_.read(kDb)->ports[0].algorithm); };
  EXPECT_EQ(algorithm(), "round_robin");
  uint64_t before = compiled();
  const auto change = [&](model::Delta delta) {
    engine_.apply(std::move(delta));
    engine_.message_end(now_);
  };
  // Of web, db has to be made again as well; its own endpoint went with the pod.
  change({.removed = {"near"}, .services = {}, .workloads = {}});
  EXPECT_EQ(algorithm(), "random");
  EXPECT_EQ(compiled(), before + 2);
  EXPECT_EQ(endpoints(kDb), kOther);

  model::Workload pod;
  pod.uid = "client";
  pod.place.node = engine_.symbols().intern("n1");
  pod.addresses = {model::IpAddress::parse("10.0.0.7").value()};
  pod.bindings = {{.service = engine_.symbols().intern(kWeb), .ports = {}}};
  change({.removed = {}, .services = {}, .workloads = {pod}});
  EXPECT_EQ(algorithm(), "round_robin");
  before = compiled();
  pod.uid = "another";
  pod.addresses = {model::IpAddress::parse("10.0.0.8").value()};
  pod.bindings = {};
  change({.removed = {}, .services = {}, .workloads = {pod}});
  EXPECT_EQ(algorithm(), "round_robin");
  EXPECT_EQ(compiled(), before + 1);
  // A pod that only falls ill is the client it was.
  pod.health = model::Health::kUnhealthy;
  change({.removed = {}, .services = {}, .workloads = {pod}});
  EXPECT_EQ(compiled(), before + 1);
}

// --- the folder ---

class PolicyFolder : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  // The next reading; nothing within ten seconds fails the test.
  PolicyReading next(PolicyDir& dir) {
    std::unique_lock lock(mutex_);
    std::optional<PolicyReading> reading;
    const bool came = woken_.wait_for(lock, std::chrono::seconds(10), [&] {
      reading = dir.take();
      return reading.has_value();
    });
    EXPECT_TRUE(came);
    return came ? *std::move(reading) : PolicyReading{};
  }
  absl::Status start(PolicyDir& dir) {
    return dir.start([this] {
      const std::scoped_lock lock(mutex_);
      woken_.notify_all();
    });
  }
  static std::vector<std::string> names(const PolicyReading& reading) {
    std::vector<std::string> names;
    for (const auto& document : reading.load.documents) names.push_back(document.id.name);
    return names;
  }

  testing::TempFolder folder_ = testing::TempFolder::create("policies").value();
  std::mutex mutex_;
  std::condition_variable woken_;
};

TEST_F(PolicyFolder, FollowsEditsNewFilesAndRemovals) {
  write("a.yaml", rule("web", "us"));
  write("notes.txt", "no policy");
  write(".hidden.yaml", "no policy");
  PolicyDir dir(folder_.path());
  ASSERT_TRUE(start(dir).ok());
  EXPECT_THAT(names(next(dir)), ElementsAre("web"));
  write("b.yml", rule("db", "us"));
  EXPECT_THAT(names(next(dir)), ElementsAre("web", "db"));
  fs::remove(folder_ / "a.yaml");
  EXPECT_THAT(names(next(dir)), ElementsAre("db"));
  dir.stop();
}

TEST_F(PolicyFolder, FollowsTheSwitchOfAMountedConfigMap) {
  write("..one/rules.yaml", rule("web", "us"));
  fs::create_directory_symlink("..one", folder_ / "..data");
  fs::create_symlink("..data/rules.yaml", folder_ / "rules.yaml");
  PolicyDir dir(folder_.path());
  ASSERT_TRUE(start(dir).ok());
  EXPECT_THAT(names(next(dir)), ElementsAre("web"));
  write("..two/rules.yaml", rule("db", "us"));
  fs::create_directory_symlink("..two", folder_ / "..data_tmp");
  fs::rename(folder_ / "..data_tmp", folder_ / "..data");
  EXPECT_THAT(names(next(dir)), ElementsAre("db"));
  fs::remove_all(folder_ / "..one");
  dir.stop();
}

TEST_F(PolicyFolder, AFolderThatComesLaterIsFound) {
  PolicyDir dir(folder_ / "later");
  ASSERT_TRUE(start(dir).ok());
  EXPECT_THAT(std::string(next(dir).status.message()), HasSubstr("No such file"));
  write("later/a.yaml", rule("web", "us"));
  EXPECT_THAT(names(next(dir)), ElementsAre("web"));
  dir.stop();
}

}  // namespace
}  // namespace vicinity
