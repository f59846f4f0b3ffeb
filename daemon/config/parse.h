// Command line, environment and configuration file to one Config: a flag beats the environment,
// which beats the file, which beats the default. Every error of every source is listed. Pure but
// for what the callbacks do.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <optional>
#include <string>

#include "config/config.h"

namespace vicinity::config {

struct Sources {
  int argc = 0;
  const char* const* argv = nullptr;
  std::function<std::optional<std::string>(const std::string& name)> environment;
  std::function<absl::StatusOr<std::string>(const std::string& path)> read_file;
  std::string version;  // what --version prints
};

// An error's message has one line per problem.
[[nodiscard]] absl::StatusOr<Config> parse_config(const Sources& sources);
// As above, from the process's environment and file system.
[[nodiscard]] absl::StatusOr<Config> parse_config(int argc, const char* const* argv,
                                                  const std::string& version);

}  // namespace vicinity::config
