// A daemon reduced to its data plane, as a process of its own: vic_test_publisher CGROUP PIN_DIR
// MODE. "own-socket" connects to a service it has published, itself and from a child;
// "own-socket-moving" does so while tables of the ABI version before serve; "churn" changes tables
// as fast as it can until it is killed.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/unique_fd.h"
#include "dataplane/kernel_dataplane.h"
#include "kernel/published_tables.h"

namespace vicinity::testing {
namespace {

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

// The first line that comes from there.
std::string talk_to(const char* address, uint16_t port) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &to.sin_addr);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
    return "error";
  }
  std::array<char, 128> text{};
  const ssize_t length = ::read(socket.get(), text.data(), text.size() - 1);
  const std::string_view line(text.data(), length > 0 ? static_cast<size_t>(length) : 0);
  return std::string(line.substr(0, line.find('\n')));
}

void own_socket(dataplane::KernelDataplane& dataplane) {
  const compile::ServiceTable service = backends_service("ns/a", {kVip4}, {0});
  [[maybe_unused]] const auto result = dataplane.apply({.upserts = {service}, .removals = {}});
  dataplane.renew_lease(absl::Minutes(1));
  say(fmt::format("own socket reached {}", talk_to(kVip4, 80)));
  const pid_t child = ::fork();
  if (child == 0) {
    say(fmt::format("child reached {}", talk_to(kVip4, 80)));
    ::_exit(0);
  }
  int ignored = 0;
  ::waitpid(child, &ignored, 0);
}

[[noreturn]] void churn(dataplane::KernelDataplane& dataplane) {
  for (uint32_t round = 0;; ++round) {
    compile::Diff diff;
    diff.upserts.push_back(backends_service("ns/a", {kVip4, kVip6}, churned_backends(round)));
    const std::string passing = fmt::format("ns/passing-{}", round % 50);
    if (round / 50 % 2 == 0) {
      diff.upserts.push_back(
          backends_service(passing, {fmt::format("10.96.1.{}", round % 50 + 1)}, {0, 1, 2}));
    } else {
      diff.removals.push_back(passing);
    }
    [[maybe_unused]] const auto result = dataplane.apply(diff);
    dataplane.maintain();
    if (round == 100) say("churning");
  }
}

}  // namespace
}  // namespace vicinity::testing

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  vicinity::dataplane::KernelOptions options = {
      .cgroup = argv[1], .pin_dir = argv[2], .max_services = 100, .max_slots = 10000};
  if (std::string_view(argv[3]) == "own-socket-moving") ++options.abi_version;
  auto dataplane = vicinity::dataplane::KernelDataplane::open(options);
  if (!dataplane.ok()) {
    vicinity::testing::say(std::string(vicinity::base::message(dataplane.status())));
    return 1;
  }
  if (std::string_view(argv[3]) == "churn") vicinity::testing::churn(**dataplane);
  vicinity::testing::own_socket(**dataplane);
  return 0;
}
