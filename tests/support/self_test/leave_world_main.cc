// Makes a world, says what is in it, and waits to be killed: for leftovers_test.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/status.h"
#include "support/world.h"

int main() {
  using namespace vicinity::testing;
  const auto world = World::create(
      {.nodes = {"node1"}, .pods = {{.name = "a", .node = "node1", .addresses = {"10.244.1.5"}}}});
  if (!world.ok()) {
    fmt::print(stderr, "{}\n", vicinity::base::message(world.status()));
    return 1;
  }
  Node& node = (*world)->node("node1");
  const auto agent = (*world)->pod("a").agent();
  if (!agent.ok()) return 1;
  fmt::print("{}\n{}\n{}\nstanding\n", node.cgroup().path(), node.pin_dir(), (*agent)->pid());
  std::fflush(stdout);
  pause();
  return 0;
}
