// Assertions on absl::Status, and typed reasons for a test not to run. For gtest binaries only.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <gtest/gtest.h>
#include <unistd.h>

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
