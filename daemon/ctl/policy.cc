// vicinityctl policy: check files offline, list what is in force. Nothing is worked out here; see
// policy/book.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "base/status.h"
#include "ctl/commands.h"
#include "ctl/failure.h"
#include "ctl/offline.h"
#include "ctl/proto_json.h"
#include "ctl/table.h"

namespace vicinity::ctl {
namespace {

using Words = std::vector<std::string>;

int check(const Words& files, const config::CommandLine& line, const Terminal& terminal) {
  if (files.empty()) return fail(terminal, base::invalid("policy check: needs a file"));
  if (line.has("o")) return fail(terminal, base::invalid("-o: not of policy check"));
  const auto load = load_policies(files);
  if (!load.ok()) return fail(terminal, load.status());
  for (const auto& finding : load->findings) terminal.out(to_text(finding) + "\n");
  terminal.out(fmt::format("{} policies, {} other documents, {} refused\n", load->documents.size(),
                           load->ignored, load->refused.size() + load->unclear.size()));
  return has_errors(*load) ? kExitUsage : kExitOk;
}

void add_rows(const admin::PolicyUse& use, std::vector<Row>& rows) {
  const std::string ports = fmt::format("{}", fmt::join(use.ports(), ","));
  if (use.decides().empty()) {
    rows.push_back({use.service(), ports, "yes", "its own preference", "no policy applies"});
  }
  for (const admin::PolicyVerdict& verdict : use.decides()) {
    rows.push_back({use.service(), ports, "yes", verdict.document(), verdict.why()});
  }
  for (const admin::PolicyVerdict& verdict : use.passed_over()) {
    rows.push_back({use.service(), ports, "no", verdict.document(), verdict.why()});
  }
}

std::string text_of(const admin::PoliciesReply& all) {
  if (all.documents().empty()) return "no policies\n";
  std::vector<Row> documents{{"POLICY", "SOURCE", "FILE", "WARNINGS"}};
  for (const admin::PolicyDocument& document : all.documents()) {
    documents.push_back({document.document(), document.source(),
                         fmt::format("{}:{}", document.file(), document.line()),
                         std::to_string(document.warnings_size())});
  }
  std::vector<Row> uses{{"SERVICE", "PORT", "DECIDES", "POLICY", "WHY"}};
  for (const admin::PolicyUse& use : all.uses()) add_rows(use, uses);
  std::string text = table_text(documents);
  if (uses.size() > 1) text += "\n" + table_text(uses);
  return text;
}

int list(const Words& rest, const config::CommandLine& line, const Terminal& terminal) {
  if (!rest.empty()) return fail(terminal, base::invalid("policy list: takes no '{}'", rest[0]));
  const auto json = wants_json(line);
  if (!json.ok()) return fail(terminal, json.status());
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  admin::PoliciesReply all;
  const auto status =
      client->policies([&](const admin::PoliciesReply& part) { all.MergeFrom(part); });
  if (!status.ok()) return fail(terminal, status);
  terminal.out(*json ? to_json(all).pretty() : text_of(all));
  return kExitOk;
}

}  // namespace

int run_policy(const config::CommandLine& line, const Terminal& terminal) {
  const Words rest(line.positionals.begin() + 1, line.positionals.end());
  if (line.positional == "check") return check(rest, line, terminal);
  if (line.positional == "list") return list(rest, line, terminal);
  return fail(terminal, base::invalid("policy: '{}' is neither check nor list", line.positional));
}

}  // namespace vicinity::ctl
