#include "mounts.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace vicinity {
namespace {

struct Row {
  const char* mounts;
  const char* found;  // empty: an error
  const char* error;
};

constexpr Row kRows[] = {
    {"cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "/sys/fs/cgroup", ""},
    {"tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
     "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n",
     "/sys/fs/cgroup/unified", ""},
    {"none /a cgroup2 rw 0 0\nnone /a cgroup2 rw 0 0\n", "/a", ""},
    {"cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n", "",
     "no cgroup2 hierarchy is mounted; mount one and name it by --cgroup"},
    {"none /b cgroup2 rw 0 0\nnone /a cgroup2 rw 0 0\n", "",
     "several cgroup2 mounts, name one by --cgroup: /a, /b"},
    {"", "", "no cgroup2 hierarchy is mounted; mount one and name it by --cgroup"},
};

TEST(MountsTest, FindsTheOneCgroup2Hierarchy) {
  for (const Row& row : kRows) {
    const auto found = find_cgroup2(row.mounts);
    EXPECT_EQ(found.ok() ? *found : "", row.found) << row.mounts;
    EXPECT_EQ(std::string(found.status().message()), row.error) << row.mounts;
  }
}

TEST(MountsTest, MountsItsOwnOnlyWhereThereIsNone) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.mounts);
    std::string mounted;
    const auto found = find_or_mount_cgroup2(row.mounts, "/run/x/cgroup2", [&](const auto& path) {
      mounted = path;
      return absl::OkStatus();
    });
    const bool none = std::string_view(row.error).starts_with("no cgroup2");
    EXPECT_EQ(mounted, none ? "/run/x/cgroup2" : "");
    EXPECT_EQ(found.ok() ? *found : "", none ? "/run/x/cgroup2" : row.found);
  }
  const auto refused = find_or_mount_cgroup2(
      "", "/run/x", [](const auto&) { return absl::PermissionDeniedError("no"); });
  EXPECT_EQ(refused.status(), absl::PermissionDeniedError("no"));
}

}  // namespace
}  // namespace vicinity
