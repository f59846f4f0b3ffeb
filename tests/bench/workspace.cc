#include "bench/workspace.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/status.h"
#include "support/bpffs.h"
#include "support/netlink.h"
#include "support/process.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = "vicinity-bench-";

bool is_leftover(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kPrefix)) return false;
  pid_t pid = 0;
  std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), pid);
  return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

std::vector<std::string> leftovers(const std::string& folder) {
  std::vector<std::string> result;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (is_leftover(it->path())) result.push_back(it->path().string());
  }
  return result;
}

void report(const absl::Status& status) {
  if (!status.ok()) fmt::print(stderr, "bench: clean up: {}\n", base::message(status));
}

absl::StatusOr<testing::RouteSpec> route(std::string_view prefix, unsigned char type) {
  VIC_ASSIGN_OR_RETURN(const testing::IpPrefix to, testing::parse_prefix(prefix));
  return testing::RouteSpec{.to = to, .type = type};
}

absl::Status add_route(testing::Netlink& link, std::string_view prefix, unsigned char type) {
  VIC_ASSIGN_OR_RETURN(testing::RouteSpec spec, route(prefix, type));
  VIC_ASSIGN_OR_RETURN(spec.device, link.index_of("lo"));
  return link.add_route(spec);
}

absl::StatusOr<base::UniqueFd> memory_file(std::string_view text) {
  base::UniqueFd fd(memfd_create("rules", MFD_CLOEXEC));
  if (!fd.valid()) return base::errno_status("rules: memfd_create");
  while (!text.empty()) {
    const ssize_t written = write(fd.get(), text.data(), text.size());
    if (written <= 0) return base::errno_status("rules: write");
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (lseek(fd.get(), 0, SEEK_SET) != 0) return base::errno_status("rules: lseek");
  return fd;
}

}  // namespace

absl::StatusOr<Workspace> Workspace::create() {
  VIC_ASSIGN_OR_RETURN(const std::string mount, testing::cgroup2_mount());
  VIC_RETURN_IF_ERROR(testing::ensure_bpffs());
  for (const std::string& path : leftovers(mount)) report(testing::remove_cgroup_tree(path));
  for (const std::string& path : leftovers(testing::kBpffs)) report(testing::remove_pin_tree(path));
  Workspace workspace(fmt::format("{}/{}{}", mount, kPrefix, getpid()),
                      fmt::format("{}/{}{}", testing::kBpffs, kPrefix, getpid()));
  std::error_code error;
  if (!fs::create_directory(workspace.cgroup_, error)) {
    return base::internal("cgroup {}: make: {}", workspace.cgroup_, error.message());
  }
  VIC_RETURN_IF_ERROR(testing::make_pin_dir(workspace.pins_));
  return workspace;
}

Workspace::Workspace(Workspace&& other) noexcept
    : cgroup_(std::exchange(other.cgroup_, {})), pins_(std::exchange(other.pins_, {})) {}

Workspace::~Workspace() {
  if (cgroup_.empty()) return;
  report(testing::remove_cgroup_tree(cgroup_));
  report(testing::remove_pin_tree(pins_));
}

absl::StatusOr<testing::Cgroup> Workspace::make_cgroup(std::string_view name) const {
  return testing::Cgroup::create(fmt::format("{}/{}", cgroup_, name));
}

std::string Workspace::pin_dir(std::string_view name) const {
  return fmt::format("{}/{}", pins_, name);
}

absl::StatusOr<testing::Netns> make_endpoint_netns() {
  VIC_ASSIGN_OR_RETURN(testing::Netns netns, testing::Netns::create());
  VIC_ASSIGN_OR_RETURN(testing::Netlink link, testing::Netlink::open(netns));
  for (const model::Family family : {model::Family::kIpv4, model::Family::kIpv6}) {
    VIC_RETURN_IF_ERROR(add_route(link, networks_of(family).endpoints, RTN_LOCAL));
  }
  return netns;
}

absl::Status route_services(const testing::Netns& netns) {
  VIC_ASSIGN_OR_RETURN(testing::Netlink link, testing::Netlink::open(netns));
  VIC_ASSIGN_OR_RETURN(const int loopback, link.index_of("lo"));
  VIC_ASSIGN_OR_RETURN(const testing::IpPrefix own, testing::parse_prefix("10.255.255.254"));
  VIC_RETURN_IF_ERROR(link.add_address(loopback, own));
  return add_route(link, networks_of(model::Family::kIpv4).services, RTN_UNICAST);
}

absl::Status own_services(const testing::Netns& netns) {
  VIC_ASSIGN_OR_RETURN(testing::Netlink link, testing::Netlink::open(netns));
  return add_route(link, networks_of(model::Family::kIpv4).services, RTN_LOCAL);
}

absl::StatusOr<double> load_rules_ms(const testing::Netns& netns, std::vector<std::string> argv,
                                     std::string_view text) {
  using namespace std::chrono_literals;
  VIC_ASSIGN_OR_RETURN(const base::UniqueFd file, memory_file(text));
  const std::string name = argv.front();
  argv.emplace_back("/proc/self/fd/3");
  const int64_t start = testing::monotonic_ns();
  VIC_ASSIGN_OR_RETURN(
      const testing::Completed done,
      testing::run({.argv = std::move(argv), .netns = &netns, .extra_fds = {file.get()}}, 90s));
  const int64_t took = testing::monotonic_ns() - start;
  if (done.exit_code != 0 || done.signal != 0) {
    return base::internal("{}: load rules: {}", name, done.err.substr(0, 300));
  }
  return static_cast<double>(took) / 1e6;
}

}  // namespace vicinity::bench
