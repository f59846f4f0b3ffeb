#include "e2e/player.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "support/wait.h"

namespace vicinity::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kCurlCouldNotConnect = 7;

PodSpec pod_of(const Instance& instance) {
  return {.name = instance.name, .node = instance.node, .addresses = {instance.address}};
}

}  // namespace

std::string instance_of(const std::string& answer) {
  constexpr std::string_view kMark = "instance: ";
  const auto at = answer.find(kMark);
  if (at == std::string::npos) return answer;
  auto instance = answer.substr(at + kMark.size());
  while (!instance.empty() && instance.back() == '\n') instance.pop_back();
  return instance;
}

absl::StatusOr<std::unique_ptr<Player>> Player::set_up(Scenario scenario,
                                                       std::vector<devcp::Step> steps,
                                                       std::vector<ExpectedView> expected) {
  auto player = std::unique_ptr<Player>(new Player);
  player->scenario_ = std::move(scenario);
  player->steps_ = std::move(steps);
  player->expected_ = std::move(expected);
  VIC_ASSIGN_OR_RETURN(player->cluster_,
                       Cluster::create({.world = {.nodes = player->scenario_.nodes,
                                                  .pods = {pod_of(player->scenario_.client)},
                                                  .decoy = DecoySpec{}}}));
  VIC_RETURN_IF_ERROR(player->cluster_->start_daemons());
  return player;
}

absl::Status Player::start(const Instance& instance) {
  VIC_ASSIGN_OR_RETURN(Pod* const pod, cluster_->world().add_pod(pod_of(instance)));
  return pod->serve({.version = instance.version,
                     .instance = instance.name,
                     .ports = {static_cast<uint16_t>(scenario_.port)}});
}

absl::Status Player::play(const Scene& scene) {
  for (const auto& instance : scene.starts) VIC_RETURN_IF_ERROR(start(instance));
  const auto step = std::ranges::find(steps_, scene.step, &devcp::Step::name);
  if (step == steps_.end()) return base::invalid("the feed has no step {}", scene.step);
  cluster_->control_plane().apply(*step);
  VIC_RETURN_IF_ERROR(wait_for_tables(scene.step));
  for (const auto& name : scene.ends) VIC_RETURN_IF_ERROR(cluster_->world().remove_pod(name));
  return absl::OkStatus();
}

absl::Status Player::wait_for_tables(const std::string& step) {
  for (const auto& [node, view] : at_step(expected_, step)) {
    ExpectedTables seen;
    const bool there = wait_until(
        [&] {
          const auto tables = cluster_->tables(node);
          if (tables.ok()) seen = facts_of(*tables);
          return seen == view.tables;
        },
        10s);
    if (there) continue;
    return absl::DeadlineExceededError(fmt::format("{} from {}: expected\n{}in the kernel\n{}",
                                                   step, node, to_text(view.tables),
                                                   to_text(seen)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Player::curl() {
  auto& client = cluster_->world().pod(scenario_.client.name);
  const auto url = fmt::format("http://{}:{}/hello", scenario_.vip, scenario_.port);
  VIC_ASSIGN_OR_RETURN(const auto done,
                       client.run({"curl", "-sS", "-m", "3", "--noproxy", "*", url}, 10s));
  if (done.exit_code == 0) return done.out;
  if (done.exit_code == kCurlCouldNotConnect) return "refused";
  return base::internal("curl {}: exit {}: {}", url, done.exit_code, done.err);
}

absl::StatusOr<std::map<std::string, uint64_t>> Player::ask(uint64_t connections) {
  VIC_ASSIGN_OR_RETURN(PodAgent* const agent, cluster_->world().pod(scenario_.client.name).agent());
  VIC_ASSIGN_OR_RETURN(
      const auto tally,
      agent->connect_many(
          {.targets = {{.address = scenario_.vip, .port = static_cast<uint16_t>(scenario_.port)}},
           .limit = connections,
           .talk = Talk::kHttp}));
  if (tally.failed() != 0) {
    return base::internal("{} of {} connections failed, the first with errno {}", tally.failed(),
                          connections, tally.by_error.begin()->first);
  }
  std::map<std::string, uint64_t> counts;
  for (const auto& [answer, count] : tally.by_answer) counts[instance_of(answer)] += count;
  return counts;
}

absl::Status Player::clear() {
  for (const auto& node : scenario_.nodes) VIC_RETURN_IF_ERROR(cluster_->stop_daemon(node));
  return cluster_->world().shut_down();
}

}  // namespace vicinity::testing
