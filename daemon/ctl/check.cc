// vicinityctl check: the self-test of an installation; its exit status is the answer, too.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/json.h"
#include "ctl/checks.h"
#include "ctl/client_text.h"
#include "ctl/commands.h"
#include "ctl/failure.h"
#include "ctl/node_facts.h"

namespace vicinity::ctl {
namespace {

constexpr size_t kIndent = 20;

std::string text_of(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& one : findings) {
    text += fmt::format("{:<7} {:<11} {}\n", verdict_name(one.verdict), one.check, one.found);
    if (!one.remedy.empty()) text += fmt::format("{:{}}-> {}\n", "", kIndent, one.remedy);
  }
  return text;
}

std::string json_of(const std::vector<Finding>& findings) {
  base::Json array = base::Json::array();
  for (const Finding& one : findings) {
    array.push(base::Json::object({{"check", base::Json::string(one.check)},
                                   {"verdict", base::Json::string(verdict_name(one.verdict))},
                                   {"found", base::Json::string(one.found)},
                                   {"remedy", base::Json::string(one.remedy)}}));
  }
  return array.pretty();
}

}  // namespace

int run_check(const config::CommandLine& line, const Terminal& terminal) {
  const auto json = wants_json(line);
  if (!json.ok()) return fail(terminal, json.status());
  const std::vector<Finding> findings = check(look_at_node(line));
  terminal.out(*json ? json_of(findings) : text_of(findings));
  const bool failed = std::any_of(findings.begin(), findings.end(),
                                  [](const Finding& one) { return one.verdict == Verdict::kFail; });
  return failed ? kExitFailed : kExitOk;
}

}  // namespace vicinity::ctl
