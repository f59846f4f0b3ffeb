#include "bench/feed/server.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <fmt/format.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>

#include <utility>

#include "base/status.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

constexpr char kTypeUrl[] = "type.googleapis.com/istio.workload.Address";
enum Field : uint8_t { kResources = 2, kType = 4, kNonce = 5, kRemoved = 6 };

void append_varint(std::string& to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<char>(value | 0x80));
  to.push_back(static_cast<char>(value));
}

void append_field(std::string& to, Field field, std::string_view bytes) {
  append_varint(to, uint64_t{field} << 3 | 2);
  append_varint(to, bytes.size());
  to.append(bytes);
}

FeedServer::Request parse(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (buffer.Dump(&slices).ok()) {
    for (const auto& slice : slices)
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  FeedServer::Request request;
  if (!request.ParseFromString(bytes)) request.set_response_nonce("unreadable");
  return request;
}

}  // namespace

std::string encode_response(const std::vector<std::string>& resources,
                            const std::vector<std::string>& removed, uint64_t nonce) {
  size_t size = 100;
  for (const auto& resource : resources) size += resource.size() + 6;
  std::string bytes;
  bytes.reserve(size);
  for (const auto& resource : resources) append_field(bytes, kResources, resource);
  for (const auto& name : removed) append_field(bytes, kRemoved, name);
  append_field(bytes, kType, kTypeUrl);
  append_field(bytes, kNonce, absl::StrCat(nonce));
  return bytes;
}

// Deletes itself when gRPC is done with it. Its queue is guarded by the server's mutex.
class FeedServer::Stream final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Stream(FeedServer& owner) : owner_(owner) { StartRead(&read_); }

  void OnReadDone(bool ok) override {
    if (!ok) return finish(grpc::Status::OK);
    Request request = parse(read_);
    if (std::exchange(first_, false)) {
      absl::MutexLock lock(&owner_.mutex_);
      owner_.stream_ = this;
      owner_.firsts_.push_back(std::move(request));
    } else {
      owner_.answered(request);
    }
    StartRead(&read_);
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&owner_.mutex_);
    queue_.pop_front();
    if (ok && !queue_.empty()) StartWrite(&queue_.front());
  }

  void OnCancel() override { finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }

  // Under the owner's lock.
  void push(grpc::ByteBuffer response) {
    queue_.push_back(std::move(response));
    if (queue_.size() == 1) StartWrite(&queue_.front());
  }

  void finish(const grpc::Status& status) {
    {
      absl::MutexLock lock(&owner_.mutex_);
      if (std::exchange(over_, true)) return;
      if (owner_.stream_ == this) owner_.stream_ = nullptr;
    }
    Finish(status);
  }

 private:
  FeedServer& owner_;
  grpc::ByteBuffer read_;
  std::deque<grpc::ByteBuffer> queue_;
  bool first_ = true;
  bool over_ = false;
};

absl::StatusOr<std::unique_ptr<FeedServer>> FeedServer::start(int port) {
  auto self = std::make_unique<FeedServer>();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(fmt::format("127.0.0.1:{}", port), grpc::InsecureServerCredentials(),
                           &self->port_);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterCallbackGenericService(self.get());
  self->server_ = builder.BuildAndStart();
  if (self->server_ == nullptr) return base::internal("feed server: cannot listen");
  return self;
}

FeedServer::~FeedServer() { server_->Shutdown(std::chrono::system_clock::now()); }

grpc::ServerGenericBidiReactor* FeedServer::CreateReactor(
    grpc::GenericCallbackServerContext* /*context*/) {
  return new Stream(*this);
}

absl::StatusOr<FeedServer::Request> FeedServer::wait_stream(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto here = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !firsts_.empty(); };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&here), timeout))
    return base::internal("feed server: no client");
  Request request = std::move(firsts_.front());
  firsts_.pop_front();
  return request;
}

void FeedServer::send(const std::string& response) {
  grpc::Slice slice(response);
  grpc::ByteBuffer buffer(&slice, 1);
  absl::MutexLock lock(&mutex_);
  times_.push_back({.sent = testing::monotonic_ns()});
  ++unanswered_;
  if (stream_ != nullptr) stream_->push(std::move(buffer));
}

uint64_t FeedServer::next_nonce() const {
  absl::MutexLock lock(&mutex_);
  return times_.size();
}

void FeedServer::answered(const Request& request) {
  const int64_t now = testing::monotonic_ns();
  uint64_t nonce = 0;
  absl::MutexLock lock(&mutex_);
  if (!absl::SimpleAtoi(request.response_nonce(), &nonce) || nonce >= times_.size()) return;
  if (std::exchange(times_[nonce].answered, now) == 0) --unanswered_;
  if (request.has_error_detail()) ++refused_;
}

absl::Status FeedServer::wait_answers(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const auto all = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return unanswered_ == 0; };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&all), timeout))
    return base::internal("feed server: {} responses were not answered", unanswered_);
  if (refused_ > 0) return base::internal("feed server: {} responses were refused", refused_);
  return absl::OkStatus();
}

int64_t FeedServer::sent_ns(uint64_t nonce) const {
  absl::MutexLock lock(&mutex_);
  return times_[nonce].sent;
}

int64_t FeedServer::answered_ns(uint64_t nonce) const {
  absl::MutexLock lock(&mutex_);
  return times_[nonce].answered;
}

void FeedServer::end_stream() {
  Stream* stream = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    stream = stream_;
  }
  if (stream != nullptr) stream->finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "next"));
}

}  // namespace vicinity::bench
