#include "support/leftovers.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/status.h"
#include "support/bpffs.h"
#include "support/cgroup.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "vicinity-test-";

bool is_leftover(const std::string& name) {
  if (!name.starts_with(kPrefix)) return false;
  pid_t pid = 0;
  const auto [end, error] =
      std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), pid);
  return error == std::errc() && pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

std::vector<std::string> leftovers_in(const fs::path& folder) {
  std::vector<std::string> result;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (is_leftover(it->path().filename().string())) result.push_back(it->path().string());
  }
  return result;
}

}  // namespace

std::string next_world_name() {
  static std::atomic<unsigned> count = 0;
  return fmt::format("{}{}-{}", kPrefix, getpid(), ++count);
}

absl::StatusOr<std::vector<std::string>> remove_leftovers() {
  std::vector<std::string> removed;
  for (const std::string& path : leftovers_in(kBpffs)) {
    VIC_RETURN_IF_ERROR(remove_pin_tree(path));
    removed.push_back(path);
  }
  VIC_ASSIGN_OR_RETURN(const std::string mount, cgroup2_mount());
  for (const std::string& path : leftovers_in(mount)) {
    VIC_RETURN_IF_ERROR(remove_cgroup_tree(path));
    removed.push_back(path);
  }
  return removed;
}

}  // namespace vicinity::testing
