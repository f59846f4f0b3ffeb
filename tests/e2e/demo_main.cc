// The walk-through for people: three nodes, a service, and who answers after each change. Real
// daemons over real xDS, real curl; the nodes and pods are cgroups and network namespaces.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <set>
#include <string>

#include "base/status.h"
#include "devcp/recording.h"
#include "e2e/player.h"
#include "support/recordings.h"

namespace vicinity::testing {
namespace {

constexpr int kCurls = 6;
constexpr uint64_t kConnections = 1000;

std::string line_of(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string indented(const std::string& text) {
  std::string result;
  size_t from = 0;
  while (from < text.size()) {
    const size_t end = std::min(text.find('\n', from), text.size());
    result += "    " + text.substr(from, end - from) + "\n";
    from = end + 1;
  }
  return result;
}

void introduce(const Scenario& scenario) {
  fmt::print(
      "Three nodes, one vicinityd on each, one service: {} at {}:{}.\n"
      "The client is a pod on {}. Nothing answers at the service address itself: a connection\n"
      "that is not rewritten is caught by a decoy, and that ends the demo.\n",
      scenario.service, scenario.vip, scenario.port, scenario.client.node);
}

absl::Status show_curls(Player& player) {
  const auto& scenario = player.scenario();
  fmt::print("  $ curl http://{}:{}/hello        ({} times)\n", scenario.vip, scenario.port,
             kCurls);
  std::map<std::string, int> answers;
  for (int i = 0; i < kCurls; ++i) {
    VIC_ASSIGN_OR_RETURN(const auto answer, player.curl());
    ++answers[line_of(answer)];
  }
  for (const auto& [answer, count] : answers) fmt::print("    {} x {}\n", count, answer);
  return absl::OkStatus();
}

absl::Status show_shares(Player& player, const Scene& scene) {
  if (scene.answers.empty()) return absl::OkStatus();
  VIC_ASSIGN_OR_RETURN(const auto counts, player.ask(kConnections));
  fmt::print("  {} connections:", kConnections);
  std::set<std::string> seen;
  for (const auto& [instance, count] : counts) {
    seen.insert(instance);
    fmt::print("  {} {:.1f} %", instance, 100.0 * static_cast<double>(count) / kConnections);
  }
  fmt::print("\n");
  if (seen == scene.answers) return absl::OkStatus();
  return base::internal("{}: answered by others than expected", scene.step);
}

absl::Status show_table(Player& player) {
  const auto& scenario = player.scenario();
  const auto name = fmt::format("{}:{}", scenario.service, scenario.port);
  fmt::print("  $ vicinityctl endpoints {}\n", name);
  VIC_ASSIGN_OR_RETURN(const auto table,
                       player.cluster().ctl(scenario.client.node, {"endpoints", name}));
  fmt::print("{}", indented(table.out + table.err));
  return absl::OkStatus();
}

absl::Status show(Player& player, const Scene& scene) {
  fmt::print("\n== {}: {}\n", scene.step, scene.title);
  std::fflush(stdout);
  VIC_RETURN_IF_ERROR(player.play(scene));
  VIC_RETURN_IF_ERROR(show_curls(player));
  VIC_RETURN_IF_ERROR(show_shares(player, scene));
  VIC_RETURN_IF_ERROR(show_table(player));
  if (const auto leaked = player.cluster().world().decoy()->accepts(); leaked != 0) {
    return base::internal("{} connections leaked to the service address", leaked);
  }
  return absl::OkStatus();
}

absl::Status run_demo() {
  const auto directory = test_data_dir() / "walkthrough";
  VIC_ASSIGN_OR_RETURN(auto steps, devcp::load_mesh_steps(directory));
  VIC_ASSIGN_OR_RETURN(auto expected, load_expected((directory / "expected.yaml").string()));
  introduce(walkthrough());
  VIC_ASSIGN_OR_RETURN(const auto player,
                       Player::set_up(walkthrough(), std::move(steps), std::move(expected)));
  for (const auto& scene : player->scenario().scenes) VIC_RETURN_IF_ERROR(show(*player, scene));
  VIC_RETURN_IF_ERROR(player->clear());
  fmt::print("\nNo connection failed that should not have, none reached the service address.\n");
  return absl::OkStatus();
}

}  // namespace
}  // namespace vicinity::testing

int main() {
  const auto status = vicinity::testing::run_demo();
  if (status.ok()) return 0;
  fmt::print(stderr, "demo: {}\n", vicinity::base::message(status));
  return 1;
}
