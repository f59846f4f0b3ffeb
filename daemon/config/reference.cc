#include "config/reference.h"

#include <absl/strings/str_replace.h>
#include <fmt/format.h>

#include "config/flags.h"

namespace vicinity::config {
namespace {

ReferenceOption option_of(const CommandOption& option) {
  return {.name = fmt::format("{}{}", option.name.size() == 1 ? "-" : "--", option.name),
          .value = std::string(option.value),
          .help = std::string(option.help)};
}

ReferenceOption option_of(const Flag& flag) {
  std::string help(flag.help);
  if (!flag.only_default.empty()) help += fmt::format(" ({})", flag.only_default);
  if (!flag.default_text.empty()) help += fmt::format(" [{}]", flag.default_text);
  return {.name = fmt::format("--{}", flag.name),
          .value = std::string(flag.value),
          .help = std::move(help)};
}

// A line of text must not begin like a request, and a hyphen is a hyphen.
std::string roff(std::string_view text) {
  const std::string escaped = absl::StrReplaceAll(std::string(text), {{"\\", "\\e"}, {"-", "\\-"}});
  return escaped.starts_with('.') || escaped.starts_with('\'') ? "\\&" + escaped : escaped;
}

std::string manual_option(const ReferenceOption& option) {
  std::string text = fmt::format(".TP\n.B {}", roff(option.name));
  if (!option.value.empty()) text += fmt::format("\n.I {}", roff(option.value));
  return text + fmt::format("\n{}\n", roff(option.help));
}

std::string manual_command(const ReferenceCommand& command) {
  std::string text;
  if (!command.name.empty()) {
    text += fmt::format(".SS {} {}\n{}\n", roff(command.name), roff(command.positional),
                        roff(command.help));
  }
  for (const auto& option : command.options) text += manual_option(option);
  return text;
}

}  // namespace

Reference reference_of(const Program& program) {
  Reference reference{.program = std::string(program.name),
                      .section = "8",
                      .about = std::string(program.about),
                      .version = std::string(program.version),
                      .commands = {}};
  for (const Command& command : program.commands) {
    ReferenceCommand& added = reference.commands.emplace_back();
    added.name = command.name;
    added.help = command.help;
    added.positional = command.positional;
    for (const CommandOption& option : command.options) added.options.push_back(option_of(option));
  }
  return reference;
}

Reference reference_of_flags(std::string_view version) {
  Reference reference{.program = "vicinityd",
                      .section = "8",
                      .about = "Balances connections of this node's pods to near endpoints.",
                      .version = std::string(version),
                      .commands = {}};
  ReferenceCommand& program = reference.commands.emplace_back();
  program.options.push_back({"--config", "FILE", "YAML file with settings"});
  for (const Flag& flag : flags()) program.options.push_back(option_of(flag));
  return reference;
}

std::string manual(const Reference& reference) {
  const bool commands = !reference.commands.empty() && !reference.commands[0].name.empty();
  std::string text = fmt::format(
      ".TH {} {} \"\" \"Vicinity {}\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B {}\n{}\n",
      reference.program, reference.section, reference.version, reference.program,
      roff(reference.about), reference.program, commands ? "COMMAND [OPTION...]" : "[OPTION...]");
  text += commands ? ".SH COMMANDS\n" : ".SH OPTIONS\n";
  for (const auto& command : reference.commands) text += manual_command(command);
  return text;
}

}  // namespace vicinity::config
