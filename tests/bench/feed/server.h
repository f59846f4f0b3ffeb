// Delta ADS for one client at a time, with responses that are bytes already: what a control plane
// costs is not measured. Remembers when each response was handed to gRPC and when its answer came.
// gRPC's threads and the caller's meet under one mutex.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "proto/discovery.pb.h"

namespace vicinity::bench {

// The bytes of one response: resources as Load::resource() has them.
[[nodiscard]] std::string encode_response(const std::vector<std::string>& resources,
                                          const std::vector<std::string>& removed, uint64_t nonce);

class FeedServer final : public grpc::CallbackGenericService {
 public:
  using Request = envoy::service::discovery::v3::DeltaDiscoveryRequest;

  [[nodiscard]] static absl::StatusOr<std::unique_ptr<FeedServer>> start(int port);
  ~FeedServer() override;

  [[nodiscard]] int port() const { return port_; }
  // The first request of the next stream that has not been taken yet.
  [[nodiscard]] absl::StatusOr<Request> wait_stream(absl::Duration timeout);
  // To the open stream. Nonces are 0, 1, ... over the life of the server.
  void send(const std::string& response);
  [[nodiscard]] uint64_t next_nonce() const;
  // Until every response was answered.
  [[nodiscard]] absl::Status wait_answers(absl::Duration timeout);
  // When the response was handed to gRPC, and when its answer came (0: not yet).
  [[nodiscard]] int64_t sent_ns(uint64_t nonce) const;
  [[nodiscard]] int64_t answered_ns(uint64_t nonce) const;
  // Ends the stream: the client comes again.
  void end_stream();

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  class Stream;
  struct Times {
    int64_t sent = 0;
    int64_t answered = 0;
  };

  void answered(const Request& request);

  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  mutable absl::Mutex mutex_;
  Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::deque<Request> firsts_ ABSL_GUARDED_BY(mutex_);
  std::vector<Times> times_ ABSL_GUARDED_BY(mutex_);
  size_t unanswered_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace vicinity::bench
