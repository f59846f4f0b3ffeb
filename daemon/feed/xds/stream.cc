#include "feed/xds/stream.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/client_callback.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "base/status.h"
#include "base/steady_time.h"

namespace vicinity::feed::xds {
namespace {

constexpr absl::Duration kKeepaliveFloor = absl::Seconds(30);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(20);
constexpr int kWindow = 8 << 20;  // bytes under way
constexpr absl::Duration kConnectTimeout = absl::Seconds(20);

grpc::ByteBuffer to_buffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

// The chunks point into the slices, which share gRPC's memory.
Payload to_payload(const grpc::ByteBuffer& buffer) {
  auto slices = std::make_shared<std::vector<grpc::Slice>>();
  Payload payload;
  if (!buffer.Dump(slices.get()).ok()) return payload;
  payload.size = buffer.Length();
  for (const grpc::Slice& slice : *slices) {
    payload.chunks.emplace_back(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  payload.owner = std::move(slices);
  return payload;
}

struct Limits {
  size_t request_bytes = 0;  // size of the first request
  int receive_bytes = 0;
};

// gRPC gives one code to "your message is over my limit" and "a message was over your limit", so
// the sizes in its text, "(SIZE vs. LIMIT)", must tell: neither our request's size nor another
// limit than ours.
bool is_oversized(const grpc::Status& status, const Limits& limits) {
  const std::string& text = status.error_message();
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
         text.ends_with(fmt::format(" vs. {})", limits.receive_bytes)) &&
         text.find(fmt::format("({} vs.", limits.request_bytes)) == std::string::npos;
}

StreamEnd to_end(const grpc::Status& status, const Limits& limits) {
  return {.status = {static_cast<absl::StatusCode>(status.error_code()), status.error_message()},
          .oversized = is_oversized(status, limits)};
}

struct Call {
  std::shared_ptr<grpc::Channel> channel;
  std::vector<std::pair<std::string, std::string>> metadata;
  int max_receive_bytes = 0;
};

// gRPC tells only its callback API whether a server accepted a call or refused it at once.
class RefusedAtOnce final : public grpc::internal::ClientReactor {
 public:
  [[nodiscard]] bool operator()(grpc::ClientContext& context) const {
    return InternalTrailersOnly(context.c_call());
  }

 private:
  void OnDone(const grpc::Status& /*status*/) override {}
};

// One call and the thread that waits for its events. The thread reads the socket itself: gRPC's
// callback API would hand each message through three threads, which for up to 100 ms may both be
// asleep that take turns to look. The feed's thread and the control thread meet under mutex_. The
// first failed read ends the call.
class GrpcStream final : public Stream {
 public:
  GrpcStream(Call call, const std::string& first_request, StreamEvents& events)
      : channel_(std::move(call.channel)),
        events_(events),
        limits_{.request_bytes = first_request.size(), .receive_bytes = call.max_receive_bytes} {
    for (const auto& [key, value] : call.metadata) context_.AddMetadata(key, value);
    // The call begins with its first request, and an operation less.
    context_.set_initial_metadata_corked(true);
    grpc::GenericStub stub(channel_);
    call_ = stub.PrepareCall(&context_, std::string(kDeltaMethod), &queue_);
    call_->StartCall(nullptr);
    send(first_request);
    call_->ReadInitialMetadata(&accepting_);
    thread_ = std::thread([this] { run(); });
  }

  ~GrpcStream() override {
    context_.TryCancel();
    {
      const absl::MutexLock lock(&mutex_);
      wanted_ = false;
      if (accepted_) finish();
    }
    thread_.join();
  }

  GrpcStream(const GrpcStream&) = delete;
  GrpcStream& operator=(const GrpcStream&) = delete;

  void send(std::string request) override {
    const absl::MutexLock lock(&mutex_);
    requests_.push_back(to_buffer(request));
    if (requests_.size() == 1) write_next();
  }

  void read() override {
    const absl::MutexLock lock(&mutex_);
    if (++reads_ == 1) read_next();
  }

 private:
  // What follows an operation; its address is the operation's tag.
  struct Step {
    void (GrpcStream::*done)(bool ok);
  };

  void run() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) (this->*static_cast<const Step*>(tag)->done)(ok);
  }

  // No read and no end may be asked for before.
  void on_accept(bool ok) {
    if (ok && !RefusedAtOnce()(context_)) events_.on_connected();
    const absl::MutexLock lock(&mutex_);
    accepted_ = true;
    if (!ok || !wanted_) return finish();
    if (reads_ > 0) read_next();
  }

  void on_read(bool ok) {
    if (ok) events_.on_message(to_payload(response_), base::steady_now());
    const absl::MutexLock lock(&mutex_);
    if (!ok) return finish();
    response_.Clear();
    if (--reads_ > 0) read_next();
  }

  // A failed write means that the call is over, which the read learns, too.
  void on_write(bool ok) {
    const absl::MutexLock lock(&mutex_);
    requests_.pop_front();
    if (ok && !requests_.empty()) write_next();
  }

  void on_finish(bool /*ok*/) {
    events_.on_end(to_end(status_, limits_));
    queue_.Shutdown();
  }

  void write_next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!finishing_) call_->Write(requests_.front(), &writing_);
  }

