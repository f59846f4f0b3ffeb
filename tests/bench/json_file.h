// Where a benchmark leaves its results for programs. Any thread.
#pragma once

#include <absl/status/status.h>

#include <fstream>
#include <string>

#include "base/json.h"
#include "base/status.h"

namespace vicinity::bench {

// Nowhere, if `path` is empty.
[[nodiscard]] inline absl::Status write_json(const base::Json& results, const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  std::ofstream file(path);
  file << results.pretty() << "\n" << std::flush;
  return file ? absl::OkStatus() : base::errno_status(path + ": write");
}

}  // namespace vicinity::bench
