#include "support/netns.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "base/status.h"
#include "support/netlink.h"

namespace vicinity::testing {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<base::UniqueFd> unshare_here() {
  if (unshare(CLONE_NEWNET) != 0) return base::errno_status("network namespace: unshare");
  base::UniqueFd fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return base::errno_status("network namespace: open /proc/thread-self/ns/net");
  return fd;
}

// The inode in a link such as "net:[4026532008]"; 0 for anything else.
ino_t netns_inode(const fs::path& link) {
  std::error_code error;
  const std::string target = fs::read_symlink(link, error).string();
  if (error || !target.starts_with("net:[")) return 0;
  ino_t inode = 0;
  std::from_chars(target.data() + 5, target.data() + target.size(), inode);
  return inode;
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> result;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    result.push_back(it->path());
  }
  return result;
}

}  // namespace

absl::StatusOr<Netns> Netns::create() {
  absl::StatusOr<base::UniqueFd> fd = base::UniqueFd();
  std::thread([&fd] { fd = unshare_here(); }).join();
  VIC_RETURN_IF_ERROR(fd.status());
  struct stat status{};
  if (fstat(fd->get(), &status) != 0) return base::errno_status("network namespace: fstat");
  Netns netns(*std::move(fd), status.st_ino);
  VIC_ASSIGN_OR_RETURN(Netlink link, Netlink::open(netns));
  VIC_ASSIGN_OR_RETURN(const int loopback, link.index_of("lo"));
  VIC_RETURN_IF_ERROR(link.set_up(loopback));
  return netns;
}

void run_on_thread_in(const Netns& netns, const std::function<void()>& body) {
  std::thread([&] {
    if (setns(netns.fd(), CLONE_NEWNET) != 0) {
      std::perror("network namespace: setns");
      std::abort();
    }
    body();
  }).join();
}

std::vector<pid_t> inhabitants(const std::vector<ino_t>& inodes) {
  const auto is_ours = [&](const fs::path& link) {
    return std::find(inodes.begin(), inodes.end(), netns_inode(link)) != inodes.end();
  };
  std::vector<pid_t> result;
  for (const fs::path& process : entries("/proc")) {
    const std::string name = process.filename().string();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size() && is_ours(process / "ns/net")) {
      result.push_back(pid);
    }
  }
  return result;
}

}  // namespace vicinity::testing
