// Shorthands for absl::Status. A message reads: object, action, cause.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace vicinity::base {

template <class... Args>
[[nodiscard]] absl::Status invalid(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
[[nodiscard]] absl::Status internal(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InternalError(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
[[nodiscard]] absl::Status exhausted(fmt::format_string<Args...> format, Args&&... args) {
  return absl::ResourceExhaustedError(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
[[nodiscard]] absl::Status not_found(fmt::format_string<Args...> format, Args&&... args) {
  return absl::NotFoundError(fmt::format(format, std::forward<Args>(args)...));
}

// Status of a failed system call: "<what>: <strerror>", code from `error_number`.
[[nodiscard]] inline absl::Status errno_status(std::string_view what, int error_number = errno) {
  return absl::ErrnoToStatus(error_number, std::string(what));
}

[[nodiscard]] inline std::string_view message(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace vicinity::base

#define VIC_CONCAT_INNER(a, b) a##b
#define VIC_CONCAT(a, b) VIC_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expr` (an absl::Status) is not ok.
#define VIC_RETURN_IF_ERROR(expr)                                      \
  do {                                                                 \
    if (auto vic_status = (expr); !vic_status.ok()) return vic_status; \
  } while (false)

// `lhs = *expr`, or returns the status of `expr` (an absl::StatusOr).
#define VIC_ASSIGN_OR_RETURN(lhs, expr)                           \
  auto VIC_CONCAT(vic_result_, __LINE__) = (expr);                \
  if (!VIC_CONCAT(vic_result_, __LINE__).ok())                    \
    return std::move(VIC_CONCAT(vic_result_, __LINE__)).status(); \
  lhs = *std::move(VIC_CONCAT(vic_result_, __LINE__))
