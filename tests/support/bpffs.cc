#include "support/bpffs.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <filesystem>
#include <system_error>

#include "base/status.h"

namespace vicinity::testing {

absl::Status ensure_bpffs() {
  struct statfs status{};
  if (statfs(kBpffs, &status) == 0 && status.f_type == BPF_FS_MAGIC) return absl::OkStatus();
  if (mount("bpf", kBpffs, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0) {
    return absl::OkStatus();
  }
  return base::errno_status(fmt::format("bpffs: mount {}", kBpffs));
}

absl::Status make_pin_dir(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
  return base::errno_status(fmt::format("pin directory {}: mkdir", path));
}

absl::Status remove_pin_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (!error) return absl::OkStatus();
  return base::errno_status(fmt::format("pin directory {}: remove", path), error.value());
}

}  // namespace vicinity::testing
