#include "admin/service.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "admin/dump.h"
#include "admin/explanation_list.h"
#include "admin/policy_list.h"
#include "admin/status.h"
#include "admin/trace_call.h"
#include "base/json.h"
#include "base/status.h"
#include "compile/explain_service.h"
#include "telemetry/metrics.h"

namespace vicinity::admin {
namespace {

// Control takes questions between two steps; a step of a large message takes a while.
constexpr absl::Duration kAnswerWait = absl::Seconds(20);
constexpr size_t kServicesPerPart = 200;

grpc::Status to_grpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(base::message(status))};
}

using ExplanationsOr = absl::StatusOr<std::vector<compile::Explanation>>;

// Invalid: a port or family that cannot be.
absl::StatusOr<compile::ServiceQuestion> question_of(const ExplainRequest& request) {
  compile::ServiceQuestion question{.service = request.service(), .port = {}, .family = {}};
  if (request.port() > UINT16_MAX) return base::invalid("port {}: too large", request.port());
  if (request.port() != 0) question.port = static_cast<uint16_t>(request.port());
  for (const auto family : {model::Family::kIpv4, model::Family::kIpv6}) {
    if (request.family() == model::family_name(family)) question.family = family;
  }
  if (!request.family().empty() && !question.family) {
    return base::invalid("family '{}': neither ipv4 nor ipv6", request.family());
  }
  return question;
}

ExplanationsOr ask_explanations(ControlQueue& queue, const ExplainRequest& request) {
  VIC_ASSIGN_OR_RETURN(const auto question, question_of(request));
  ExplanationsOr answer = absl::UnknownError("not asked");
  VIC_RETURN_IF_ERROR(queue.run(
      [&](ControlView& view) {
        answer = explain_service(view.snapshot(), question, view.snapshot().self(), view.options());
        if (!answer.ok()) return;
        for (compile::Explanation& one : *answer) view.add_states(one);
      },
      kAnswerWait));
  return answer;
}

ServiceSummary summary_of(const model::Snapshot& snapshot, const model::Service& service) {
  ServiceSummary row;
  row.set_name(std::string(snapshot.symbols().name(service.key)));
  for (const model::OwnedAddress& address : snapshot.owned(service.key)) {
    const bool everyone = address.audience == model::Audience::kEveryone;
    row.add_addresses(model::prefix_text(address.ip, address.length) +
                      (everyone ? "" : "(own namespace)"));
  }
  for (const model::Port& port : service.ports) row.add_ports(port.service_port);
  row.set_mode(std::string(model::routing_mode_name(service.load_balancing.mode)));
  for (const model::Scope scope : service.load_balancing.preference) {
    row.add_preference(std::string(model::scope_name(scope)));
  }
  uint64_t healthy = 0;
  const auto endpoints = snapshot.endpoints(service.key);
  for (const model::WorkloadIndex index : endpoints) {
    if (snapshot.workload(index).health == model::Health::kHealthy) ++healthy;
  }
  row.set_endpoints(endpoints.size());
  row.set_healthy_endpoints(healthy);
  return row;
}

// All services, a part at a time.
class ServiceList {
 public:
  // Empty: the end.
  ServicesReply next(const model::Snapshot& snapshot) {
    if (!keys_) keys_ = snapshot.service_keys();
    ServicesReply part;
    for (; at_ < keys_->size() && part.services_size() < static_cast<int>(kServicesPerPart);
         ++at_) {
      const model::Service* service = snapshot.find_service((*keys_)[at_]);
      if (service != nullptr) *part.add_services() = summary_of(snapshot, *service);
    }
    return part;
  }

 private:
  std::optional<std::vector<model::SymbolId>> keys_;
  size_t at_ = 0;
};

}  // namespace

AdminService::AdminService(ControlQueue& queue, telemetry::StatusSource status,
                           Surroundings surroundings)
    : queue_(queue), status_(std::move(status)), surroundings_(std::move(surroundings)) {}

grpc::Status AdminService::Status(grpc::ServerContext* /*context*/,
                                  const StatusRequest* /*request*/, StatusReply* reply) {
  *reply = to_reply(*status_());
  return grpc::Status::OK;
}

grpc::Status AdminService::Services(grpc::ServerContext* /*context*/,
                                    const ServicesRequest* /*request*/,
                                    grpc::ServerWriter<ServicesReply>* writer) {
  ServiceList list;
  while (true) {
    ServicesReply part;
    const absl::Status status =
        queue_.run([&](ControlView& view) { part = list.next(view.snapshot()); }, kAnswerWait);
    if (!status.ok()) return to_grpc(status);
    if (part.services().empty()) return grpc::Status::OK;
    if (!writer->Write(part)) return grpc::Status::CANCELLED;
  }
}

