#include "bench/feed/floor.h"

#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/status.h"
#include "bench/feed/daemon.h"
#include "feed/xds/requests.h"
#include "feed/xds/stream.h"
#include "proto/discovery.pb.h"
#include "proto/workload.pb.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

using namespace std::chrono_literals;
namespace xds = feed::xds;

constexpr absl::Duration kPatience = absl::Minutes(1);
constexpr int kReadAhead = 2;

// Answers at once, on the transport's thread.
class Answerer final : public xds::StreamEvents {
 public:
  void follow(std::unique_ptr<xds::Stream> stream) {
    const absl::MutexLock lock(&mutex_);
    stream_ = std::move(stream);
  }
  void on_connected() override {}
  void on_message(xds::Payload payload, absl::Time /*received*/) override {
    std::string nonce = xds::read_header(payload).nonce;
    payload = {};
    const absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](std::unique_ptr<xds::Stream>* it) { return *it != nullptr; }, &stream_));
    stream_->send(xds::ack_request(nonce));
    stream_->read();
  }
  void on_end(xds::StreamEnd /*end*/) override {}

 private:
  absl::Mutex mutex_;
  std::unique_ptr<xds::Stream> stream_;
};

}  // namespace

int swallow_until_killed(uint32_t port) {
  ::setenv("GRPC_POLL_STRATEGY", "poll", 0);  // as the daemon does
  xds::XdsOptions options;
  options.address = fmt::format("127.0.0.1:{}", port);
  options.auth = xds::Auth::kPlaintext;
  const auto transport = xds::make_grpc_transport(options);
  const model::Snapshot nothing("node-0");
  xds::VersionStore versions;
  Answerer answerer;
  auto stream = transport->open(
      xds::first_request(options.node, nothing, versions, options.max_request_bytes), answerer);
  for (int i = 0; i < kReadAhead; ++i) stream->read();
  answerer.follow(std::move(stream));
  ::poll(nullptr, 0, -1);
  return 0;
}

absl::StatusOr<std::unique_ptr<Swallower>> Swallower::start(const Workspace& workspace,
                                                            const testing::Netns& netns) {
  auto self = std::make_unique<Swallower>();
  VIC_ASSIGN_OR_RETURN(testing::Cgroup cgroup, workspace.make_cgroup("swallower"));
  self->cgroup_.emplace(std::move(cgroup));
  absl::StatusOr<std::unique_ptr<FeedServer>> server =
      testing::run_in(netns, [] { return FeedServer::start(0); });
  VIC_ASSIGN_OR_RETURN(self->server_, std::move(server));
  VIC_ASSIGN_OR_RETURN(testing::Process process,
                       testing::Process::spawn({.argv = {"/proc/self/exe", "--swallow",
                                                         std::to_string(self->server_->port())},
                                                .netns = &netns,
                                                .cgroup = &*self->cgroup_}));
  self->process_ = std::make_unique<testing::Process>(std::move(process));
  VIC_RETURN_IF_ERROR(self->server_->wait_stream(absl::Seconds(30)).status());
  return self;
}

absl::StatusOr<Swallower::Cost> Swallower::take(const std::string& response) {
  const double cpu = cpu_seconds_of(process_->pid());
  const uint64_t nonce = server_->next_nonce();
  server_->send(response);
  VIC_RETURN_IF_ERROR(server_->wait_answers(kPatience));
  return Cost{
      .ms = static_cast<double>(server_->answered_ns(nonce) - server_->sent_ns(nonce)) / 1e6,
      .cpu_s = cpu_seconds_of(process_->pid()) - cpu};
}

absl::Status Swallower::watch_wire() {
  VIC_ASSIGN_OR_RETURN(WireWatch wire, WireWatch::attach(*cgroup_));
  wire_.emplace(std::move(wire));
  return absl::OkStatus();
}

absl::StatusOr<RoundTrip> Swallower::take_empty() {
  const uint64_t nonce = server_->next_nonce();
  wire_->begin();
  server_->send(encode_response({}, {}, nonce));
  VIC_RETURN_IF_ERROR(server_->wait_answers(kPatience));
  if (wire_->left() == 0) return base::internal("no packet was seen of an answer");
  return RoundTrip{.on_wire = wire_->left() - wire_->arrived(),
                   .at_server = server_->answered_ns(nonce) - server_->sent_ns(nonce)};
}

double parse_ms(const std::vector<std::string>& resources) {
  std::vector<char> block(size_t{256} << 10);
  google::protobuf::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  google::protobuf::Arena arena(options);
  envoy::service::discovery::v3::Resource wrapped;
  const int64_t begin = testing::monotonic_ns();
  for (const std::string& resource : resources) {
    arena.Reset();
    auto& address = *google::protobuf::Arena::CreateMessage<istio::workload::Address>(&arena);
    if (!wrapped.ParseFromString(resource) || !address.ParseFromString(wrapped.resource().value()))
      return -1;
  }
  return static_cast<double>(testing::monotonic_ns() - begin) / 1e6;
}

}  // namespace vicinity::bench
