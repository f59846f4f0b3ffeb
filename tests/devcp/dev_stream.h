// One delta ADS stream of the dev control plane. Deletes itself when gRPC is done with it; its
// state is guarded by the control plane's lock.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>
#include <string>

#include "devcp/dev_control_plane.h"

namespace vicinity::devcp {

class DevControlPlane::Stream final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  Stream(DevControlPlane& owner, grpc::CallbackServerContext& context);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // Under the owner's lock, all of these.
  void begin_reading();
  void push(Response response);
  void pop();
  void end(const grpc::Status& status);
  [[nodiscard]] bool over() const { return over_; }

  StreamStatus& status() { return *status_; }
  std::shared_ptr<StreamStatus> shared_status() { return status_; }
  Subscription& subscription() { return subscription_; }
  bool subscribed = false;

 private:
  DevControlPlane& owner_;
  std::shared_ptr<StreamStatus> status_ = std::make_shared<StreamStatus>();
  Subscription subscription_;
  Request request_;
  std::deque<Response> queue_;  // the first one is being written
  bool over_ = false;
};

}  // namespace vicinity::devcp
