#include "feed/xds/xds_feed.h"

#include <malloc.h>

#include <memory>
#include <random>
#include <utility>

#include "base/status.h"
#include "feed/xds/stream.h"
#include "model/ip_address.h"

namespace vicinity::feed::xds {
namespace {

// In bytes.
constexpr size_t kLargeMessage = size_t{4} << 20;
constexpr size_t kManyTables = size_t{64} << 10;

// A large answer comes in many small pieces, which would stay in the allocator's lists for good.
void give_back_memory() { ::malloc_trim(0); }

}  // namespace

size_t XdsFeed::size_of(const Event& event) {
  const auto* message = std::get_if<Message>(&event);
  return message == nullptr ? 0 : message->payload.size;
}

XdsFeed::XdsFeed(XdsOptions options, std::unique_ptr<Transport> transport, Uniform uniform)
    : options_(std::move(options)),
      session_(options_, std::move(uniform)),
      transport_(std::move(transport)) {}

XdsFeed::~XdsFeed() { stop(); }

absl::Status XdsFeed::start(std::function<void()> wake) {
  if (!model::IpAddress::parse(options_.node.pod_ip).ok()) {
    return base::invalid(
        "xds feed: pod address \"{}\" is not an IP address, which the node id needs",
        options_.node.pod_ip);
  }
  if (options_.address.rfind(':') == std::string::npos) {
    return base::invalid("xds feed: address \"{}\" is not HOST:PORT", options_.address);
  }
  inbox_.set_wake(wake);
  running_ = true;
  wake();
  return absl::OkStatus();
}

bool XdsFeed::process(Sink& sink, absl::Time now) {
  if (!running_) return false;
  if (std::optional<Event> event = inbox_.pop()) {
    const size_t size = size_of(*event);
    handle(*std::move(event), sink, now);
    if (size >= kLargeMessage) give_back_memory();
    return true;
  }
  session_.on_tick(sink, now);
  if (session_.connect_due(now)) connect(sink);
  return false;
}

void XdsFeed::stop() {
  running_ = false;
  stream_.reset();
  inbox_.clear();
  session_.stop();
}

void XdsFeed::connect(const Sink& sink) {
  stream_ = transport_->open(session_.open(sink.snapshot()), inbox_);
  for (int i = 0; i < kReadAhead; ++i) stream_->read();
}

void XdsFeed::handle(Event event, Sink& sink, absl::Time now) {
  if (auto* message = std::get_if<Message>(&event)) {
    handle_message(*message, sink, now);
  } else if (const auto* end = std::get_if<StreamEnd>(&event)) {
    stream_.reset();
    session_.on_close(*end, now);
  } else {
    session_.on_connected(now);
  }
}

// The answer says that decoding went well, no more. It takes as long as making a table or two,
// which then are there the earlier; only many tables it does not wait for. Nor does the message
// stay while they are made.
void XdsFeed::handle_message(Message& message, Sink& sink, absl::Time now) {
  const bool answers_first = message.payload.size >= kManyTables;
  std::string answer = session_.on_response(message.payload, sink, now);
  if (answers_first) go_on(std::exchange(answer, {}));
  message.payload = {};
  sink.message_end(message.received);
  if (!answers_first) go_on(std::move(answer));
}

void XdsFeed::go_on(std::string answer) {
  if (!answer.empty()) stream_->send(std::move(answer));
  stream_->read();
}

void XdsFeed::Inbox::on_message(Payload payload, absl::Time received) {
  push(Message{.payload = std::move(payload), .received = received});
}

void XdsFeed::Inbox::push(Event event) {
  {
    absl::MutexLock lock(&mutex_);
    events_.push_back(std::move(event));
  }
  wake_();
}

std::optional<XdsFeed::Event> XdsFeed::Inbox::pop() {
  absl::MutexLock lock(&mutex_);
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void XdsFeed::Inbox::clear() {
  absl::MutexLock lock(&mutex_);
  events_.clear();
}

std::unique_ptr<Feed> make_xds_feed(const XdsOptions& options) {
  auto engine = std::make_shared<std::mt19937_64>(std::random_device()());
  Uniform uniform = [engine] { return std::uniform_real_distribution<double>()(*engine); };
  return std::make_unique<XdsFeed>(options, make_grpc_transport(options), std::move(uniform));
}

}  // namespace vicinity::feed::xds
