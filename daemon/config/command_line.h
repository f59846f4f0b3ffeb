// A program with subcommands, described by tables: what vicinityctl is parsed with. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vicinity::config {

struct CommandOption {
  std::string_view name;   // "mesh", for --mesh; one letter: -o
  std::string_view value;  // "FILE"; empty: none, it is there or not
  std::string_view help;
  bool repeatable = false;
};

struct Command {
  std::string_view name;
  std::string_view help;
  std::string_view positional;  // "NAMESPACE/HOSTNAME[:PORT]", required; empty: none
  std::span<const CommandOption> options;
  bool several = false;  // the positional may stand several times
};

struct Program {
  std::string_view name;
  std::string_view about;
  std::string_view version;
  std::span<const Command> commands;
};

struct CommandLine {
  std::string print;  // not empty: what --help or --version asked for; nothing else is set
  std::string command;
  std::string positional;                // the first one
  std::vector<std::string> positionals;  // all of them
  std::map<std::string, std::vector<std::string>, std::less<>> options;

  // The last value given, or `otherwise`.
  [[nodiscard]] std::string get(std::string_view option, std::string_view otherwise = {}) const;
  [[nodiscard]] bool has(std::string_view option) const { return options.contains(option); }
};

[[nodiscard]] absl::StatusOr<CommandLine> parse_command_line(const Program& program, int argc,
                                                             const char* const* argv);

}  // namespace vicinity::config
