// A control plane on loopback that does what a test tells it, one stream at a time: the real gRPC
// server side of the protocol. gRPC's threads and the test's meet under one mutex.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <grpcpp/server.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/ads.grpc.pb.h"

namespace vicinity::feed::xds {

using AdsService = envoy::service::discovery::v3::AggregatedDiscoveryService;

class TestServer final : public AdsService::CallbackService {
 public:
  using Request = envoy::service::discovery::v3::DeltaDiscoveryRequest;
  using Response = envoy::service::discovery::v3::DeltaDiscoveryResponse;

  struct Settings {
    std::string listen = "127.0.0.1:0";
    std::string certificate;  // PEM; empty: plaintext
    std::string key;
    int max_receive_bytes = 4 << 20;
  };

  TestServer();
  explicit TestServer(const Settings& settings);
  ~TestServer() override;
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  // Every stream from now on ends at once with this.
  void refuse_with(const grpc::Status& status);
  void accept() { refuse_with(grpc::Status::OK); }
  // To the stream that is open, or the next one to open.
  void send(const Response& response);
  // Ends the stream that is open.
  void end_stream(const grpc::Status& status);

  [[nodiscard]] int streams() const;
  [[nodiscard]] std::vector<Request> requests() const;  // of the newest stream
  // Of the newest stream; empty if the client sent none under that key.
  [[nodiscard]] std::string metadata(const std::string& key) const;

 private:
  class Stream;
  grpc::ServerBidiReactor<Request, Response>* DeltaAggregatedResources(
      grpc::CallbackServerContext* context) override;

  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  mutable absl::Mutex mutex_;
  grpc::Status refusal_ ABSL_GUARDED_BY(mutex_);
  Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;  // the open one
  std::deque<Response> unsent_ ABSL_GUARDED_BY(mutex_);
  int streams_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  std::multimap<std::string, std::string> metadata_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vicinity::feed::xds
