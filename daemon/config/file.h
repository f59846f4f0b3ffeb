// The YAML configuration file: one mapping whose keys are the flags' names. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/flags.h"

namespace vicinity::config {

// One setting as some source gave it, not yet parsed. `origin` is how errors call it.
struct Setting {
  const Flag* flag = nullptr;
  std::string origin;  // "--lease", "VICINITY_LEASE", "/etc/vicinity.yaml: lease"
  std::vector<std::string> texts;
};

struct Settings {
  std::vector<Setting> settings;
  std::vector<std::string> errors;  // "/etc/vicinity.yaml: leese: unknown key"
};

// Finds every error of `text`; `file` is only for messages.
[[nodiscard]] Settings read_settings(std::string_view file, std::string_view text);

}  // namespace vicinity::config
