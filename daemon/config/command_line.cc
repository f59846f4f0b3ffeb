#include "config/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/status.h"
#include "config/arguments.h"

namespace vicinity::config {
namespace {

CLI::App* add_command(CLI::App& app, const Command& command) {
  CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.help));
  if (!command.positional.empty()) {
    CLI::Option* argument = sub->add_option("argument", CLI::callback_t(), "")
                                ->option_text(std::string(command.positional))
                                ->required();
    if (command.several) {
      argument->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args();
    }
  }
  for (const CommandOption& option : command.options) {
    const std::string name = fmt::format("{}{}", option.name.size() == 1 ? "-" : "--", option.name);
    if (option.value.empty()) {
      const std::string help(option.help);  // an rvalue would be taken for the result
      sub->add_flag(name, help);
      continue;
    }
    sub->add_option(name, CLI::callback_t(), std::string(option.help))
        ->type_name(std::string(option.value))
        ->allow_extra_args(false)
        ->expected(1)
        ->multi_option_policy(option.repeatable ? CLI::MultiOptionPolicy::TakeAll
                                                : CLI::MultiOptionPolicy::Throw);
  }
  return sub;
}

void collect(const CLI::App& sub, const Command& command, CommandLine& line) {
  line.command = command.name;
  for (const CLI::Option* option : sub.get_options()) {
    if (option->count() == 0) continue;
    const std::string name = option->get_single_name();
    if (name == "argument") {
      line.positionals = option->results();
      line.positional = line.positionals.front();
    } else {
      line.options.emplace(name, option->results());
    }
  }
}

}  // namespace

std::string CommandLine::get(std::string_view option, std::string_view otherwise) const {
  const auto found = options.find(option);
  return found == options.end() ? std::string(otherwise) : found->second.back();
}

absl::StatusOr<CommandLine> parse_command_line(const Program& program, int argc,
                                               const char* const* argv) {
  CLI::App app{std::string(program.about), std::string(program.name)};
  const std::string version = fmt::format("{} {}", program.name, program.version);
  app.set_version_flag("--version", version, "print the version and exit");
  app.require_subcommand(1);
  std::vector<CLI::App*> subs;
  for (const Command& command : program.commands) subs.push_back(add_command(app, command));
  CommandLine line;
  try {
    app.parse(reversed_arguments(argc, argv));
  } catch (const CLI::CallForHelp&) {
    line.print = app.help();
    return line;
  } catch (const CLI::CallForVersion&) {
    line.print = version + "\n";
    return line;
  } catch (const CLI::Error& error) {  // CLI11's way to report
    return base::invalid("{}", error.what());
  }
  for (size_t i = 0; i < subs.size(); ++i) {
    if (subs[i]->parsed()) collect(*subs[i], program.commands[i], line);
  }
  return line;
}

}  // namespace vicinity::config
