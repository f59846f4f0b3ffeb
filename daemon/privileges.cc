#include "privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/status.h"

namespace vicinity {
namespace {

using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

bool contains(const std::vector<uint32_t>& capabilities, uint32_t one) {
  return std::ranges::find(capabilities, one) != capabilities.end();
}

// What a capability that is still in the bounding set is worth: execve() of a program gives it to
// uid 0. Dropping one needs CAP_SETPCAP; without it, whoever started us has set the bounds.
void narrow_bounds(const std::vector<uint32_t>& keep) {
  for (uint32_t one = 0; ::prctl(PR_CAPBSET_READ, one, 0, 0, 0) >= 0; ++one) {
    if (!contains(keep, one)) ::prctl(PR_CAPBSET_DROP, one, 0, 0, 0);
  }
}

}  // namespace

std::vector<uint32_t> needed_capabilities(EnterNamespaces enter) {
  std::vector<uint32_t> needed = {CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON};
  if (enter == EnterNamespaces::kYes) needed.insert(needed.end(), {CAP_SYS_ADMIN, CAP_SYS_PTRACE});
  return needed;
}

absl::Status keep_only(const std::vector<uint32_t>& capabilities) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return base::errno_status("no new privileges");
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return base::errno_status("ambient capabilities: clear");
  }
  narrow_bounds(capabilities);
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  Sets sets = {};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return base::errno_status("capabilities");
  for (uint32_t word = 0; word < sets.size(); ++word) {
    uint32_t mask = 0;
    for (const uint32_t one : capabilities) {
      if (CAP_TO_INDEX(one) == word) mask |= CAP_TO_MASK(one);
    }
    sets[word].permitted &= mask;
    sets[word].effective &= mask;
    sets[word].inheritable = 0;
  }
  if (::syscall(SYS_capset, &header, sets.data()) == 0) return absl::OkStatus();
  return base::errno_status("capabilities: give up");
}

}  // namespace vicinity
