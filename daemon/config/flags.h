// The one table of vicinityd's settings: command line, environment, configuration file, help and
// documentation are all made from it. Constant data; any thread.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/config.h"

namespace vicinity::config {

enum class Arity : uint8_t { kOne, kMany, kSwitch };

struct Flag {
  std::string_view name;   // "node-name": --node-name, VICINITY_NODE_NAME, node-name: in the file
  std::string_view value;  // "HOST:PORT", "refuse|pass"
  std::string_view default_text;  // what set() is given first; empty: nothing
  std::string_view group;
  std::string_view help;
  // Parses and stores; a kMany flag takes its whole list at once.
  absl::Status (*set)(Config& config, std::span<const std::string> texts);
  Arity arity = Arity::kOne;
  // Set when only the default works yet: what to tell whoever asks for more.
  std::string_view only_default = {};
};

[[nodiscard]] std::span<const Flag> flags();
[[nodiscard]] const Flag* find_flag(std::string_view name);
// "VICINITY_NODE_NAME".
[[nodiscard]] std::string environment_name(const Flag& flag);
// Every default applied.
[[nodiscard]] Config default_config();

}  // namespace vicinity::config
