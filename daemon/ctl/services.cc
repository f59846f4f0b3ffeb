// vicinityctl services
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "ctl/client_text.h"
#include "ctl/commands.h"
#include "ctl/failure.h"
#include "ctl/proto_json.h"
#include "ctl/table.h"

namespace vicinity::ctl {
namespace {

Row row_of(const admin::ServiceSummary& service) {
  std::string mode = service.mode();
  if (!service.preference().empty()) {
    mode += fmt::format(" [{}]", fmt::join(service.preference(), ","));
  }
  return {service.name(), fmt::format("{}", fmt::join(service.addresses(), ",")),
          fmt::format("{}", fmt::join(service.ports(), ",")), std::move(mode),
          fmt::format("{}/{}", service.healthy_endpoints(), service.endpoints())};
}

}  // namespace

int run_services(const config::CommandLine& line, const Terminal& terminal) {
  const auto json = wants_json(line);
  if (!json.ok()) return fail(terminal, json.status());
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  base::Json array = base::Json::array();
  std::vector<Row> rows{{"SERVICE", "ADDRESSES", "PORTS", "MODE", "HEALTHY/ALL"}};
  const absl::Status status = client->services([&](const admin::ServicesReply& part) {
    for (const admin::ServiceSummary& service : part.services()) {
      if (*json) {
        array.push(to_json(service));
      } else {
        rows.push_back(row_of(service));
      }
    }
  });
  if (!status.ok()) return fail(terminal, status);
  terminal.out(*json ? array.pretty() : table_text(rows));
  return kExitOk;
}

}  // namespace vicinity::ctl
