// A client of the admin protocol: vicinityctl's connection to the daemon, and the page's, which is
// inside of it. One thread.
#pragma once

#include <absl/status/statusor.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proto/vicinity/admin.grpc.pb.h"

namespace vicinity::ctl {

class AdminClient {
 public:
  // FailedPrecondition: no daemon listens there.
  [[nodiscard]] static absl::StatusOr<AdminClient> open(const std::string& socket_path);

  // Over a channel that is there already.
  [[nodiscard]] static AdminClient over(const std::shared_ptr<grpc::Channel>& channel);

  [[nodiscard]] absl::StatusOr<admin::StatusReply> status();
  [[nodiscard]] absl::StatusOr<admin::FlowsReply> flows();
  [[nodiscard]] absl::StatusOr<admin::SettingsReply> settings();
  [[nodiscard]] absl::StatusOr<std::string> log();
  [[nodiscard]] absl::StatusOr<std::string> metrics();
  [[nodiscard]] absl::StatusOr<admin::TrafficReply> traffic();
  [[nodiscard]] absl::StatusOr<std::string> explain(const admin::ExplainRequest& request);
  [[nodiscard]] absl::StatusOr<std::string> endpoints(const admin::ExplainRequest& request);
  // Called with each part as it comes.
  absl::Status services(const std::function<void(const admin::ServicesReply&)>& part);
  absl::Status policies(const std::function<void(const admin::PoliciesReply&)>& part);
  // `began` when the trace is on, `part` with what there is, until it returns kStop.
  enum class Go { kOn, kStop };
  absl::Status trace(const admin::TraceRequest& request, const std::function<void()>& began,
                     const std::function<Go(const admin::TraceReply&)>& part,
                     std::chrono::system_clock::time_point until);
  absl::Status explanations(const std::function<void(const admin::ExplanationsReply&)>& part);
  absl::Status dump(admin::DumpRequest::Stage stage,
                    const std::function<void(std::string_view)>& part);

 private:
  explicit AdminClient(std::unique_ptr<admin::Admin::Stub> stub) : stub_(std::move(stub)) {}
  std::unique_ptr<admin::Admin::Stub> stub_;
};

}  // namespace vicinity::ctl
