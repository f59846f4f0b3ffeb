#include "bench/feed/decoded.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/status.h"
#include "base/steady_time.h"
#include "dataplane/kernel_dataplane.h"
#include "engine.h"
#include "model/delta.h"
#include "support/cgroup.h"
#include "support/wait.h"
#include "telemetry/published.h"

namespace vicinity::bench {
namespace {

constexpr uint32_t kRounds = 300;
constexpr uint32_t kZones = 9;
constexpr uint32_t kNet = 0x0a800000;  // 10.128.0.0

model::IpAddress ipv4(uint32_t number) {
  model::IpAddress ip;
  for (uint32_t i = 0; i < 4; ++i) ip.bytes[i] = static_cast<uint8_t>(number >> (24 - 8 * i));
  return ip;
}

EngineOptions options() {
  EngineOptions options;
  options.node = "node-0";
  options.context.network = "";
  options.context.cluster = "Kubernetes";
  options.context.region = "region-0";
  options.context.zone = "zone-0";
  options.context.subzone = "";
  return options;
}

// One service and its endpoints, changed one by one.
class Scene {
 public:
  Scene(Engine& engine, dataplane::KernelDataplane& dataplane, uint32_t endpoints)
      : engine_(engine),
        dataplane_(dataplane),
        endpoints_(endpoints),
        name_(fmt::format("bench/service-{}.bench.svc.cluster.local", endpoints)) {}

  void fill();
  [[nodiscard]] std::vector<DecodedRow> measure();

 private:
  [[nodiscard]] model::SymbolId symbol(std::string_view text) {
    return engine_.symbols().intern(text);
  }
  [[nodiscard]] model::Workload workload(uint32_t number);
  // Nanoseconds until the tables are there.
  int64_t apply(model::Delta delta);
  void let_go();

  Engine& engine_;
  dataplane::KernelDataplane& dataplane_;
  uint32_t endpoints_;
  std::string name_;
};

model::Workload Scene::workload(uint32_t number) {
  const uint32_t zone = number % kZones;
  model::Workload workload;
  workload.uid = fmt::format("Kubernetes//Pod/bench/service-{}-{:08x}", endpoints_, number);
  workload.name_space = symbol("bench");
  workload.place = {.network = symbol(""),
                    .cluster = symbol("Kubernetes"),
                    .region = symbol(fmt::format("region-{}", zone / 3)),
                    .zone = symbol(fmt::format("zone-{}", zone)),
                    .subzone = symbol(""),
                    .node = symbol(fmt::format("node-{}", 1 + number % 1000))};
  workload.addresses.push_back(ipv4(kNet + (endpoints_ << 8) + number));
  workload.bindings.push_back(
      {.service = symbol(name_), .ports = {{.service_port = 80, .target_port = 8080}}});
  return workload;
}

void Scene::fill() {
  model::Delta delta;
  model::Service& service = delta.services.emplace_back();
  service.key = symbol(name_);
  service.name_space = symbol("bench");
  service.hostname = symbol(name_.substr(name_.find('/') + 1));
  service.addresses = {{.network = symbol(""), .ip = ipv4(0x0a600000 + endpoints_)}};
  service.ports = {{.service_port = 80, .target_port = 8080}};
  service.load_balancing = {
      .mode = model::RoutingMode::kFailover,
      .health_policy = model::HealthPolicy::kOnlyHealthy,
      .preference = {model::Scope::kRegion, model::Scope::kZone, model::Scope::kNode}};
  for (uint32_t i = 0; i < endpoints_; ++i) delta.workloads.push_back(workload(i));
  apply(std::move(delta));
  let_go();
}

int64_t Scene::apply(model::Delta delta) {
  const int64_t begin = testing::monotonic_ns();
  engine_.apply(std::move(delta));
  engine_.message_end(absl::Now());
  return testing::monotonic_ns() - begin;
}

// What was replaced, once its grace period has passed.
void Scene::let_go() {
  do {
    pollfd waiting = {.fd = dataplane_.maintenance_fd(), .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, 20);
    dataplane_.maintain();
  } while (dataplane_.status().pending_reclaims > 0);
}

DecodedRow row(std::string_view change, uint32_t endpoints, std::vector<int64_t> times) {
  std::ranges::sort(times);
  const auto at = [&](size_t percent) {
    return static_cast<double>(times[(times.size() - 1) * percent / 100]) / 1e3;
  };
  return {.change = change, .endpoints = endpoints, .p50_us = at(50), .p99_us = at(99)};
}

std::vector<DecodedRow> Scene::measure() {
  std::vector<int64_t> flipped;
  std::vector<int64_t> added;
  std::vector<int64_t> removed;
  for (uint32_t round = 0; round < kRounds; ++round) {
    model::Workload sick = workload(round * 7919 % endpoints_);
    sick.health = model::Health::kUnhealthy;
    model::Workload well = workload(round * 7919 % endpoints_);
    model::Workload fresh = workload(endpoints_ + round);
    const std::string uid = fresh.uid;
    // What waking up costs is not part of it.
    apply({.removed = {}, .services = {}, .workloads = {sick}});
    apply({.removed = {}, .services = {}, .workloads = {well}});
    flipped.push_back(apply({.removed = {}, .services = {}, .workloads = {std::move(sick)}}));
    flipped.push_back(apply({.removed = {}, .services = {}, .workloads = {std::move(well)}}));
    added.push_back(apply({.removed = {}, .services = {}, .workloads = {std::move(fresh)}}));
    removed.push_back(apply({.removed = {uid}, .services = {}, .workloads = {}}));
    let_go();
  }
  return {row("health flipped", endpoints_, std::move(flipped)),
          row("added", endpoints_, std::move(added)),
          row("removed", endpoints_, std::move(removed))};
}

}  // namespace

absl::StatusOr<std::vector<DecodedRow>> measure_decoded(const Workspace& workspace,
                                                        std::span<const uint32_t> sizes) {
  VIC_ASSIGN_OR_RETURN(const testing::Cgroup cgroup, workspace.make_cgroup("decoded"));
  VIC_ASSIGN_OR_RETURN(const auto dataplane,
                       dataplane::KernelDataplane::open({.cgroup = cgroup.path(),
                                                         .pin_dir = workspace.pin_dir("decoded"),
                                                         .max_services = 100,
                                                         .max_slots = 10 * std::ranges::max(sizes),
                                                         .limits = {}}));
  telemetry::PublishedCell cell;
  Engine engine(options(), *dataplane, cell, base::steady_now());
  std::vector<DecodedRow> rows;
  for (const uint32_t size : sizes) {
    Scene scene(engine, *dataplane, size);
    scene.fill();
    const std::vector<DecodedRow> more = scene.measure();
    rows.insert(rows.end(), more.begin(), more.end());
  }
  if (dataplane->status().services.used != 2 * sizes.size()) {
    return base::internal("decoded: {} records, not two for each of {} services",
                          dataplane->status().services.used, sizes.size());
  }
  return rows;
}

}  // namespace vicinity::bench
