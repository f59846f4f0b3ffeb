// vicinityctl dump: one stage as text, from the daemon or, with --mesh, from a file.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/status.h"
#include "compile/explain_service.h"
#include "compile/tables.h"
#include "ctl/client_text.h"
#include "ctl/commands.h"
#include "ctl/failure.h"
#include "ctl/offline.h"

namespace vicinity::ctl {
namespace {

using admin::DumpRequest;

absl::StatusOr<DumpRequest::Stage> parse_stage(const std::string& text) {
  if (text == "snapshot") return DumpRequest::SNAPSHOT;
  if (text == "plan") return DumpRequest::PLAN;
  if (text == "tables") return DumpRequest::TABLES;
  return base::invalid("dump '{}': not one of snapshot, plan, tables", text);
}

std::string plans(const OfflineMesh& mesh) {
  std::string text;
  for (const model::SymbolId key : mesh.snapshot.service_keys()) {
    const compile::ServiceQuestion question{
        .service = std::string(mesh.snapshot.symbols().name(key)), .port = {}, .family = {}};
    const auto all = explain_service(mesh.snapshot, question, mesh.client, {});
    if (!all.ok()) {
      text += fmt::format("{}\n\n", base::message(all.status()));
      continue;
    }
    for (const compile::Explanation& one : *all) text += to_table(one) + "\n";
  }
  return text;
}

absl::StatusOr<std::string> stage_text(const OfflineMesh& mesh, DumpRequest::Stage stage) {
  if (stage == DumpRequest::SNAPSHOT) return to_text(mesh.snapshot);
  if (stage == DumpRequest::PLAN) return plans(mesh);
  VIC_ASSIGN_OR_RETURN(const auto tables, compile::compile_all(mesh.snapshot, {}));
  return to_text(tables);
}

// {"stage": "tables", "lines": [...]}: the stage's text form, line by line.
std::string to_json(const std::string& stage, std::string_view text) {
  base::Json lines = base::Json::array();
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push(base::Json::string(std::string(text.substr(0, end))));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return base::Json::object({{"stage", base::Json::string(stage)}, {"lines", std::move(lines)}})
      .pretty();
}

int dump_offline(const config::CommandLine& line, DumpRequest::Stage stage,
                 const Terminal& terminal) {
  const auto client = parse_client(line.get("client"));
  if (!client.ok()) return fail(terminal, client.status());
  const auto mesh = load_offline(line.get("mesh"), *client);
  if (!mesh.ok()) return fail(terminal, mesh.status());
  for (const std::string& complaint : mesh->complaints) terminal.err(complaint + "\n");
  const auto text = stage_text(*mesh, stage);
  if (!text.ok()) return fail(terminal, text.status());
  terminal.out(*text);
  return kExitOk;
}

int dump_text(const config::CommandLine& line, const Terminal& terminal) {
  const auto stage = parse_stage(line.positional);
  if (!stage.ok()) return fail(terminal, stage.status());
  if (line.has("mesh")) return dump_offline(line, *stage, terminal);
  if (line.has("client")) return fail(terminal, base::invalid("--client: only with --mesh"));
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  const absl::Status status = client->dump(*stage, terminal.out);
  return status.ok() ? kExitOk : fail(terminal, status);
}

}  // namespace

int run_dump(const config::CommandLine& line, const Terminal& terminal) {
  const auto json = wants_json(line);
  if (!json.ok()) return fail(terminal, json.status());
  if (!*json) return dump_text(line, terminal);
  std::string text;
  const Terminal collected{.out = [&text](std::string_view part) { text += part; },
                           .err = terminal.err};
  const int status = dump_text(line, collected);
  if (status == kExitOk) terminal.out(to_json(line.positional, text));
  return status;
}

}  // namespace vicinity::ctl
