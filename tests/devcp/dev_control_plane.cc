#include "devcp/dev_control_plane.h"

#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/status.h"
#include "devcp/dev_stream.h"
#include "model/ip_address.h"
#include "proto/ads.grpc.pb.h"

namespace vicinity::devcp {
namespace {

// istiod's own limit for requests, and the fastest keepalive it puts up with.
constexpr int kMaxRequestBytes = 4 * 1024 * 1024;
constexpr int kMinPingIntervalMs = 15'000;

absl::StatusOr<std::string> read_pem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::errno_status(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> make_credentials(
    const DevOptions& options) {
  if (options.tls_cert.empty() && options.tls_key.empty()) {
    return grpc::InsecureServerCredentials();
  }
  VIC_ASSIGN_OR_RETURN(const std::string cert, read_pem(options.tls_cert));
  VIC_ASSIGN_OR_RETURN(const std::string key, read_pem(options.tls_key));
  grpc::SslServerCredentialsOptions ssl;
  ssl.pem_key_cert_pairs.push_back({.private_key = key, .cert_chain = cert});
  return grpc::SslServerCredentials(ssl);
}

void note_node(StreamStatus& status, const envoy::config::core::v3::Node& node) {
  status.node_id = node.id();
  for (const auto& [key, value] : node.metadata().fields()) {
    if (value.has_string_value()) status.metadata[key] = value.string_value();
  }
}

}  // namespace

class DevControlPlane::Service final
    : public envoy::service::discovery::v3::AggregatedDiscoveryService::CallbackService {
 public:
  explicit Service(DevControlPlane& owner) : owner_(owner) {}

  grpc::ServerBidiReactor<Request, Response>* DeltaAggregatedResources(
      grpc::CallbackServerContext* context) override {
    auto* stream = new Stream(owner_, *context);  // deletes itself in OnDone
    const absl::MutexLock lock(&owner_.mutex_);
    const grpc::Status verdict = owner_.admit(stream->status().authorization);
    if (!verdict.ok()) {
      stream->end(verdict);
      return stream;
    }
    owner_.streams_.insert(stream);
    owner_.history_.push_back(stream->shared_status());
    stream->begin_reading();
    return stream;
  }

 private:
  DevControlPlane& owner_;
};

DevControlPlane::DevControlPlane(DevOptions options)
    : options_(std::move(options)),
      service_(std::make_unique<Service>(*this)),
      parts_(options_.parts) {}

DevControlPlane::~DevControlPlane() { stop(); }

absl::StatusOr<std::unique_ptr<DevControlPlane>> DevControlPlane::start(DevOptions options) {
  std::unique_ptr<DevControlPlane> plane(new DevControlPlane(std::move(options)));
  VIC_RETURN_IF_ERROR(plane->listen());
  return plane;
}

absl::Status DevControlPlane::listen() {
  VIC_ASSIGN_OR_RETURN(const auto credentials, make_credentials(options_));
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options_.listen, credentials, &port_);
  builder.RegisterService(service_.get());
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMs);
  // A second server on the port would take half of the streams.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    return base::internal("dev control plane: cannot listen on {}", options_.listen);
  }
  address_ = fmt::format("{}:{}", options_.listen.substr(0, options_.listen.rfind(':')), port_);
  return absl::OkStatus();
}

void DevControlPlane::stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void DevControlPlane::set_resources(const std::vector<feed::NamedAddress>& resources) {
  const absl::MutexLock lock(&mutex_);
  if (const auto change = store_.replace(resources)) send_all(*change);
}

void DevControlPlane::play(Response response) {
  const absl::MutexLock lock(&mutex_);
  store_.apply(response);
  send_all(response);
}

void DevControlPlane::apply(const Step& step) {
  if (const auto* state = std::get_if<std::vector<feed::NamedAddress>>(&step.content)) {
    set_resources(*state);
    return;
  }
  for (const Response& message : std::get<std::vector<Response>>(step.content)) play(message);
}

void DevControlPlane::set_faults(Faults faults) {
  const absl::MutexLock lock(&mutex_);
  faults_ = std::move(faults);
}

void DevControlPlane::set_parts(size_t parts) {
  const absl::MutexLock lock(&mutex_);
  parts_ = parts;
}

void DevControlPlane::close_streams(const std::string& message) {
  const grpc::Status status =
      message.empty() ? grpc::Status::OK : grpc::Status(grpc::StatusCode::UNAVAILABLE, message);
  const absl::MutexLock lock(&mutex_);
  for (Stream* stream : streams_) stream->end(status);
  streams_.clear();
}

DevStatus DevControlPlane::status() const {
  const absl::MutexLock lock(&mutex_);
  DevStatus status{.address = address_, .streams = {}, .versions = {}, .denied = denied_};
  for (const auto& each : history_) status.streams.push_back(*each);
  for (const auto& [name, resource] : store_.resources())
    status.versions[name] = resource.version();
  return status;
}

bool DevControlPlane::wait_acked(absl::Duration timeout) const {
  const absl::MutexLock lock(&mutex_);
  const auto done = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return all_answered(); };
  return mutex_.AwaitWithTimeout(absl::Condition(&done), timeout);
}

bool DevControlPlane::wait_open_streams(size_t count, absl::Duration timeout) const {
  const absl::MutexLock lock(&mutex_);
  const auto done = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return count_open() == count; };
  return mutex_.AwaitWithTimeout(absl::Condition(&done), timeout);
}