  void read_next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (accepted_ && !finishing_) call_->Read(&response_, &reading_);
  }

  void finish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!std::exchange(finishing_, true)) call_->Finish(&status_, &ending_);
  }

  const std::shared_ptr<grpc::Channel> channel_;
  StreamEvents& events_;
  const Limits limits_;
  Step accepting_{&GrpcStream::on_accept};
  Step reading_{&GrpcStream::on_read};
  Step writing_{&GrpcStream::on_write};
  Step ending_{&GrpcStream::on_finish};
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  grpc::ByteBuffer response_;  // of the read under way
  grpc::Status status_;        // of the end under way
  absl::Mutex mutex_;
  // In the context's memory.
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_ ABSL_GUARDED_BY(mutex_);
  std::deque<grpc::ByteBuffer> requests_ ABSL_GUARDED_BY(mutex_);  // the first is being written
  int reads_ ABSL_GUARDED_BY(mutex_) = 0;                          // asked for and not yet done
  bool accepted_ ABSL_GUARDED_BY(mutex_) = false;                  // or refused: it is known which
  bool wanted_ ABSL_GUARDED_BY(mutex_) = true;
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// An attempt that failed before there was a call.
class FailedStream final : public Stream {
 public:
  FailedStream(absl::Status status, StreamEvents& events) {
    events.on_end({.status = std::move(status)});
  }
  void send(std::string /*request*/) override {}
  void read() override {}
};

absl::StatusOr<std::string> read_file(std::string_view what, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return absl::FailedPreconditionError(fmt::format("{} {}: cannot be read", what, path));
  }
  if (text.empty()) {
    return absl::FailedPreconditionError(fmt::format("{} {}: is empty", what, path));
  }
  return text;
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// gRPC's own lines belong into our log, and its errors reach the status by another way.
void log_line(gpr_log_func_args* line) {
  spdlog::debug("grpc: {}:{}: {}", line->file, line->line, line->message);
}

class GrpcTransport final : public Transport {
 public:
  explicit GrpcTransport(const XdsOptions& options) : options_(options) {
    gpr_set_log_function(log_line);
    grpc_init();
  }
  ~GrpcTransport() override { grpc_shutdown(); }
  GrpcTransport(const GrpcTransport&) = delete;
  GrpcTransport& operator=(const GrpcTransport&) = delete;

  std::unique_ptr<Stream> open(const std::string& first_request, StreamEvents& events) override {
    absl::StatusOr<Call> call = prepare();
    if (!call.ok()) return std::make_unique<FailedStream>(call.status(), events);
    return std::make_unique<GrpcStream>(*std::move(call), first_request, events);
  }

 private:
  [[nodiscard]] absl::StatusOr<Call> prepare() const {
    Call call{.channel = nullptr,
              .metadata = {{"clusterid", options_.node.cluster_id}},
              .max_receive_bytes = options_.max_receive_bytes};
    std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
    if (options_.auth == Auth::kTls) {
      VIC_RETURN_IF_ERROR(add_token(call));
      VIC_ASSIGN_OR_RETURN(credentials, tls());
    }
    grpc::ChannelArguments arguments;
    for (const auto& [name, value] : channel_settings(options_)) arguments.SetInt(name, value);
    if (!options_.sni.empty()) arguments.SetSslTargetNameOverride(options_.sni);
    call.channel = grpc::CreateCustomChannel(options_.address, credentials, arguments);
    return call;
  }

  [[nodiscard]] absl::Status add_token(Call& call) const {
    if (options_.token_path.empty()) return absl::OkStatus();
    VIC_ASSIGN_OR_RETURN(const std::string token, read_file("token", options_.token_path));
    call.metadata.emplace_back("authorization", fmt::format("Bearer {}", trim(token)));
    return absl::OkStatus();
  }

  [[nodiscard]] absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> tls() const {
    grpc::SslCredentialsOptions tls;
    if (!options_.root_cert_path.empty()) {
      VIC_ASSIGN_OR_RETURN(tls.pem_root_certs,
                           read_file("root certificate", options_.root_cert_path));
    }
    return grpc::SslCredentials(tls);
  }

  XdsOptions options_;
};

int milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

}  // namespace

std::vector<std::pair<std::string, int>> channel_settings(const XdsOptions& options) {
  return {
      {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, options.max_receive_bytes},
      {GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1},
      {GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(std::max(options.keepalive, kKeepaliveFloor))},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(kKeepaliveTimeout)},
      // Enough for any link: gRPC would find out with a ping to the server for every message.
      {GRPC_ARG_HTTP2_BDP_PROBE, 0},
      {GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kWindow},
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 0},
      {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0},
      // A channel is one attempt: it shares no connection, retries nothing, asks no proxy.
      {GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1},
      {GRPC_ARG_ENABLE_RETRIES, 0},
      {GRPC_ARG_ENABLE_HTTP_PROXY, 0},
      {GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1},
      // Also the time one address has to accept the connection.
      {GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, milliseconds(kConnectTimeout)},
  };
}

std::unique_ptr<Transport> make_grpc_transport(const XdsOptions& options) {
  return std::make_unique<GrpcTransport>(options);
}

}  // namespace vicinity::feed::xds
