#include "mounts.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace vicinity
