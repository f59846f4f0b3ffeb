// Completion for shells: of commands, of their options, and of values that are words or files.
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>

#include <map>
#include <set>

#include "base/status.h"
#include "config/reference.h"

namespace vicinity::config {
namespace {

// "json|table" -> json, table; values that are not words, as in "xds|file:PATH", have none.
std::vector<std::string> words_of(const std::string& value) {
  std::vector<std::string> words = absl::StrSplit(value, '|');
  for (const std::string& word : words) {
    for (const char c : word) {
      if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_') return {};
    }
  }
  return words;
}

bool is_path(const std::string& value) {
  return value == "FILE" || value == "PATH" || value == "DIR";
}

std::string names_of(const ReferenceCommand& command) {
  std::vector<std::string> names = words_of(command.positional);
  for (const auto& option : command.options) names.push_back(option.name);
  names.emplace_back("--help");
  return absl::StrJoin(names, " ");
}

bool has_commands(const Reference& reference) {
  return !reference.commands.empty() && !reference.commands[0].name.empty();
}

// How a value is completed, by the option before it; one line for all commands of a program.
std::string bash_values(const Reference& reference) {
  std::map<std::string, std::set<std::string>> by_source;
  for (const auto& command : reference.commands) {
    for (const auto& option : command.options) {
      if (option.value.empty()) continue;
      const std::string words = absl::StrJoin(words_of(option.value), " ");
      by_source[is_path(option.value) ? "-f" : fmt::format("-W '{}'", words)].insert(option.name);
    }
  }
  std::string text = "  case $prev in\n";
  for (const auto& [source, options] : by_source) {
    text += fmt::format("    {}) mapfile -t COMPREPLY < <(compgen {} -- \"$cur\"); return ;;\n",
                        absl::StrJoin(options, " | "), source);
  }
  return text + "  esac\n";
}

std::string bash_commands(const Reference& reference) {
  if (!has_commands(reference)) {
    return reference.commands.empty()
               ? ""
               : fmt::format("  words='{} --version'\n", names_of(reference.commands[0]));
  }
  std::vector<std::string> names;
  std::string text = "  case ${COMP_WORDS[1]} in\n";
  for (const auto& command : reference.commands) {
    names.push_back(command.name);
    text += fmt::format("    {}) words='{}' ;;\n", command.name, names_of(command));
  }
  return text + fmt::format("  esac\n  [[ $COMP_CWORD -eq 1 ]] && words='{} --help --version'\n",
                            absl::StrJoin(names, " "));
}

std::string bash(const Reference& reference) {
  return fmt::format(
      "_{0}() {{\n  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} "
      "words=''\n{1}{2}  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}}\n"
      "complete -F _{0} {0}\n",
      reference.program, bash_values(reference), bash_commands(reference));
}

std::string fish_text(std::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(std::string(text), '\'');
  return absl::StrJoin(parts, "\\'");
}

std::string fish_option(const std::string& prefix, const ReferenceOption& option) {
  const bool letter = !option.name.starts_with("--");
  std::string text =
      fmt::format("{} -{} {}", prefix, letter ? "s" : "l", option.name.substr(letter ? 1 : 2));
  if (!option.value.empty()) {
    text += is_path(option.value)
                ? " -r -F"
                : fmt::format(" -x -a '{}'", absl::StrJoin(words_of(option.value), " "));
  }
  return text + fmt::format(" -d '{}'\n", fish_text(option.help));
}

std::string fish(const Reference& reference) {
  std::string text = fmt::format("complete -c {} -f\n", reference.program);
  for (const auto& command : reference.commands) {
    std::string prefix = fmt::format("complete -c {}", reference.program);
    if (!command.name.empty()) {
      text += fmt::format("{} -n __fish_use_subcommand -a {} -d '{}'\n", prefix, command.name,
                          fish_text(command.help));
      prefix += fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name);
    }
    for (const auto& word : words_of(command.positional)) {
      if (!word.empty()) text += fmt::format("{} -a {}\n", prefix, word);
    }
    for (const auto& option : command.options) text += fish_option(prefix, option);
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> completion(std::string_view shell,
                                       const std::vector<Reference>& references) {
  if (shell != "bash" && shell != "zsh" && shell != "fish") {
    return base::invalid("no completion for '{}': bash, zsh or fish", shell);
  }
  // zsh reads bash's by its own emulation.
  std::string text = shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
  for (const Reference& reference : references) {
    text += shell == "fish" ? fish(reference) : bash(reference);
  }
  return text;
}

}  // namespace vicinity::config
