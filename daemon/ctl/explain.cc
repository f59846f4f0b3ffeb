// vicinityctl explain, and vicinityctl endpoints: the same explanations, printed differently.
// Nothing is worked out here; see compile/explain.h.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "compile/explain_service.h"
#include "config/flags.h"
#include "ctl/bundle_file.h"
#include "ctl/client_text.h"
#include "ctl/commands.h"
#include "ctl/failure.h"
#include "ctl/offline.h"

namespace vicinity::ctl {
namespace {

constexpr std::array<std::string_view, 4> kPolicyFlags{"kuma-zone", "kuma-threshold", "kuma-mesh",
                                                       "kuma-panic-threshold"};

absl::Status check_flags(const config::CommandLine& line) {
  if (line.has("policy") && !line.has("mesh")) {
    return base::invalid("--policy: only together with --mesh; the daemon uses its own policies");
  }
  for (const std::string_view name : kPolicyFlags) {
    if (line.has(name) && !line.has("policy")) {
      return base::invalid("--{}: only together with --policy", name);
    }
  }
  if (line.has("bundle") && line.has("mesh")) {
    return base::invalid("--bundle: not together with --mesh");
  }
  if (line.has("client") && !line.has("mesh")) {
    return base::invalid("--client: only together with --mesh; the daemon uses its own context");
  }
  return absl::OkStatus();
}

std::string print(const std::vector<compile::Explanation>& explanations) {
  std::string text;
  for (const compile::Explanation& one : explanations) {
    text += text.empty() ? "" : "\n";
    text += to_table(one);
  }
  return text;
}

// Flags of the daemon that say how policies are read.
absl::StatusOr<policy::Settings> settings_of(const config::CommandLine& line) {
  config::Config config = config::default_config();
  for (const std::string_view name : kPolicyFlags) {
    const auto given = line.options.find(name);
    if (given == line.options.end()) continue;
    const absl::Status set = config::find_flag(name)->set(config, given->second);
    if (!set.ok()) return base::invalid("--{}: {}", name, base::message(set));
  }
  policy::Settings settings;
  settings.kuma = config.kuma;
  return settings;
}

// nullptr: no --policy. What is odd about the documents goes to the terminal.
absl::StatusOr<std::shared_ptr<const policy::book::Book>> policies_of(
    const config::CommandLine& line, const Terminal& terminal) {
  const auto paths = line.options.find("policy");
  if (paths == line.options.end()) return nullptr;
  VIC_ASSIGN_OR_RETURN(auto load, load_policies(paths->second));
  for (const auto& finding : load.findings) terminal.err(to_text(finding) + "\n");
  if (has_errors(load)) return base::invalid("--policy: documents are refused");
  VIC_ASSIGN_OR_RETURN(auto settings, settings_of(line));
  return std::make_shared<const policy::book::Book>(std::move(load.documents), std::move(settings));
}

int explain_offline(const config::CommandLine& line, const compile::ServiceQuestion& question,
                    const Terminal& terminal) {
  const auto client = parse_client(line.get("client"));
  if (!client.ok()) return fail(terminal, client.status());
  const auto mesh = load_offline(line.get("mesh"), *client);
  if (!mesh.ok()) return fail(terminal, mesh.status());
  for (const std::string& complaint : mesh->complaints) terminal.err(complaint + "\n");
  if (std::find(mesh->refused.begin(), mesh->refused.end(), question.service) !=
      mesh->refused.end()) {
    return fail(terminal, base::invalid("service {}: its document is refused", question.service));
  }
  auto policies = policies_of(line, terminal);
  if (!policies.ok()) return fail(terminal, policies.status());
  compile::CompileOptions options;
  options.policies = *std::move(policies);
  const auto all = explain_service(mesh->snapshot, question, mesh->client, options);
  if (!all.ok()) return fail(terminal, all.status());
  terminal.out(*wants_json(line) ? to_json(all->front()).pretty() : print(*all));
  return kExitOk;
}

admin::ExplainRequest request_for(const compile::ServiceQuestion& question,
                                  const config::CommandLine& line) {
  admin::ExplainRequest request;
  request.set_service(question.service);
  request.set_port(question.port.value_or(0));
  if (question.family) request.set_family(std::string(model::family_name(*question.family)));
  request.set_format(*wants_json(line) ? admin::JSON : admin::TABLE);
  return request;
}

// Out of --bundle, what the daemon would have said.
int replay(const config::CommandLine& line, const compile::ServiceQuestion& question,
           BundleText wanted, const Terminal& terminal) {
  const auto text = bundle_explain(line.get("bundle"), question, wanted);
  if (!text.ok()) return fail(terminal, text.status());
  terminal.out(*text);
  return kExitOk;
}

}  // namespace

int run_explain(const config::CommandLine& line, const Terminal& terminal) {
  const auto question = parse_question(line);
  if (!question.ok()) return fail(terminal, question.status());
  if (const auto json = wants_json(line); !json.ok()) return fail(terminal, json.status());
  if (const auto flags = check_flags(line); !flags.ok()) return fail(terminal, flags);
  if (line.has("mesh")) return explain_offline(line, *question, terminal);
  if (line.has("bundle")) {
    const bool json = *wants_json(line);
    return replay(line, *question, json ? BundleText::kJson : BundleText::kTable, terminal);
  }
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  const auto text = client->explain(request_for(*question, line));
  if (!text.ok()) return fail(terminal, text.status());
  terminal.out(*text);
  return kExitOk;
}

int run_endpoints(const config::CommandLine& line, const Terminal& terminal) {
  const auto question = parse_service_port(line.positional);
  if (!question.ok()) return fail(terminal, question.status());
  if (const auto json = wants_json(line); !json.ok()) return fail(terminal, json.status());
  if (line.has("bundle")) {
    const bool json = *wants_json(line);
    return replay(line, *question, json ? BundleText::kEndpointsJson : BundleText::kEndpoints,
                  terminal);
  }
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  const auto text = client->endpoints(request_for(*question, line));
  if (!text.ok()) return fail(terminal, text.status());
  terminal.out(*text);
  return kExitOk;
}

}  // namespace vicinity::ctl
