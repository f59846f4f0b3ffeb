// Manual pages and completion: every command and flag is in them, and bash completes what it
// should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "config/flags.h"
#include "config/reference.h"
#include "ctl/commands.h"
#include "support/gtest_support.h"
#include "support/process.h"

namespace vicinity::config {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::vector<Reference> both() {
  return {reference_of(ctl::program()), reference_of_flags("1.2.3")};
}

std::string hyphens(const std::string& name) {
  std::string text;
  for (const char c : name) text += c == '-' ? "\\-" : std::string(1, c);
  return text;
}

TEST(Manual, HasEveryCommandAndFlag) {
  for (const Reference& reference : both()) {
    const std::string page = manual(reference);
    EXPECT_THAT(page, HasSubstr(".TH " + reference.program));
    for (const auto& command : reference.commands) {
      EXPECT_THAT(page, HasSubstr(hyphens(command.name)));
      for (const auto& option : command.options) {
        EXPECT_THAT(page, HasSubstr(".B " + hyphens(option.name) + "\n"));
      }
    }
  }
  EXPECT_EQ(reference_of_flags("1").commands[0].options.size(), flags().size() + 1);
}

TEST(Manual, NoLineOfTextIsARequest) {
  const Reference reference{.program = "p",
                            .section = "8",
                            .about = ".so /etc/passwd",
                            .version = "1",
                            .commands = {{"c", "'quoted \\ text", "", {}}}};
  const std::string page = manual(reference);
  EXPECT_THAT(page, HasSubstr("p \\- \\&.so /etc/passwd\n"));
  EXPECT_THAT(page, HasSubstr("\\&'quoted \\e text\n"));
}

struct CompletionRow {
  std::string typed;  // the last word is the one to complete
  std::string expected;
};

// What bash offers for a line.
std::string completed(const std::string& script, const std::string& typed) {
  const std::string program = typed.substr(0, typed.find(' '));
  const std::string body = script + "\nCOMP_WORDS=(" + typed +
                           ")\n[[ $1 == *' ' ]] && COMP_WORDS+=('')\n"
                           "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_" +
                           program + "\nprintf '%s\\n' \"${COMPREPLY[@]}\" | sort | paste -sd' '\n";
  const auto done = vicinity::testing::run({.argv = {"bash", "-c", body, "bash", typed}}, 20s);
  if (!done.ok()) return std::string(done.status().message());
  return done->out.substr(0, done->out.find('\n')) + done->err;
}

TEST(Completion, BashOffersWhatThereIs) {
  const auto script = completion("bash", both());
  VICINITY_ASSERT_OK(script);
  const CompletionRow rows[] = {
      {"vicinityctl sta", "status"},
      {"vicinityctl du", "dump"},
      {"vicinityctl dump ", "--admin-socket --client --help --mesh -o plan snapshot tables"},
      {"vicinityctl dump s", "snapshot"},
      {"vicinityctl status -o ", "json table"},
      {"vicinityctl status -o j", "json"},
      {"vicinityctl explain --fam", "--family"},
      {"vicinityctl explain --family ipv6", "ipv6"},
      {"vicinityctl explain --mesh /etc/host.con", "/etc/host.conf"},
      {"vicinityctl completion ", "--help bash fish zsh"},
      {"vicinityd --xds-a", "--xds-address --xds-auth"},
      {"vicinityd --xds-auth ", "plaintext tls"},
      {"vicinityd --log-format t", "text"},
      {"vicinityd --node-name ", ""},
      {"vicinityd --config /etc/host.con", "/etc/host.conf"},
  };
  for (const auto& row : rows) EXPECT_EQ(completed(*script, row.typed), row.expected) << row.typed;
}

TEST(Completion, EveryShellHasEveryCommandAndFlag) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    SCOPED_TRACE(shell);
    const auto script = completion(shell, both());
    VICINITY_ASSERT_OK(script);
    for (const Flag& flag : flags()) EXPECT_THAT(*script, HasSubstr(std::string(flag.name)));
    for (const Command& command : ctl::program().commands) {
      EXPECT_THAT(*script, HasSubstr(std::string(command.name)));
    }
  }
  EXPECT_FALSE(completion("tcsh", both()).ok());
}

TEST(Completion, VicinityctlPrintsIt) {
  const auto said = [](std::vector<const char*> arguments) {
    std::string text;
    const auto append = [&text](std::string_view more) { text += more; };
    arguments.insert(arguments.begin(), "vicinityctl");
    const int status = ctl::run_ctl(static_cast<int>(arguments.size()), arguments.data(),
                                    {.out = append, .err = append});
    return std::to_string(status) + " " + text;
  };
  EXPECT_THAT(said({"completion", "fish"}), HasSubstr("0 complete -c vicinityctl"));
  EXPECT_THAT(said({"manual", "vicinityd"}), HasSubstr("0 .TH vicinityd 8"));
  EXPECT_THAT(said({"manual", "nobody"}), HasSubstr("2 vicinityctl: no manual of 'nobody'"));
}

}  // namespace
}  // namespace vicinity::config
