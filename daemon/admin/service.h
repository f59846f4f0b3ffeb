// The calls of the admin protocol: each turns a request into questions to control, or reads the
// published status. Runs on gRPC's threads.
#pragma once

#include "admin/control_queue.h"
#include "admin/surroundings.h"
#include "proto/vicinity/admin.grpc.pb.h"
#include "telemetry/published.h"

namespace vicinity::admin {

class AdminService : public Admin::Service {
 public:
  // The queue outlives the service.
  AdminService(ControlQueue& queue, telemetry::StatusSource status, Surroundings surroundings);

  grpc::Status Status(grpc::ServerContext* context, const StatusRequest* request,
                      StatusReply* reply) override;
  grpc::Status Services(grpc::ServerContext* context, const ServicesRequest* request,
                        grpc::ServerWriter<ServicesReply>* writer) override;
  grpc::Status Explain(grpc::ServerContext* context, const ExplainRequest* request,
                       TextReply* reply) override;
  grpc::Status Endpoints(grpc::ServerContext* context, const ExplainRequest* request,
                         TextReply* reply) override;
  grpc::Status Dump(grpc::ServerContext* context, const DumpRequest* request,
                    grpc::ServerWriter<TextReply>* writer) override;
  grpc::Status Policies(grpc::ServerContext* context, const PoliciesRequest* request,
                        grpc::ServerWriter<PoliciesReply>* writer) override;
  grpc::Status Metrics(grpc::ServerContext* context, const MetricsRequest* request,
                       TextReply* reply) override;
  grpc::Status Trace(grpc::ServerContext* context, const TraceRequest* request,
                     grpc::ServerWriter<TraceReply>* writer) override;
  grpc::Status Traffic(grpc::ServerContext* context, const TrafficRequest* request,
                       TrafficReply* reply) override;
  grpc::Status Flows(grpc::ServerContext* context, const FlowsRequest* request,
                     FlowsReply* reply) override;
  grpc::Status Settings(grpc::ServerContext* context, const SettingsRequest* request,
                        SettingsReply* reply) override;
  grpc::Status Log(grpc::ServerContext* context, const LogRequest* request,
                   TextReply* reply) override;
  grpc::Status Explanations(grpc::ServerContext* context, const ExplanationsRequest* request,
                            grpc::ServerWriter<ExplanationsReply>* writer) override;

 private:
  ControlQueue& queue_;
  telemetry::StatusSource status_;
  Surroundings surroundings_;
};

}  // namespace vicinity::admin
