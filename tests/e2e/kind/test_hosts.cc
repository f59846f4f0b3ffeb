#include "e2e/kind/test_hosts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "base/status.h"
#include "feed/file/mesh_file.h"
#include "support/program.h"

namespace vicinity::testing::kind {
namespace {

using namespace std::chrono_literals;

constexpr const char* kVip = "10.96.45.18";
constexpr double kLoadPerSecond = 200;

// "local" out of "Hello version: local, instance: x".
std::string version_of(const std::string& answer) {
  constexpr std::string_view kMark = "version: ";
  const auto at = answer.find(kMark);
  if (at == std::string::npos) return answer;
  const auto from = at + kMark.size();
  return answer.substr(from, answer.find(',', from) - from);
}

Tally by_version(const Tally& tally) {
  Tally result = tally;
  result.by_answer.clear();
  for (const auto& [answer, count] : tally.by_answer) result.by_answer[version_of(answer)] += count;
  return result;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TestHosts>> TestHosts::create(const Scenario& scenario,
                                                             const std::string& run) {
  const auto found = scenario.runs.find(run);
  if (found == scenario.runs.end()) return base::invalid("no run {}", run);
  auto hosts = std::unique_ptr<TestHosts>(new TestHosts(scenario, found->second));
  WorldSpec world{.nodes = {}, .pods = {}, .decoy = DecoySpec{}};
  for (const auto& [node, place] : scenario.nodes) world.nodes.push_back(node);
  world.pods.push_back(
      {.name = scenario.client, .node = scenario.client_node, .addresses = {"10.244.1.6"}});
  VIC_ASSIGN_OR_RETURN(hosts->cluster_, Cluster::create({.world = std::move(world)}));
  VIC_RETURN_IF_ERROR(hosts->cluster_->start_daemons());
  VIC_RETURN_IF_ERROR(hosts->publish());
  VIC_RETURN_IF_ERROR(hosts->wait_in_sync());
  return hosts;
}

absl::Status TestHosts::act(const Action& action) {
  switch (action.kind) {
    case ActionKind::kDeploy:
      return deploy(action);
    case ActionKind::kDelete:
      return remove(action.what);
    case ActionKind::kRelabel:
      places_[action.node].zone = action.place.zone;
      places_[action.node].subzone = action.place.subzone;
      return publish();
    case ActionKind::kPolicy:
      policy_ = action.what;
      return publish();
    case ActionKind::kRestart:
      return action.what == "istiod" ? restart_control_plane() : restart_daemons();
    case ActionKind::kUpgrade:
      for (const auto& [flag, value] : action.settings) {
        flags_.push_back(fmt::format("--{}={}", flag, value));
      }
      return restart_daemons();
    case ActionKind::kUninstall:
      return uninstall();
  }
  return base::internal("an action that there is not");
}

absl::Status TestHosts::deploy(const Action& action) {
  const Instance instance{.node = action.node, .address = fmt::format("10.244.9.{}", addresses_++)};
  VIC_ASSIGN_OR_RETURN(
      Pod* const pod,
      cluster_->world().add_pod(
          {.name = action.what, .node = instance.node, .addresses = {instance.address}}));
  VIC_RETURN_IF_ERROR(
      pod->serve({.version = action.what, .instance = action.what, .ports = {scenario_.port}}));
  instances_[action.what] = instance;
  return publish();
}

// As Kubernetes does it when a pod waits before it ends: endpoint first.
absl::Status TestHosts::remove(const std::string& version) {
  const auto address = instances_.at(version).address;
  instances_.erase(version);
  VIC_RETURN_IF_ERROR(publish());
  const bool gone = wait_until(
      [&] {
        const auto tables = cluster_->tables(scenario_.client_node);
        return tables.ok() && compile::to_text(*tables).find(address) == std::string::npos;
      },
      10s);
  if (!gone) return absl::DeadlineExceededError(fmt::format("{} is still an endpoint", version));
  return cluster_->world().remove_pod(version);
}

absl::Status TestHosts::restart_daemons() {
  for (const auto& [node, place] : scenario_.nodes) {
    VIC_RETURN_IF_ERROR(cluster_->stop_daemon(node));
    VIC_RETURN_IF_ERROR(cluster_->start_daemon(node, flags_));
  }
  return wait_in_sync();
}

// Until then, what looks empty passes.
absl::Status TestHosts::wait_in_sync() {
  for (const auto& [node, place] : scenario_.nodes) {
    const bool synced = wait_until(
        [&] {
          const auto status = cluster_->ctl(node, {"status"});
          return status.ok() && status->out.find("in_sync") != std::string::npos;
        },
        20s);
    if (!synced) return absl::DeadlineExceededError(fmt::format("{} is not in sync", node));
  }
  return absl::OkStatus();
}

absl::Status TestHosts::restart_control_plane() {
  const std::string address = cluster_->control_plane().address();
  VIC_RETURN_IF_ERROR(cluster_->replace_control_plane(address));
  VIC_RETURN_IF_ERROR(publish());
  return wait_in_sync();
}

absl::Status TestHosts::uninstall() {
  for (const auto& [node, place] : scenario_.nodes) {
    VIC_RETURN_IF_ERROR(cluster_->stop_daemon(node));
    const auto& pins = cluster_->world().node(node).pin_dir();
    VIC_ASSIGN_OR_RETURN(const auto done, run({.argv = {program_path("vicinityd"), "--node-name",
                                                        node, "--pin-dir", pins, "--uninstall"}},
                                              10s));
    if (done.exit_code != 0) return base::internal("--uninstall on {}: {}", node, done.err);
  }
  return absl::OkStatus();
}

std::string TestHosts::workload(const std::string& name, const Instance& instance) const {
  const Place& place = places_.at(instance.node);
  return fmt::format(
      "---\nworkload:\n  uid: Kubernetes//Pod/{0}/{1}\n  name: {1}\n  namespace: {0}\n"
      "  addresses: [\"{2}\"]\n  node: {3}\n  clusterId: Kubernetes\n"
      "  locality: {{region: {4}, zone: {5}, subzone: {6}}}\n",
      scenario_.name_space, name, instance.address, instance.node, place.region, place.zone,
      place.subzone);
}

std::string TestHosts::mesh() const {
  const auto hostname =
      fmt::format("{}.{}.svc.cluster.local", scenario_.service, scenario_.name_space);
  const auto ports = fmt::format("ports: [{{servicePort: {0}, targetPort: {0}}}]", scenario_.port);
  std::string text = fmt::format(
      "service:\n  name: {}\n  namespace: {}\n  hostname: {}\n  addresses: [\"{}\"]\n  {}\n",
      scenario_.service, scenario_.name_space, hostname, kVip, ports);
  if (policy_ == "near") {
    text += fmt::format("  loadBalancing: {{mode: FAILOVER, routingPreference: [{}]}}\n",
                        fmt::join(run_.scopes, ", "));
  } else if (policy_ == "local") {
    text += "  loadBalancing: {mode: STRICT, routingPreference: [NODE]}\n";
  }
  text += workload(scenario_.client, {.node = scenario_.client_node, .address = "10.244.1.6"});
  for (const auto& [version, instance] : instances_) {
    text += workload(version, instance) + fmt::format("  services: {{\"{}/{}\": {{{}}}}}\n",
                                                      scenario_.name_space, hostname, ports);
  }
  return text;
}

absl::Status TestHosts::publish() {
  const auto file = feed::parse_mesh(mesh());
  if (!file.errors.empty()) return base::internal("mesh: {}", file.errors[0].message);
  cluster_->control_plane().set_resources(file.resources);
  return absl::OkStatus();
}

LoadSpec TestHosts::load_spec(Talk talk) const {
  return {.targets = {{.address = kVip, .port = scenario_.port}}, .talk = talk};
}

absl::Status TestHosts::start_load(Talk talk) {
  VIC_ASSIGN_OR_RETURN(load_, client().new_agent());
  auto spec = load_spec(talk);
  spec.rate_per_second = kLoadPerSecond;
  return load_->start_load(spec);
}

absl::StatusOr<Tally> TestHosts::stop_load() {
  VIC_ASSIGN_OR_RETURN(const auto report, load_->stop_load());
  load_.reset();
  return by_version(report.tally);
}

absl::StatusOr<Tally> TestHosts::ask(uint64_t count, Talk talk) {
  VIC_ASSIGN_OR_RETURN(PodAgent* const agent, client().agent());
  auto spec = load_spec(talk);
  spec.limit = count;
  VIC_ASSIGN_OR_RETURN(const auto tally, agent->connect_many(spec));
  return by_version(tally);
}

std::string TestHosts::describe() {
  std::string text;
  const std::vector<std::vector<std::string>> commands{{"status"}, {"dump", "tables"}};
  for (const auto& arguments : commands) {
    const auto done = cluster_->ctl(scenario_.client_node, arguments);
    text += done.ok() ? done->out + done->err : std::string(done.status().message());
  }
  return text;
}

absl::Status TestHosts::clear() { return cluster_->world().shut_down(); }

}  // namespace vicinity::testing::kind
