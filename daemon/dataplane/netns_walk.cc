#include "dataplane/netns_walk.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <thread>

#include "base/status.h"
#include "base/unique_fd.h"

namespace vicinity::dataplane {
namespace {

namespace fs = std::filesystem;

bool is_process(const fs::path& entry) {
  const std::string name = entry.filename().string();
  return !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
}

// 0: this thread's namespace does not tell.
uint64_t netns_cookie_here() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  const bool told = ::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0;
  return told ? cookie : 0;
}

// Of this thread, now.
bool has_capability(uint32_t capability) {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets = {};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  return (sets[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}

// False: it was seen before, or cannot be entered.
bool enter(const fs::path& process, std::set<ino_t>& seen) {
  const base::UniqueFd netns(::open((process / "ns/net").c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info = {};
  if (!netns.valid() || ::fstat(netns.get(), &info) != 0) return false;
  return seen.insert(info.st_ino).second && ::setns(netns.get(), CLONE_NEWNET) == 0;
}

}  // namespace

void walk_network_namespaces(const std::function<bool(uint64_t cookie)>& visit) {
  std::set<ino_t> seen;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", ignored)) {
    if (!is_process(entry.path()) || !enter(entry.path(), seen)) continue;
    const uint64_t cookie = netns_cookie_here();
    if (cookie != 0 && !visit(cookie)) return;
  }
}

absl::Status may_enter_network_namespaces() {
  if (!has_capability(CAP_SYS_PTRACE)) {
    return absl::PermissionDeniedError("see other users' network namespaces: no CAP_SYS_PTRACE");
  }
  absl::Status status;
  std::thread([&status] {
    const base::UniqueFd own(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    if (::setns(own.get(), CLONE_NEWNET) != 0) {
      status = base::errno_status("enter a network namespace (CAP_SYS_ADMIN)");
    }
  }).join();
  return status;
}

}  // namespace vicinity::dataplane
