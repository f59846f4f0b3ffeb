// Reference pages and shell completion, out of the tables that the programs are parsed with. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/command_line.h"

namespace vicinity::config {

struct ReferenceOption {
  std::string name;   // "--mesh", "-o"
  std::string value;  // "FILE", "json|table"; empty: a switch
  std::string help;
};

struct ReferenceCommand {
  std::string name;  // empty: the program itself, which has no commands
  std::string help;
  std::string positional;
  std::vector<ReferenceOption> options;
};

// Everything that is said of a program.
struct Reference {
  std::string program;
  std::string section;  // of the manual
  std::string about;
  std::string version;
  std::vector<ReferenceCommand> commands;
};

[[nodiscard]] Reference reference_of(const Program& program);
// vicinityd, out of flags().
[[nodiscard]] Reference reference_of_flags(std::string_view version);

// A page for man(1), in the man macros.
[[nodiscard]] std::string manual(const Reference& reference);

// What a shell sources. `shell` is bash, zsh or fish; InvalidArgument otherwise.
[[nodiscard]] absl::StatusOr<std::string> completion(std::string_view shell,
                                                     const std::vector<Reference>& references);

}  // namespace vicinity::config
