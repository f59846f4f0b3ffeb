#include "ui/answers.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/json.h"
#include "base/status.h"
#include "ctl/proto_json.h"

namespace vicinity::ui {
namespace {

using Text = absl::StatusOr<std::string>;

constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kUnavailable = 503;

int http_status(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kResourceExhausted:
      return kBadRequest;
    default:
      return kUnavailable;
  }
}

Answer failure(int http, std::string_view message) {
  return {http, base::Json::object({{"error", base::Json::string(message)}}).pretty()};
}

// Invalid: a port that is no number.
absl::StatusOr<admin::ExplainRequest> question_of(const Parameter& parameter) {
  admin::ExplainRequest request;
  request.set_service(parameter("service"));
  request.set_family(parameter("family"));
  request.set_format(admin::JSON);
  const std::string text = parameter("port");
  uint32_t port = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  if (!text.empty() && !whole) return base::invalid("port '{}': not a number", text);
  request.set_port(port);
  return request;
}

Text status(ctl::AdminClient& client, const Parameter& /*parameter*/) {
  VIC_ASSIGN_OR_RETURN(const auto reply, client.status());
  return ctl::to_json(reply).pretty();
}

Text services(ctl::AdminClient& client, const Parameter& /*parameter*/) {
  base::Json array = base::Json::array();
  VIC_RETURN_IF_ERROR(client.services([&](const admin::ServicesReply& part) {
    for (const auto& service : part.services()) array.push(ctl::to_json(service));
  }));
  return array.pretty();
}

Text endpoints(ctl::AdminClient& client, const Parameter& parameter) {
  VIC_ASSIGN_OR_RETURN(const auto request, question_of(parameter));
  return client.endpoints(request);
}

Text explain(ctl::AdminClient& client, const Parameter& parameter) {
  VIC_ASSIGN_OR_RETURN(const auto request, question_of(parameter));
  return client.explain(request);
}

Text flows(ctl::AdminClient& client, const Parameter& /*parameter*/) {
  VIC_ASSIGN_OR_RETURN(const auto reply, client.flows());
  return ctl::to_json(reply).pretty();
}

struct Route {
  std::string_view path;
  Text (*ask)(ctl::AdminClient&, const Parameter&);
};
constexpr std::array kRoutes{Route{"/api/status", status}, Route{"/api/services", services},
                             Route{"/api/endpoints", endpoints}, Route{"/api/explain", explain},
                             Route{"/api/flows", flows}};

}  // namespace

Answer answer(ctl::AdminClient& client, std::string_view path, const Parameter& parameter) {
  for (const Route& route : kRoutes) {
    if (route.path != path) continue;
    Text text = route.ask(client, parameter);
    if (!text.ok()) return failure(http_status(text.status()), base::message(text.status()));
    return {.json = *std::move(text)};
  }
  return failure(kNotFound, "no such page");
}

}  // namespace vicinity::ui
