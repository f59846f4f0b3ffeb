// vicinityctl metrics
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "ctl/client_text.h"
#include "ctl/commands.h"
#include "ctl/failure.h"

namespace vicinity::ctl {
namespace {

// {"series": value-as-text, ...}: every sample of Prometheus's text format under its own name.
std::string to_json(std::string_view text) {
  base::Json::Object samples;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t space = line.rfind(' ');
    if (line.empty() || line.front() == '#' || space == std::string_view::npos) continue;
    samples.emplace_back(std::string(line.substr(0, space)),
                         base::Json::string(std::string(line.substr(space + 1))));
  }
  return base::Json::object(std::move(samples)).pretty();
}

}  // namespace

int run_metrics(const config::CommandLine& line, const Terminal& terminal) {
  const auto json = wants_json(line);
  if (!json.ok()) return fail(terminal, json.status());
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  const auto text = client->metrics();
  if (!text.ok()) return fail(terminal, text.status());
  terminal.out(*json ? to_json(*text) : *text);
  return kExitOk;
}

}  // namespace vicinity::ctl
