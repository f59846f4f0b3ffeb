#include "devcp/dev_stream.h"

#include <utility>

namespace vicinity::devcp {

DevControlPlane::Stream::Stream(DevControlPlane& owner, grpc::CallbackServerContext& context)
    : owner_(owner) {
  status_->peer = context.peer();
  const auto& metadata = context.client_metadata();
  if (const auto found = metadata.find("authorization"); found != metadata.end()) {
    status_->authorization.assign(found->second.data(), found->second.size());
  }
}

void DevControlPlane::Stream::begin_reading() { StartRead(&request_); }

void DevControlPlane::Stream::push(Response response) {
  queue_.push_back(std::move(response));
  if (queue_.size() == 1) StartWrite(&queue_.front());
}

void DevControlPlane::Stream::pop() {
  queue_.pop_front();
  if (!queue_.empty() && !over_) StartWrite(&queue_.front());
}

void DevControlPlane::Stream::end(const grpc::Status& status) {
  if (std::exchange(over_, true)) return;
  status_->open = false;
  Finish(status);
}

void DevControlPlane::Stream::OnReadDone(bool ok) {
  if (ok) {
    owner_.handle(*this, request_);
  } else {
    owner_.ended(*this);
  }
}

void DevControlPlane::Stream::OnWriteDone(bool ok) {
  if (ok) {
    owner_.written(*this);
  } else {
    owner_.ended(*this);
  }
}

void DevControlPlane::Stream::OnCancel() { owner_.ended(*this); }

void DevControlPlane::Stream::OnDone() { delete this; }

}  // namespace vicinity::devcp
