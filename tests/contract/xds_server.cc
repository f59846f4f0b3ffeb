#include "xds_server.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>

#if __has_feature(address_sanitizer)
// Debian's c-ares 1.18 leaks ten bytes for each name it finds in /etc/hosts.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
const char* __lsan_default_suppressions() {            // NOLINT(bugprone-reserved-identifier)
  return "leak:libcares";
}
#endif

namespace vicinity::feed::xds {

// Deletes itself when the call is over. Its state is guarded by the server's mutex.
class TestServer::Stream final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  explicit Stream(TestServer& server) : server_(server) {}

  void begin(const grpc::Status& refusal) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (!refusal.ok()) return finish(refusal);
    server_.stream_ = this;
    StartRead(&request_);
    write_next();
  }

  void write_next() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (writing_ || finished_ || server_.unsent_.empty()) return;
    writing_ = true;
    response_ = server_.unsent_.front();
    server_.unsent_.pop_front();
    StartWrite(&response_);
  }

  void finish(const grpc::Status& status) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (server_.stream_ == this) server_.stream_ = nullptr;
    if (finished_) return;
    finished_ = true;
    Finish(status);
  }

 private:
  void OnReadDone(bool ok) override {
    const absl::MutexLock lock(&server_.mutex_);
    if (!ok) return finish(grpc::Status::OK);
    server_.requests_.push_back(request_);
    StartRead(&request_);
  }

  void OnWriteDone(bool ok) override {
    const absl::MutexLock lock(&server_.mutex_);
    writing_ = false;
    if (ok) write_next();
  }

  void OnCancel() override {
    const absl::MutexLock lock(&server_.mutex_);
    finish(grpc::Status::CANCELLED);
  }

  void OnDone() override { delete this; }

  TestServer& server_;
  Request request_;
  Response response_;
  bool writing_ = false;
  bool finished_ = false;
};

TestServer::TestServer() : TestServer(Settings()) {}

TestServer::TestServer(const Settings& settings) {
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (!settings.certificate.empty()) {
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({settings.key, settings.certificate});
    credentials = grpc::SslServerCredentials(tls);
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort(settings.listen, credentials, &port_);
  builder.SetMaxReceiveMessageSize(settings.max_receive_bytes);
  builder.SetMaxSendMessageSize(-1);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

TestServer::~TestServer() {
  if (server_) server_->Shutdown(std::chrono::system_clock::now());
}

void TestServer::refuse_with(const grpc::Status& status) {
  const absl::MutexLock lock(&mutex_);
  refusal_ = status;
}

void TestServer::send(const Response& response) {
  const absl::MutexLock lock(&mutex_);
  unsent_.push_back(response);
  if (stream_ != nullptr) stream_->write_next();
}

void TestServer::end_stream(const grpc::Status& status) {
  const absl::MutexLock lock(&mutex_);
  if (stream_ != nullptr) stream_->finish(status);
}

int TestServer::streams() const {
  const absl::MutexLock lock(&mutex_);
  return streams_;
}

std::vector<TestServer::Request> TestServer::requests() const {
  const absl::MutexLock lock(&mutex_);
  return requests_;
}

std::string TestServer::metadata(const std::string& key) const {
  const absl::MutexLock lock(&mutex_);
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? std::string() : found->second;
}

grpc::ServerBidiReactor<TestServer::Request, TestServer::Response>*
TestServer::DeltaAggregatedResources(grpc::CallbackServerContext* context) {
  const absl::MutexLock lock(&mutex_);
  ++streams_;
  requests_.clear();
  metadata_.clear();
  for (const auto& [key, value] : context->client_metadata()) {
    metadata_.emplace(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
  }
  auto* stream = new Stream(*this);
  stream->begin(refusal_);
  return stream;
}

}  // namespace vicinity::feed::xds
