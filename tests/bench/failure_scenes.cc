#include "bench/failure_scenes.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "contract/plan_table.h"
#include "contract/table_builder.h"
#include "dataplane/kernel_dataplane.h"
#include "support/program.h"
#include "support/world.h"

namespace vicinity::bench {
namespace {

using dataplane::KernelDataplane;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kService[] = "10.96.0.10";
constexpr char kBackend[] = "10.244.1.11";
constexpr uint16_t kNear = 5100;
constexpr uint16_t kFar = 5300;
constexpr int kZone = 20;
constexpr uint64_t kMostConnects = 400;
constexpr milliseconds kPatience(1200);  // a SYN is sent again after a second

// A client, servers, and Vicinity between them.
class Scene {
 public:
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Scene>> make() {
    auto self = std::make_unique<Scene>();
    VIC_ASSIGN_OR_RETURN(
        self->world_,
        testing::World::create(
            {.nodes = {"node1"},
             .pods = {{.name = "client", .node = "node1", .addresses = {"10.244.1.9"}},
                      {.name = "backends", .node = "node1", .addresses = {kBackend}}}}));
    testing::Node& node = self->world_->node("node1");
    self->pin_dir_ = node.pin_dir() + "/vicinity";
    VIC_ASSIGN_OR_RETURN(self->dataplane_, KernelDataplane::open({.cgroup = node.cgroup().path(),
                                                                  .pin_dir = self->pin_dir_,
                                                                  .limits = {}}));
    return self;
  }

  ~Scene() {
    servers_.clear();
    dataplane_.reset();
    (void)dataplane::uninstall(pin_dir_);
    if (world_ != nullptr) (void)world_->shut_down();
  }

  absl::Status serve(const char* mode, uint16_t port, int count) {
    VIC_ASSIGN_OR_RETURN(
        testing::Process server,
        world_->pod("backends")
            .spawn({.argv = {testing::program_path("vic_failing_server"), mode, kBackend,
                             std::to_string(port), std::to_string(count)}}));
    VIC_RETURN_IF_ERROR(server.wait_for_line("serving", seconds(20)).status());
    servers_.push_back(std::move(server));
    return absl::OkStatus();
  }
  void kill_last_server() { servers_.pop_back(); }

  absl::Status publish(int near, int far, const compile::Watch& watch) {
    const std::vector<testing::PlannedTier> tiers = {endpoints(kNear, near, 100),
                                                     endpoints(kFar, far, 0)};
    compile::PortTable table = testing::planned_table({}, tiers);
    testing::watch(table, watch);
    const dataplane::ApplyResult result = dataplane_->apply(
        {.upserts = {testing::service_table("ns/a", {kService}, {table})}, .removals = {}});
    return result.refused.empty() ? absl::OkStatus() : result.refused.front().status;
  }

  [[nodiscard]] absl::StatusOr<testing::Tally> connect(uint64_t connects, unsigned workers) {
    VIC_ASSIGN_OR_RETURN(testing::PodAgent * agent, world_->pod("client").agent());
    return agent->connect_many({.targets = {{kService, 80}},
                                .workers = workers,
                                .limit = connects,
                                .talk = testing::Talk::kNone,
                                .timeout = kPatience});
  }

  [[nodiscard]] KernelDataplane& dataplane() { return *dataplane_; }

 private:
  static testing::PlannedTier endpoints(uint16_t port, int count, uint32_t load_percent) {
    testing::PlannedTier tier{.load_percent = load_percent, .endpoints = {}};
    for (int i = 0; i < count; ++i) {
      tier.endpoints.push_back({.address = kBackend, .port = static_cast<uint16_t>(port + i)});
    }
    return tier;
  }

  std::unique_ptr<testing::World> world_;
  std::unique_ptr<KernelDataplane> dataplane_;
  std::string pin_dir_;
  std::vector<testing::Process> servers_;
};

uint64_t most_timeouts(KernelDataplane& dataplane) {
  uint64_t most = 0;
  for (const dataplane::ObservedEndpoint& endpoint : dataplane.observed()) {
    most = std::max<uint64_t>(most, endpoint.seen.timed_out);
  }
  return most;
}

}  // namespace

absl::StatusOr<DeadEndpoint> one_of_three_dies(Reaction reaction) {
  VIC_ASSIGN_OR_RETURN(const std::unique_ptr<Scene> scene, Scene::make());
  VIC_RETURN_IF_ERROR(scene->serve("answer", kNear, 2));
  VIC_RETURN_IF_ERROR(scene->serve("answer", kNear + 2, 1));
  const bool on = reaction == Reaction::kOn;
  VIC_RETURN_IF_ERROR(scene->publish(3, 0,
                                     {.refused_in_row = on ? 1u : 0u,
                                      .timeouts_in_row = on ? 3u : 0u,
                                      .suspicion_ms = 60'000,
                                      .most_suspects = 3}));
  VIC_ASSIGN_OR_RETURN(const testing::Tally before, scene->connect(100, 1));
  if (before.failed() != 0) return base::internal("{} connects failed too early", before.failed());
  scene->kill_last_server();
  VIC_ASSIGN_OR_RETURN(const testing::Tally tally, scene->connect(1000, 1));
  return DeadEndpoint{.failed = tally.failed(),
                      .saved = scene->dataplane().status().observed.saved};
}

absl::StatusOr<DeadZone> zone_goes_silent() {
  VIC_ASSIGN_OR_RETURN(const std::unique_ptr<Scene> scene, Scene::make());
  VIC_RETURN_IF_ERROR(scene->serve("silent", kNear, kZone));
  VIC_RETURN_IF_ERROR(scene->serve("answer", kFar, kZone));
  VIC_RETURN_IF_ERROR(scene->publish(kZone, kZone,
                                     {.refused_in_row = 1,
                                      .timeouts_in_row = 3,
                                      .suspicion_ms = 600'000,
                                      .most_suspects = 2 * kZone}));
  DeadZone result;
  for (uint64_t made = 0; made < kMostConnects; made += 20) {
    VIC_ASSIGN_OR_RETURN(const testing::Tally tally, scene->connect(20, 4));
    result.failed += tally.failed();
  }
  result.most_of_one = most_timeouts(scene->dataplane());
  VIC_ASSIGN_OR_RETURN(const testing::Tally after, scene->connect(500, 4));
  result.failed_after = after.failed();
  return result;
}

}  // namespace vicinity::bench
