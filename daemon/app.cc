#include "app.h"

#include <csignal>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "admin/server.h"
#include "base/status.h"
#include "base/steady_time.h"
#include "config/flags.h"
#include "dataplane/features.h"
#include "dataplane/kernel_dataplane.h"
#include "dataplane/pins.h"
#include "dataplane/tasks.h"
#include "engine.h"
#include "event_loop.h"
#include "feed/dns/resolver.h"
#include "feed/file/file_feed.h"
#include "feed/xds/xds_feed.h"
#include "mounts.h"
#include "node_addresses.h"
#include "pod_watch.h"
#include "policy_dir.h"
#include "privileges.h"
#include "readiness_probe.h"
#include "telemetry/exporter.h"
#include "telemetry/log.h"
#include "ui/server.h"

namespace vicinity {
namespace {

using config::Config;
using telemetry::log_event;
using telemetry::LogLevel;

constexpr uint32_t kFirstServices = 1024;
constexpr uint32_t kFirstSlots = 8192;

absl::StatusOr<std::string> cgroup_path(const Config& config) {
  if (!config.cgroup.empty()) return config.cgroup;
  std::ifstream mounts("/proc/self/mounts");
  const auto run_folder = std::filesystem::path(config.admin_socket).parent_path();
  return find_or_mount_cgroup2(std::string(std::istreambuf_iterator<char>(mounts), {}),
                               run_folder / "cgroup2", mount_cgroup2);
}

absl::StatusOr<dataplane::KernelOptions> kernel_options(const Config& config) {
  dataplane::KernelOptions options;
  VIC_ASSIGN_OR_RETURN(options.cgroup, cgroup_path(config));
  options.pin_dir = config.pin_dir;
  // The flags are limits; the maps begin smaller and grow.
  options.limits = {.services = config.max_services,
                    .slots = config.max_slots,
                    .choice_lines = config.max_hash_memory / sizeof(vic_line)};
  options.max_services = std::min(kFirstServices, config.max_services);
  options.max_slots = std::min(kFirstSlots, config.max_slots);
  options.counting = config.counters ? dataplane::Counting::kOn : dataplane::Counting::kOff;
  options.unknown_port = config.on_unknown_port == config::EmptyAction::kRefuse
                             ? dataplane::UnknownPort::kRefuse
                             : dataplane::UnknownPort::kPass;
  options.peer_names = static_cast<dataplane::PeerNames>(config.getpeername);
  options.terminate = static_cast<dataplane::Terminate>(config.terminate);
  return options;
}
static_assert(static_cast<int>(config::Getpeername::kAll) ==
              static_cast<int>(dataplane::PeerNames::kAll));
static_assert(static_cast<int>(config::Terminate::kAll) ==
              static_cast<int>(dataplane::Terminate::kAll));

model::ContextOverride context_override(const Config& config) {
  model::ContextOverride fixed;
  fixed.network = config.network;
  fixed.cluster = config.cluster_id;
  if (config.locality.has_value()) {
    fixed.region = config.locality->region;
    fixed.zone = config.locality->zone;
    fixed.subzone = config.locality->subzone;
  }
  return fixed;
}

EngineOptions engine_options(const Config& config) {
  EngineOptions options;
  options.node = config.node_name;
  options.context = context_override(config);
  options.locality_wait = config.locality_wait;
  options.resync_quiet = config.resync_quiet;
  options.lease = config.lease;
  options.policies.kuma = config.kuma;
  options.departures = {.terminate = static_cast<dataplane::Terminate>(config.terminate),
                        .drain = config.terminate_after};
  options.compile.eligibility.flat_networks = config.flat_networks;
  options.compile.on_empty = config.on_empty == config::EmptyAction::kPass
                                 ? policy::OnEmpty::kPass
                                 : policy::OnEmpty::kRefuse;
  options.compile.exclusions.globs = config.exclude_services;
  options.node_addresses = node_addresses;
  options.service_series = config.service_metrics;
  options.pod_rules = {.opt_out = config.opt_out,
                       .leave_captured = config.captured_pods == config::Balance::kLeave};
  options.compile.waypoint_services = config.waypoint_services == config::Balance::kBalance
                                          ? compile::WaypointServices::kBalance
                                          : compile::WaypointServices::kLeave;
  if (config.outlier_default == config::OutlierDefault::kConservative) {
    options.compile.outlier_default = policy::conservative_outlier();
  }
  options.compile.outlier_hook = config.outlier_hook == config::OutlierHook::kOn;
  return options;
}

feed::xds::XdsOptions xds_options(const Config& config) {
  feed::xds::XdsOptions options;
  options.address = to_string(config.xds_address);
  options.auth = config.xds_auth == config::XdsAuth::kTls ? feed::xds::Auth::kTls
                                                          : feed::xds::Auth::kPlaintext;
  options.root_cert_path = config.xds_root_cert;
  options.token_path = config.xds_token;
  options.max_receive_bytes = static_cast<int>(config.max_receive_bytes);
  options.resync_quiet = config.resync_quiet;
  options.node.node_name = config.node_name;
  options.node.cluster_id = config.cluster_id.value_or(options.node.cluster_id);
  options.node.network = config.network.value_or("");
  options.node.pod_name = config.pod_name.empty() ? config.node_name : config.pod_name;
  if (!config.pod_namespace.empty()) options.node.pod_namespace = config.pod_namespace;
  if (!config.pod_ip.empty()) options.node.pod_ip = config.pod_ip;
  return options;
}

std::unique_ptr<feed::Feed> make_feed(const Config& config) {
  if (config.feed.kind == config::FeedKind::kFile) {
    return std::make_unique<feed::FileFeed>(config.feed.path);
  }
  return feed::xds::make_xds_feed(xds_options(config));
}

// nullptr: there is no folder of policies.
absl::StatusOr<std::unique_ptr<PolicyDir>> open_policies(const Config& config, EventLoop& events) {
  if (config.policy_dir.empty()) return nullptr;
  auto policies = std::make_unique<PolicyDir>(config.policy_dir);
  VIC_RETURN_IF_ERROR(policies->start([&events] { events.wake(); }));
  return policies;
}

telemetry::LogOptions log_options(const Config& config) {
  return {.level = static_cast<telemetry::LogLevel>(config.log_level),
          .format = static_cast<telemetry::LogFormat>(config.log_format)};
}
static_assert(static_cast<int>(config::LogLevel::kError) ==
              static_cast<int>(telemetry::LogLevel::kError));
static_assert(static_cast<int>(config::LogFormat::kJson) ==
              static_cast<int>(telemetry::LogFormat::kJson));

// What people ask and what runs to answer them. Goes before the engine and the queue do.
struct Windows {
  std::unique_ptr<admin::AdminServer> admin;
  std::unique_ptr<telemetry::Exporter> exporter;
  std::unique_ptr<ui::Server> page;
};

admin::Surroundings surroundings(const Config& config) {
  admin::Surroundings about{.settings = {}, .log = telemetry::recent_log};
  for (const config::Flag& flag : config::flags()) {
    admin::Setting& setting = *about.settings.add_settings();
    setting.set_name(std::string(flag.name));
    const auto given = config.given.find(flag.name);
    setting.set_given(given != config.given.end());
    if (setting.given()) {
      setting.mutable_values()->Add(given->second.begin(), given->second.end());
    } else if (!flag.default_text.empty()) {
      setting.add_values(std::string(flag.default_text));
    }
  }
  return about;
}

absl::StatusOr<Windows> open_windows(const Config& config, admin::ControlQueue& questions,
                                     telemetry::PublishedCell& cell) {
  const telemetry::StatusSource fresh = [&questions, &cell] {
    // Whether control finds the time or not, the last status is better than none.
    questions.run([](admin::ControlView& view) { view.refresh(); }, absl::Seconds(1)).IgnoreError();
    return cell.load();
  };
  Windows windows;
  VIC_ASSIGN_OR_RETURN(windows.admin, admin::AdminServer::start(config.admin_socket, questions,
                                                                fresh, surroundings(config)));
  if (config.metrics_address.has_value()) {
    VIC_ASSIGN_OR_RETURN(windows.exporter,
                         telemetry::Exporter::start(to_string(*config.metrics_address), fresh));
  }
  if (config.ui_address.has_value()) {
    VIC_ASSIGN_OR_RETURN(windows.page, ui::Server::start({.address = to_string(*config.ui_address),
                                                          .host = config.ui_address->host},
                                                         windows.admin->channel()));
  }
  return windows;
}

// What one turn of the control loop works on.
struct ControlLoop {
  EventLoop& events;
  Engine& engine;
  feed::Feed& feed;
  admin::ControlQueue& questions;
  dataplane::Dataplane& dataplane;
  PolicyDir* policies;  // nullptr: no --policy-dir
};

void run_until_stopped(const ControlLoop& loop) {
  while (true) {
    const absl::Time now = base::steady_now();
    if (loop.policies != nullptr) {
      if (auto reading = loop.policies->take()) loop.engine.apply(*std::move(reading));
    }
    const absl::Time next = loop.engine.step(loop.feed, loop.questions, now);
    const Wakeup wakeup = loop.events.wait(now, next);
    if (wakeup.stop) return;
    if (wakeup.maintenance) loop.dataplane.maintain();
  }
}

// Null, with a log line, where namespaces cannot be told apart: every pod follows the node's
// tables.
std::unique_ptr<PodWatch> watch_pods(const Config& config, std::function<void()> wake,
                                     std::string& problem) {
  auto tasks = dataplane::Tasks::open(dataplane::Pins(config.pin_dir).directory());
  if (tasks.ok()) return std::make_unique<PodWatch>(*std::move(tasks), std::move(wake));
  problem = std::string(base::message(tasks.status()));
  log_event(LogLevel::kWarn, "pods are not told apart", {{"error", problem}});
  return nullptr;
}

// For the next start, which need not have the kernel verify it again. Only whoever has the pin
// directory to itself may.
void keep_tasks(const Config& config, const PodWatch* pods) {
  if (pods == nullptr) return;
  const absl::Status status = pods->keep(dataplane::Pins(config.pin_dir).directory());
  if (status.ok()) return;
  log_event(LogLevel::kWarn, "task iterator not pinned",
            {{"error", std::string(base::message(status))}});
}

uint64_t host_to_leave(const Config& config, const PodWatch* pods) {
  return pods == nullptr || config.host_network == config::Balance::kBalance ? 0
                                                                             : pods->host_cookie();
}

void give_up_privileges(const Config& config) {
  const auto enter =
      config.terminate == config::Terminate::kNone ? EnterNamespaces::kNo : EnterNamespaces::kYes;
  const absl::Status status = keep_only(needed_capabilities(enter));
  if (status.ok()) return;
  log_event(LogLevel::kWarn, "privileges not given up",
            {{"error", std::string(base::message(status))}});
}

}  // namespace

absl::Status run_app(const Config& config) {
  telemetry::set_up_logging(log_options(config));
  ::signal(SIGPIPE, SIG_IGN);
  VIC_ASSIGN_OR_RETURN(auto options, kernel_options(config));
  give_up_privileges(config);  // after mounts, before threads
  VIC_ASSIGN_OR_RETURN(const auto events, EventLoop::create());
  EngineOptions settings = engine_options(config);
  auto looking = std::async(std::launch::async, [&] {
    return watch_pods(config, [&events] { events->wake(); }, settings.pods.problem);
  });
  telemetry::PublishedCell cell;
  admin::ControlQueue questions([&events] { events->wake(); });
  // Whatever can fail for its settings does so before the kernel is touched.
  const auto feed = make_feed(config);
  VIC_RETURN_IF_ERROR(feed->start([&events] { events->wake(); }));
  VIC_ASSIGN_OR_RETURN(const auto policies, open_policies(config, *events));
  VIC_ASSIGN_OR_RETURN(const auto windows, open_windows(config, questions, cell));
  VIC_ASSIGN_OR_RETURN(const auto probe, ReadinessProbe::open(options.cgroup));
  options.probe_port = probe->port();
  settings.probe = [&probe] { return probe->last(); };
  VIC_ASSIGN_OR_RETURN(const auto names, feed::dns::Resolver::start({.servers = config.dns_servers},
                                                                    [&events] { events->wake(); }));
  settings.names = names.get();
  const auto pods = looking.get();
  // Whoever wants to know what the kernel has waits for as much of it as is left.
  [[maybe_unused]] const auto asking =
      std::async(std::launch::async, [] { (void)dataplane::kernel_features(); });
  options.host_netns = host_to_leave(config, pods.get());
  settings.pods.leaves_host = options.host_netns != 0;
  if (pods != nullptr) settings.namespaces = [&pods] { return pods->views(); };
  VIC_ASSIGN_OR_RETURN(const auto dataplane, dataplane::KernelDataplane::open(options));
  keep_tasks(config, pods.get());
  VIC_RETURN_IF_ERROR(events->watch_maintenance(dataplane->maintenance_fd()));
  probe->start();
  Engine engine(std::move(settings), *dataplane, cell, base::steady_now());
  log_event(LogLevel::kInfo, "ready",
            {{"node", config.node_name},
             {"cgroup", dataplane->status().cgroup},
             {"services", std::to_string(dataplane->status().services.used)}});

  run_until_stopped({.events = *events,
                     .engine = engine,
                     .feed = *feed,
                     .questions = questions,
                     .dataplane = *dataplane,
                     .policies = policies.get()});
  log_event(LogLevel::kInfo, "stopping; the data plane keeps serving");
  questions.close();
  feed->stop();
  return absl::OkStatus();
}

absl::Status uninstall(const Config& config) {
  telemetry::set_up_logging(log_options(config));
  return dataplane::uninstall(config.pin_dir);
}

}  // namespace vicinity
