#include "e2e/cluster.h"

#include <signal.h>

#include <utility>

#include "base/status.h"
#include "dataplane/reader.h"
#include "support/netns.h"
#include "support/program.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

}  // namespace

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::create(ClusterSpec spec) {
  auto cluster = std::unique_ptr<Cluster>(new Cluster(std::move(spec)));
  VIC_ASSIGN_OR_RETURN(cluster->directory_, TempFolder::create("e2e"));
  VIC_ASSIGN_OR_RETURN(cluster->world_, World::create(cluster->spec_.world));
  VIC_RETURN_IF_ERROR(cluster->replace_control_plane("127.0.0.1:0"));
  return cluster;
}

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::create(const OneNode& spec) {
  WorldSpec world{.nodes = {spec.node},
                  .pods = {{.name = "client", .node = spec.node, .addresses = {spec.client}}},
                  .decoy = DecoySpec{}};
  for (const auto& [name, address] : spec.serving) {
    world.pods.push_back({.name = name, .node = spec.node, .addresses = {address}});
  }
  VIC_ASSIGN_OR_RETURN(auto cluster, create(ClusterSpec{.world = std::move(world)}));
  for (const auto& [name, address] : spec.serving) {
    VIC_RETURN_IF_ERROR(cluster->world().pod(name).serve(
        {.instance = name, .ports = {spec.port}, .protocol = ServeProtocol::kBanner}));
  }
  return cluster;
}

Cluster::~Cluster() {
  daemons_.clear();
  control_plane_.reset();
}

absl::Status Cluster::replace_control_plane(const std::string& listen) {
  control_plane_.reset();
  absl::StatusOr<std::unique_ptr<devcp::DevControlPlane>> started = absl::UnknownError("not tried");
  run_in(world_->netns(), [&] { started = devcp::DevControlPlane::start({.listen = listen}); });
  VIC_ASSIGN_OR_RETURN(control_plane_, std::move(started));
  return absl::OkStatus();
}

std::string Cluster::admin_socket(const std::string& node) const {
  return (directory_ / (node + ".sock")).string();
}

absl::Status Cluster::start_daemon(const std::string& node,
                                   const std::vector<std::string>& more_flags) {
  return start_program(node, "vicinityd", more_flags);
}

absl::Status Cluster::start_program(const std::string& node, const std::string& program,
                                    const std::vector<std::string>& more_flags) {
  const Node& place = world_->node(node);
  ProcessSpec spec{.argv = {program_path(program), "--node-name", node, "--xds-address",
                            control_plane_->address(), "--xds-auth", "plaintext", "--cgroup",
                            place.cgroup().path(), "--pin-dir", place.pin_dir(), "--admin-socket",
                            admin_socket(node), "--metrics-address", spec_.metrics_addresses[node],
                            "--resync-quiet", spec_.resync_quiet},
                   .netns = &world_->netns(),
                   .cgroup = &place.cgroup()};
  spec.argv.insert(spec.argv.end(), spec_.more_flags.begin(), spec_.more_flags.end());
  spec.argv.insert(spec.argv.end(), more_flags.begin(), more_flags.end());
  VIC_ASSIGN_OR_RETURN(auto process, Process::spawn(spec));
  VIC_RETURN_IF_ERROR(process.wait_for_line("ready", 10s).status());
  daemons_.insert_or_assign(node, std::move(process));
  return absl::OkStatus();
}

absl::Status Cluster::start_daemons() {
  for (const auto& node : spec_.world.nodes) VIC_RETURN_IF_ERROR(start_daemon(node));
  return absl::OkStatus();
}

absl::Status Cluster::stop_daemon(const std::string& node) {
  VIC_ASSIGN_OR_RETURN(const auto end, daemon(node).stop(10s));
  daemons_.erase(node);
  if (end == ExitStatus{}) return absl::OkStatus();
  return base::internal("vicinityd of {} ended with code {}, signal {}", node, end.code,
                        end.signal);
}

absl::Status Cluster::kill_daemon(const std::string& node) {
  VIC_RETURN_IF_ERROR(daemon(node).signal(SIGKILL));
  VIC_RETURN_IF_ERROR(daemon(node).wait(10s).status());
  daemons_.erase(node);
  return absl::OkStatus();
}

absl::StatusOr<compile::Tables> Cluster::tables(const std::string& node) {
  VIC_ASSIGN_OR_RETURN(const auto reader, dataplane::Reader::open(world_->node(node).pin_dir()));
  return reader.tables();
}

absl::StatusOr<Completed> Cluster::ctl(const std::string& node,
                                       std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program_path("vicinityctl"));
  arguments.insert(arguments.end(), {"--admin-socket", admin_socket(node)});
  return run({.argv = std::move(arguments)}, 10s);
}

std::string Cluster::said(const std::string& node, const std::vector<std::string>& arguments) {
  const auto done = ctl(node, arguments);
  return done.ok() ? done->out + done->err : std::string(base::message(done.status()));
}

absl::Status Cluster::wait_until_said(const std::string& node,
                                      const std::vector<std::string>& arguments,
                                      const std::string& text, Duration timeout) {
  std::string seen;
  const bool found = wait_until(
      [&] { return (seen = said(node, arguments)).find(text) != std::string::npos; }, timeout);
  if (found) return absl::OkStatus();
  return base::internal("vicinityctl {}: expected \"{}\" in\n{}", arguments.front(), text, seen);
}

}  // namespace vicinity::testing
