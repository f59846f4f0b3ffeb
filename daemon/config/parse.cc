#include "config/parse.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "base/status.h"
#include "config/arguments.h"
#include "config/file.h"
#include "config/flags.h"

namespace vicinity::config {
namespace {

constexpr std::string_view kAbout =
    "vicinityd: balances connections of this node's pods to near endpoints, at connect(2).\n"
    "Each setting is a flag, an environment variable (--xds-address: VICINITY_XDS_ADDRESS) and a "
    "key of the\nconfiguration file; a flag beats the environment, which beats the file.";
constexpr const char* kConfigVariable = "VICINITY_CONFIG";

struct Given {
  std::string config_file;
  std::map<std::string_view, std::vector<std::string>> values;  // by flag name
  std::optional<std::string> print;
  std::vector<std::string> errors;
};

std::string help_text(const Flag& flag) {
  std::string text(flag.help);
  if (!flag.default_text.empty()) text += fmt::format(" [{}]", flag.default_text);
  return text;
}

CLI::Option* add_option(CLI::App& app, const Flag& flag) {
  const std::string name = fmt::format("--{}", flag.name);
  const std::string help = help_text(flag);
  // No variable is bound: CLI11 would turn an empty text into no text at all.
  CLI::Option* option = flag.arity == Arity::kSwitch
                            ? app.add_flag(name, help)
                            : app.add_option(name, CLI::callback_t(), help);
  option->group(std::string(flag.group))->delimiter('\0')->allow_extra_args(false);
  if (flag.arity != Arity::kSwitch) option->type_name(std::string(flag.value))->expected(1);
  option->multi_option_policy(flag.arity == Arity::kMany ? CLI::MultiOptionPolicy::TakeAll
                                                         : CLI::MultiOptionPolicy::Throw);
  return option;
}

Given parse_arguments(const Sources& sources) {
  Given line;
  CLI::App app{std::string(kAbout), "vicinityd"};
  app.get_formatter()->column_width(44);
  app.set_help_flag("--help,-h", "print this help and exit");
  app.set_version_flag("--version", sources.version, "print the version and exit");
  app.add_option("--config", line.config_file, "YAML file with settings")->type_name("FILE");
  std::map<std::string_view, CLI::Option*> options;
  for (const Flag& flag : flags()) options[flag.name] = add_option(app, flag);
  try {
    app.parse(reversed_arguments(sources.argc, sources.argv));
  } catch (const CLI::CallForHelp&) {
    line.print = app.help();
  } catch (const CLI::CallForVersion&) {
    line.print = sources.version + "\n";
  } catch (const CLI::Error& error) {  // CLI11's way to report
    line.errors.emplace_back(error.what());
  }
  for (const auto& [name, option] : options) {
    if (option->count() > 0) line.values.emplace(name, option->results());
  }
  return line;
}

// Comma-separated for flags that may be repeated.
std::vector<std::string> split_list(const Flag& flag, const std::string& text) {
  if (flag.arity != Arity::kMany) return {text};
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

class Builder {
 public:
  explicit Builder(const Sources& sources) : sources_(sources), config_(default_config()) {}

  absl::StatusOr<Config> build() {
    Given line = parse_arguments(sources_);
    if (line.print) {
      config_.action = Action::kPrint;
      config_.print = *line.print;
      return std::move(config_);
    }
    errors_ = std::move(line.errors);
    const auto from_environment = sources_.environment(kConfigVariable);
    apply_file(line.config_file.empty() ? from_environment.value_or("") : line.config_file);
    apply_environment();
    for (auto& [name, texts] : line.values) {
      apply({find_flag(name), fmt::format("--{}", name), std::move(texts)});
    }
    check_whole();
    if (errors_.empty()) return std::move(config_);
    return base::invalid("{}", fmt::join(errors_, "\n"));
  }

 private:
  void apply_file(const std::string& path) {
    if (path.empty()) return;
    const absl::StatusOr<std::string> text = sources_.read_file(path);
    if (!text.ok()) {
      errors_.push_back(fmt::format("--config: {}", base::message(text.status())));
      return;
    }
    Settings settings = read_settings(path, *text);
    for (std::string& error : settings.errors) errors_.push_back(std::move(error));
    for (const Setting& setting : settings.settings) apply(setting);
  }

  void apply_environment() {
    if (const auto node = sources_.environment("NODE_NAME"); node && !node->empty()) {
      apply({find_flag("node-name"), "NODE_NAME", {*node}});
    }
    for (const Flag& flag : flags()) {
      const std::string name = environment_name(flag);
      const auto text = sources_.environment(name);
      if (text) apply({&flag, name, split_list(flag, *text)});
    }
  }

  void apply(const Setting& setting) {
    const Flag& flag = *setting.flag;
    for (const std::string& text : setting.texts) {
      if (flag.only_default.empty() || text == flag.default_text) continue;
      errors_.push_back(fmt::format("{}: '{}': {}", setting.origin, text, flag.only_default));
      return;
    }
    const absl::Status status = flag.set(config_, setting.texts);
    if (!status.ok()) {
      errors_.push_back(fmt::format("{}: {}", setting.origin, base::message(status)));
    }
    config_.given.insert_or_assign(std::string(flag.name), setting.texts);
  }

  void check_whole() {
    if (config_.node_name.empty() && config_.action == Action::kRun && errors_.empty()) {
      errors_.emplace_back("--node-name: required (or NODE_NAME in the environment)");
    }
  }

  const Sources& sources_;
  Config config_;
  std::vector<std::string> errors_;
};

absl::StatusOr<std::string> read_whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::errno_status(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

absl::StatusOr<Config> parse_config(const Sources& sources) { return Builder(sources).build(); }

absl::StatusOr<Config> parse_config(int argc, const char* const* argv, const std::string& version) {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  return parse_config({argc, argv, environment, read_whole_file, version});
}

}  // namespace vicinity::config
