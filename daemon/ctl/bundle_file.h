// The answers of a daemon out of a bundle: what `--bundle FILE` asks instead of it. One thread.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "compile/explain_service.h"
#include "proto/vicinity/admin.pb.h"

namespace vicinity::ctl {

// Names in the archive of what is read again; everything else there is for people.
inline constexpr std::string_view kBundleStatus = "replay/status.pb";
inline constexpr std::string_view kBundleServices = "replay/services.pb";
// Each is one part: "replay/explanations-000000.pb".
inline constexpr std::string_view kBundleExplanations = "replay/explanations-";

enum class BundleText { kTable, kJson, kEndpoints, kEndpointsJson };

// Invalid: no such file, or not a bundle.
[[nodiscard]] absl::StatusOr<admin::StatusReply> bundle_status(const std::string& path);
[[nodiscard]] absl::StatusOr<admin::ServicesReply> bundle_services(const std::string& path);
// What the daemon would have answered then. Its own error, where it had one.
[[nodiscard]] absl::StatusOr<std::string> bundle_explain(const std::string& path,
                                                         const compile::ServiceQuestion& question,
                                                         BundleText text);

}  // namespace vicinity::ctl