bool DevControlPlane::wait_nacks(size_t count, absl::Duration timeout) const {
  const absl::MutexLock lock(&mutex_);
  const auto done = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    size_t nacks = 0;
    for (const auto& stream : history_) nacks += stream->nacked.size();
    return nacks >= count;
  };
  return mutex_.AwaitWithTimeout(absl::Condition(&done), timeout);
}

size_t DevControlPlane::count_open() const { return streams_.size(); }

// A stream that has not asked for anything yet has nothing to acknowledge, and is not done either.
bool DevControlPlane::all_answered() const {
  return !streams_.empty() && std::all_of(streams_.begin(), streams_.end(), [](Stream* stream) {
    return stream->subscribed && stream->status().unanswered.empty();
  });
}

grpc::Status DevControlPlane::admit(const std::string& authorization) {
  grpc::Status verdict;
  if (!faults_.deny.empty()) {
    verdict = {grpc::StatusCode::FAILED_PRECONDITION, faults_.deny};
  } else if (!options_.token.empty() && authorization != "Bearer " + options_.token) {
    verdict = {grpc::StatusCode::UNAUTHENTICATED, "authentication failure"};
  }
  if (!verdict.ok()) ++denied_;
  return verdict;
}

void DevControlPlane::handle(Stream& stream, const Request& request) {
  const absl::MutexLock lock(&mutex_);
  if (stream.over()) return;
  StreamStatus& status = stream.status();
  if (++status.requests == 1) {
    note_node(status, request.node());
    if (const auto id = check_node_id(status.node_id); !id.ok()) {
      ++denied_;
      streams_.erase(&stream);
      stream.end({grpc::StatusCode::INVALID_ARGUMENT, std::string(base::message(id))});
      return;
    }
  }
  status.largest_request = std::max<uint64_t>(status.largest_request, request.ByteSizeLong());
  if (!request.response_nonce().empty()) answered(stream, request);
  const bool first = request.response_nonce().empty() && !stream.subscribed;
  if (first || !request.resource_names_subscribe().empty()) subscribe(stream, request);
  stream.begin_reading();
}

// The first request without names, or "*", asks for everything. Types other than workloads exist
// and are empty.
void DevControlPlane::subscribe(Stream& stream, const Request& request) {
  if (request.type_url() != kAddressType) {
    Response none;
    none.set_type_url(request.type_url());
    send(stream, std::move(none));
    return;
  }
  const auto& names = request.resource_names_subscribe();
  const bool all = std::find(names.begin(), names.end(), "*") != names.end();
  Subscription added{.wildcard = all || (names.empty() && !stream.subscribed), .names = {}};
  if (!added.wildcard) added.names.insert(names.begin(), names.end());
  Subscription& subscription = stream.subscription();
  subscription.wildcard = added.wildcard || (stream.subscribed && subscription.wildcard);
  subscription.names.insert(added.names.begin(), added.names.end());
  stream.subscribed = true;
  stream.status().wildcard = subscription.wildcard;
  const auto& versions = request.initial_resource_versions();
  stream.status().initial_versions.insert(versions.begin(), versions.end());
  for (Response& part : store_.difference(versions, added, parts_)) send(stream, std::move(part));
}

void DevControlPlane::answered(Stream& stream, const Request& request) {
  StreamStatus& status = stream.status();
  const std::string& nonce = request.response_nonce();
  if (status.unanswered.erase(nonce) == 0) {
    status.unknown.push_back(nonce);
  } else if (request.has_error_detail()) {
    status.nacked.push_back({.nonce = nonce, .message = request.error_detail().message()});
  } else {
    status.acked.push_back(nonce);
  }
}

void DevControlPlane::written(Stream& stream) {
  const absl::MutexLock lock(&mutex_);
  stream.pop();
}

void DevControlPlane::ended(Stream& stream) {
  const absl::MutexLock lock(&mutex_);
  streams_.erase(&stream);
  stream.end(grpc::Status::OK);
}

void DevControlPlane::send(Stream& stream, Response response) {
  response.set_nonce(fmt::format("{:08x}", next_nonce_++));
  ++stream.status().sent;
  stream.status().unanswered.insert(response.nonce());
  stream.push(std::move(response));
}

void DevControlPlane::send_all(const Response& response) {
  for (Stream* stream : streams_) {
    if (!stream->subscribed) continue;
    Response part = filtered(response, stream->subscription());
    if (!part.resources().empty() || !part.removed_resources().empty()) {
      send(*stream, std::move(part));
    }
  }
}

absl::Status check_node_id(std::string_view id) {
  std::vector<std::string_view> parts;
  for (std::string_view rest = id;;) {
    const size_t tilde = rest.find('~');
    parts.push_back(rest.substr(0, tilde));
    if (tilde == std::string_view::npos) break;
    rest.remove_prefix(tilde + 1);
  }
  if (parts.size() != 4) return base::invalid("missing parts in the service node \"{}\"", id);
  if (!model::IpAddress::parse(parts[1]).ok()) {
    return base::invalid("invalid IP address \"{}\" in the service node \"{}\"", parts[1], id);
  }
  return absl::OkStatus();
}

}  // namespace vicinity::devcp