grpc::Status AdminService::Explain(grpc::ServerContext* /*context*/, const ExplainRequest* request,
                                   TextReply* reply) {
  const ExplanationsOr all = ask_explanations(queue_, *request);
  if (!all.ok()) return to_grpc(all.status());
  if (request->format() == JSON) {
    reply->set_text(to_json(all->front()).pretty());
    return grpc::Status::OK;
  }
  for (size_t i = 0; i < all->size(); ++i) {
    reply->mutable_text()->append(i == 0 ? "" : "\n").append(to_table((*all)[i]));
  }
  return grpc::Status::OK;
}

grpc::Status AdminService::Endpoints(grpc::ServerContext* /*context*/,
                                     const ExplainRequest* request, TextReply* reply) {
  const ExplanationsOr all = ask_explanations(queue_, *request);
  if (!all.ok()) return to_grpc(all.status());
  if (request->format() == TABLE) {
    reply->set_text(compile::to_endpoints_table(*all));
    return grpc::Status::OK;
  }
  base::Json array = base::Json::array();
  for (const compile::Explanation& one : *all) array.push(to_json(one));
  reply->set_text(array.pretty());
  return grpc::Status::OK;
}

grpc::Status AdminService::Dump(grpc::ServerContext* /*context*/, const DumpRequest* request,
                                grpc::ServerWriter<TextReply>* writer) {
  const auto dump = admin::Dump::of(request->stage());
  if (dump == nullptr) return {grpc::StatusCode::INVALID_ARGUMENT, "no such stage"};
  while (true) {
    TextReply part;
    const absl::Status status =
        queue_.run([&](ControlView& view) { part.set_text(dump->next(view)); }, kAnswerWait);
    if (!status.ok()) return to_grpc(status);
    if (part.text().empty()) return grpc::Status::OK;
    if (!writer->Write(part)) return grpc::Status::CANCELLED;
  }
}

grpc::Status AdminService::Policies(grpc::ServerContext* /*context*/,
                                    const PoliciesRequest* /*request*/,
                                    grpc::ServerWriter<PoliciesReply>* writer) {
  PolicyList list;
  while (true) {
    PoliciesReply part;
    const absl::Status status =
        queue_.run([&](ControlView& view) { part = list.next(view); }, kAnswerWait);
    if (!status.ok()) return to_grpc(status);
    if (part.documents().empty() && part.uses().empty()) return grpc::Status::OK;
    if (!writer->Write(part)) return grpc::Status::CANCELLED;
  }
}

grpc::Status AdminService::Metrics(grpc::ServerContext* /*context*/,
                                   const MetricsRequest* /*request*/, TextReply* reply) {
  reply->set_text(telemetry::metrics_text(*status_()));
  return grpc::Status::OK;
}

grpc::Status AdminService::Trace(grpc::ServerContext* context, const TraceRequest* request,
                                 grpc::ServerWriter<TraceReply>* writer) {
  return to_grpc(run_trace(queue_, *request, *context, *writer));
}

grpc::Status AdminService::Traffic(grpc::ServerContext* /*context*/,
                                   const TrafficRequest* /*request*/, TrafficReply* reply) {
  *reply = to_traffic(*status_());
  return grpc::Status::OK;
}

grpc::Status AdminService::Flows(grpc::ServerContext* /*context*/, const FlowsRequest* /*request*/,
                                 FlowsReply* reply) {
  *reply = to_flows(*status_());
  return grpc::Status::OK;
}

grpc::Status AdminService::Settings(grpc::ServerContext* /*context*/,
                                    const SettingsRequest* /*request*/, SettingsReply* reply) {
  *reply = surroundings_.settings;
  return grpc::Status::OK;
}

grpc::Status AdminService::Log(grpc::ServerContext* /*context*/, const LogRequest* /*request*/,
                               TextReply* reply) {
  if (surroundings_.log) reply->set_text(surroundings_.log());
  return grpc::Status::OK;
}

grpc::Status AdminService::Explanations(grpc::ServerContext* /*context*/,
                                        const ExplanationsRequest* /*request*/,
                                        grpc::ServerWriter<ExplanationsReply>* writer) {
  ExplanationList list;
  while (true) {
    ExplanationsReply part;
    const absl::Status status =
        queue_.run([&](ControlView& view) { part = list.next(view); }, kAnswerWait);
    if (!status.ok()) return to_grpc(status);
    if (part.services().empty()) return grpc::Status::OK;
    if (!writer->Write(part)) return grpc::Status::CANCELLED;
  }
}

}  // namespace vicinity::admin
