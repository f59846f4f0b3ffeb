#include "ctl/admin_client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/status.h"
#include "base/unique_fd.h"

namespace vicinity::ctl {
namespace {

constexpr auto kAnswerWait = std::chrono::seconds(30);
constexpr auto kStreamWait = std::chrono::minutes(5);
constexpr int kMaxMessageBytes = 64 << 20;

absl::Status nobody_there(const std::string& path, std::string_view why) {
  return absl::FailedPreconditionError(
      fmt::format("vicinityd is not running, or {} is not its socket: {}", path, why));
}

// gRPC would only say that the connection failed.
absl::Status probe(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return nobody_there(path, "path too long");
  path.copy(address.sun_path, path.size());
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return absl::OkStatus();
  }
  return nobody_there(path, fmt::format("connect: {}", std::strerror(errno)));
}

absl::Status to_absl(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

template <class Duration>
void set_deadline(grpc::ClientContext& context, Duration wait) {
  context.set_deadline(std::chrono::system_clock::now() + wait);
}

}  // namespace

absl::StatusOr<AdminClient> AdminClient::open(const std::string& socket_path) {
  VIC_RETURN_IF_ERROR(probe(socket_path));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return AdminClient(admin::Admin::NewStub(grpc::CreateCustomChannel(
      "unix:" + socket_path, grpc::InsecureChannelCredentials(), arguments)));
}

AdminClient AdminClient::over(const std::shared_ptr<grpc::Channel>& channel) {
  return AdminClient(admin::Admin::NewStub(channel));
}

absl::StatusOr<admin::FlowsReply> AdminClient::flows() {
  grpc::ClientContext context;
  set_deadline(context, kAnswerWait);
  admin::FlowsReply reply;
  VIC_RETURN_IF_ERROR(to_absl(stub_->Flows(&context, {}, &reply)));
  return reply;
}

absl::StatusOr<admin::SettingsReply> AdminClient::settings() {
  grpc::ClientContext context;
  set_deadline(context, kAnswerWait);
  admin::SettingsReply reply;
  VIC_RETURN_IF_ERROR(to_absl(stub_->Settings(&context, {}, &reply)));
  return reply;
}

absl::StatusOr<std::string> AdminClient::log() {
  grpc::ClientContext context;
  set_deadline(context, kAnswerWait);
  admin::TextReply reply;
  VIC_RETURN_IF_ERROR(to_absl(stub_->Log(&context, {}, &reply)));
  return reply.text();
}

absl::StatusOr<admin::StatusReply> AdminClient::status() {
  grpc::ClientContext context;
  set_deadline(context, kAnswerWait);
  admin::StatusReply reply;
  VIC_RETURN_IF_ERROR(to_absl(stub_->Status(&context, {}, &reply)));
  return reply;
}

absl::StatusOr<std::string> AdminClient::metrics() {
  grpc::ClientContext context;
  set_deadline(context, kAnswerWait);
  admin::TextReply reply;
  VIC_RETURN_IF_ERROR(to_absl(stub_->Metrics(&context, {}, &reply)));
  return reply.text();
}

absl::StatusOr<admin::TrafficReply> AdminClient::traffic() {
  grpc::ClientContext context;
  set_deadline(context, kAnswerWait);
  admin::TrafficReply reply;
  VIC_RETURN_IF_ERROR(to_absl(stub_->Traffic(&context, {}, &reply)));
  return reply;
}

absl::StatusOr<std::string> AdminClient::explain(const admin::ExplainRequest& request) {
  grpc::ClientContext context;
  set_deadline(context, kAnswerWait);
  admin::TextReply reply;
  VIC_RETURN_IF_ERROR(to_absl(stub_->Explain(&context, request, &reply)));
  return reply.text();
}

absl::StatusOr<std::string> AdminClient::endpoints(const admin::ExplainRequest& request) {
  grpc::ClientContext context;
  set_deadline(context, kAnswerWait);
  admin::TextReply reply;
  VIC_RETURN_IF_ERROR(to_absl(stub_->Endpoints(&context, request, &reply)));
  return reply.text();
}

absl::Status AdminClient::services(const std::function<void(const admin::ServicesReply&)>& part) {
  grpc::ClientContext context;
  set_deadline(context, kStreamWait);
  const auto reader = stub_->Services(&context, {});
  admin::ServicesReply reply;
  while (reader->Read(&reply)) part(reply);
  return to_absl(reader->Finish());
}

absl::Status AdminClient::policies(const std::function<void(const admin::PoliciesReply&)>& part) {
  grpc::ClientContext context;
  set_deadline(context, kStreamWait);
  const auto reader = stub_->Policies(&context, {});
  admin::PoliciesReply reply;
  while (reader->Read(&reply)) part(reply);
  return to_absl(reader->Finish());
}

absl::Status AdminClient::trace(const admin::TraceRequest& request,
                                const std::function<void()>& began,
                                const std::function<Go(const admin::TraceReply&)>& part,
                                std::chrono::system_clock::time_point until) {
  grpc::ClientContext context;
  context.set_deadline(until);
  const auto reader = stub_->Trace(&context, request);
  reader->WaitForInitialMetadata();
  began();
  admin::TraceReply reply;
  bool stopped = false;
  while (!stopped && reader->Read(&reply)) stopped = part(reply) == Go::kStop;
  if (stopped) context.TryCancel();
  absl::Status status = to_absl(reader->Finish());
  // The end that was asked for.
  if (stopped || absl::IsDeadlineExceeded(status)) return absl::OkStatus();
  return status;
}

absl::Status AdminClient::explanations(
    const std::function<void(const admin::ExplanationsReply&)>& part) {
  grpc::ClientContext context;
  set_deadline(context, kStreamWait);
  const auto reader = stub_->Explanations(&context, {});
  admin::ExplanationsReply reply;
  while (reader->Read(&reply)) part(reply);
  return to_absl(reader->Finish());
}

absl::Status AdminClient::dump(admin::DumpRequest::Stage stage,
                               const std::function<void(std::string_view)>& part) {
  grpc::ClientContext context;
  set_deadline(context, kStreamWait);
  admin::DumpRequest request;
  request.set_stage(stage);
  const auto reader = stub_->Dump(&context, request);
  admin::TextReply reply;
  while (reader->Read(&reply)) part(reply.text());
  return to_absl(reader->Finish());
}

}  // namespace vicinity::ctl
