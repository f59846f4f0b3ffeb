// vicinityctl services
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "base/status.h"
#include "ctl/bundle_file.h"
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

std::string table_of(const admin::ServicesReply& services) {
  std::vector<Row> rows{{"SERVICE", "ADDRESSES", "PORTS", "MODE", "HEALTHY/ALL"}};
  for (const admin::ServiceSummary& service : services.services()) rows.push_back(row_of(service));
  return table_text(rows);
}

std::string json_of(const admin::ServicesReply& services) {
  base::Json array = base::Json::array();
  for (const admin::ServiceSummary& service : services.services()) array.push(to_json(service));
  return array.pretty();
}

absl::StatusOr<admin::ServicesReply> ask(const config::CommandLine& line) {
  VIC_ASSIGN_OR_RETURN(auto client, open_daemon(line));
  admin::ServicesReply all;
  VIC_RETURN_IF_ERROR(
      client.services([&](const admin::ServicesReply& part) { all.MergeFrom(part); }));
  return all;
}

}  // namespace

int run_services(const config::CommandLine& line, const Terminal& terminal) {
  const auto json = wants_json(line);
  if (!json.ok()) return fail(terminal, json.status());
  const auto services = line.has("bundle") ? bundle_services(line.get("bundle")) : ask(line);
  if (!services.ok()) return fail(terminal, services.status());
  terminal.out(*json ? json_of(*services) : table_of(*services));
  return kExitOk;
}

}  // namespace vicinity::ctl
