// Makes a world, says what is in it, and waits to be killed: for leftovers_test.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/status.h"
#include "support/world.h"

namespace vicinity::testing {
namespace {

absl::Status stand_and_wait() {
  VIC_ASSIGN_OR_RETURN(
      const auto world,
      World::create({.nodes = {"node1"},
                     .pods = {{.name = "a", .node = "node1", .addresses = {"10.244.1.5"}}}}));
  const Node& node = world->node("node1");
  VIC_ASSIGN_OR_RETURN(const Process child, world->pod("a").spawn({.argv = {"sleep", "600"}}));
  fmt::print("{}\n{}\n{}\nstanding\n", node.cgroup().path(), node.pin_dir(), child.pid());
  std::fflush(stdout);
  pause();
  return absl::OkStatus();
}

}  // namespace
}  // namespace vicinity::testing

int main() {
  const absl::Status status = vicinity::testing::stand_and_wait();
  if (!status.ok()) fmt::print(stderr, "{}\n", vicinity::base::message(status));
  return status.ok() ? 0 : 1;
}
