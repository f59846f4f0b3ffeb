// Assertions on absl::Status, and typed reasons for a test not to run. For gtest binaries only.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <gtest/gtest.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "support/recordings.h"

namespace vicinity::testing {

inline ::testing::AssertionResult is_ok(const absl::Status& status) {
  if (status.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << status.ToString();
}

template <class T>
::testing::AssertionResult is_ok(const absl::StatusOr<T>& result) {
  return is_ok(result.status());
}

// In CI a skip hides a hole: there it is a failure.
[[nodiscard]] inline bool in_ci() {
  const char* value = std::getenv("CI");
  return value != nullptr && std::string_view(value) == "true";
}

// Of the running kernel.
[[nodiscard]] inline bool kernel_is_from(int major, int minor) {
  utsname name = {};
  int here_major = 0;
  int here_minor = 0;
  if (::uname(&name) != 0) return false;
  if (std::sscanf(name.release, "%d.%d", &here_major, &here_minor) != 2) return false;
  return std::pair(here_major, here_minor) >= std::pair(major, minor);
}

}  // namespace vicinity::testing

#define VICINITY_ASSERT_OK(expr) ASSERT_TRUE(::vicinity::testing::is_ok(expr))
#define VICINITY_EXPECT_OK(expr) EXPECT_TRUE(::vicinity::testing::is_ok(expr))

// VICINITY_ASSERT_OK_AND_ASSIGN(auto x, f()): f returns an absl::StatusOr.
#define VICINITY_ASSERT_OK_AND_ASSIGN(lhs, expr)                                       \
  auto VIC_CONCAT(vic_result_, __LINE__) = (expr);                                     \
  ASSERT_TRUE(::vicinity::testing::is_ok(VIC_CONCAT(vic_result_, __LINE__).status())); \
  lhs = *std::move(VIC_CONCAT(vic_result_, __LINE__))

// Skips loudly when `reason` (starting with its type, SKIPPED-...) holds; fails in CI.
#define VICINITY_SKIP_OR_FAIL(reason)                                   \
  do {                                                                  \
    if (::vicinity::testing::in_ci()) FAIL() << (reason) << " (in CI)"; \
    GTEST_SKIP() << (reason);                                           \
  } while (false)

// For what kernels have from a version on: skips where a probe did not find it, and fails where it
// did not although the kernel is that new.
#define VICINITY_KERNEL_OR_SKIP(present, major, minor)                                          \
  do {                                                                                          \
    if (present) break;                                                                         \
    if (::vicinity::testing::kernel_is_from(major, minor))                                      \
      FAIL() << #present << " is false, and this kernel is from " << (major) << '.' << (minor); \
    GTEST_SKIP() << "SKIPPED-KERNEL: " << #present << " from " << (major) << '.' << (minor);    \
  } while (false)

// VICINITY_RECORDINGS_OR_SKIP(const auto recordings): a std::filesystem::path.
#define VICINITY_RECORDINGS_OR_SKIP(declaration)                                       \
  const auto VIC_CONCAT(vic_found_, __LINE__) = ::vicinity::testing::recordings_dir(); \
  if (!VIC_CONCAT(vic_found_, __LINE__))                                               \
    VICINITY_SKIP_OR_FAIL(                                                             \
        "SKIPPED-NO-RECORDINGS: ../shared/wds is not beside this tree and "            \
        "VICINITY_SHARED is not set");                                                 \
  declaration = *VIC_CONCAT(vic_found_, __LINE__)

// Kernel tests need root; without it they fail, as a suite that skips them has shown nothing.
#define VICINITY_ROOT_OR_FAIL() ASSERT_EQ(geteuid(), 0U) << "kernel and e2e tests run as root"
