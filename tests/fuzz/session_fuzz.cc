// The rules of the ADS conversation against a truthful server, for any list of actions: changes at
// the server, pushes, answers in parts, lost streams, refusals, garbage, time. However it went,
// once the server can answer in peace the model has what the server has: nothing is lost, nothing
// stays.
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "feed/xds/session.h"
#include "fuzz/check.h"
#include "proto/discovery.pb.h"
#include "proto/workload.pb.h"

namespace vicinity::fuzz {
namespace {

using feed::xds::Payload;
using feed::xds::Session;
using Request = envoy::service::discovery::v3::DeltaDiscoveryRequest;
using Response = envoy::service::discovery::v3::DeltaDiscoveryResponse;

constexpr uint8_t kNames = 6;

class ModelSink final : public feed::Sink {
 public:
  model::Symbols& symbols() override { return snapshot_.symbols(); }
  const model::Snapshot& snapshot() const override { return snapshot_; }
  void apply(model::Delta delta) override { snapshot_.apply(std::move(delta)); }
  void reject(feed::ResourceError error) override { check(!error.message.empty(), "says why"); }
  void message_end(absl::Time /*received*/) override {}
  void in_sync() override {}

 private:
  model::Snapshot snapshot_{"n1"};
};

std::string name_of(uint8_t number) { return std::string(1, static_cast<char>('a' + number)); }

istio::workload::Address workload(const std::string& uid, uint64_t version) {
  istio::workload::Address address;
  auto& workload = *address.mutable_workload();
  workload.set_uid(uid);
  workload.set_name(uid);
  workload.set_namespace_("sample");
  workload.set_node("n" + std::to_string(version));
  return address;
}

// What a delta server keeps of one stream: which version of what the client has.
class Server {
 public:
  void set(const std::string& name) { resources_[name] = ++clock_; }
  void erase(const std::string& name) { resources_.erase(name); }

  void open(const std::string& first_request) {
    Request request;
    check(request.ParseFromString(first_request), "a request");
    client_.clear();
    for (const auto& [name, version] : request.initial_resource_versions()) client_[name] = version;
    stream_ = true;
  }
  void close() { stream_ = false; }
  [[nodiscard]] bool open() const { return stream_; }

  // What the client lacks, at most `most` resources; removals with the last part.
  Response push(size_t most) {
    Response response;
    response.set_type_url(std::string(feed::xds::kAddressType));
    response.set_nonce(std::to_string(++nonce_));
    for (const auto& [name, version] : resources_) {
      const std::string text = std::to_string(version);
      if (client_.contains(name) && client_[name] == text) continue;
      if (most-- == 0) return response;
      auto& resource = *response.add_resources();
      resource.set_name(name);
      resource.set_version(text);
      resource.mutable_resource()->PackFrom(workload(name, version));
      client_[name] = text;
    }
    std::erase_if(client_, [&](const auto& entry) {
      if (resources_.contains(entry.first)) return false;
      response.add_removed_resources(entry.first);
      return true;
    });
    return response;
  }
  [[nodiscard]] std::map<std::string, std::string> expected() const {
    std::map<std::string, std::string> nodes;
    for (const auto& [name, version] : resources_) nodes[name] = "n" + std::to_string(version);
    return nodes;
  }

 private:
  std::map<std::string, uint64_t> resources_;
  std::map<std::string, std::string> client_;
  uint64_t clock_ = 0;
  uint64_t nonce_ = 0;
  bool stream_ = false;
};

class Conversation {
 public:
  explicit Conversation(size_t max_request_bytes)
      : session_(options(max_request_bytes), [] { return 0.5; }) {}

  void play(Decisions& input) {
    switch (input.next(9)) {
      case 0:
        return server_.set(name_of(input.next(kNames)));
      case 1:
        return server_.erase(name_of(input.next(kNames)));
      case 2:
        return connect();
      case 3:
        return answer(input.next(4));
      case 4:
        return lose(absl::UnavailableError("gone"));
      case 5:
        return lose(absl::ResourceExhaustedError("too much"));
      case 6:
        return garbage(input);
      case 7:
        return pass(absl::Milliseconds(100) * input.next(200));
      default:
        return repeat();
    }
  }

  // The server answers whole, and time passes until the session believes it.
  void settle() {
    for (int round = 0; round < 3; ++round) {
      pass(absl::Minutes(2));
      connect();
      answer(kNames);
      pass(absl::Minutes(1));
      pass(absl::Minutes(1));
    }
  }
  void check_model() {
    const auto expected = server_.expected();
    std::map<std::string, std::string> actual;
    sink_.snapshot().for_each_workload([&](const model::Workload& one) {
      actual[one.uid] = sink_.snapshot().symbols().name(one.place.node);
    });
    check(actual == expected, "the model has what the server has");
    check(session_.status().state == feed::FeedState::kInSync, "in sync");
  }

 private:
  static feed::xds::XdsOptions options(size_t max_request_bytes) {
    feed::xds::XdsOptions options;
    options.max_request_bytes = max_request_bytes;
    return options;
  }

  void connect() {
    if (server_.open() || !session_.connect_due(now_)) return;
    server_.open(session_.open(sink_.snapshot()));
    session_.on_connected(now_);
  }
  void deliver(const Payload& payload, const std::string& nonce) {
    const std::string reply = session_.on_response(payload, sink_, now_);
    check(reply.empty() == nonce.empty(), "every nonce is answered");
    Request request;
    check(request.ParseFromString(reply), "with a request");
    check(request.response_nonce() == nonce, "with its own nonce");
    session_.on_tick(sink_, now_);
  }
  void answer(size_t most) {
    if (!server_.open()) return;
    last_ = server_.push(most);
    deliver(Payload::of(last_.SerializeAsString(), 5), last_.nonce());
  }
  // The same response, nonce and all: what it says is true as long as the stream lives.
  void repeat() {
    if (server_.open() && !last_.nonce().empty()) {
      deliver(Payload::of(last_.SerializeAsString(), 3), last_.nonce());
      lose(absl::OkStatus());
    }
  }
  void lose(absl::Status status) {
    if (!server_.open()) return;
    server_.close();
    last_.Clear();
    session_.on_close({.status = std::move(status)}, now_);
  }
  // Bytes that are no response; if they are one, they lie, and the stream ends.
  void garbage(Decisions& input) {
    if (!server_.open()) return;
    std::string bytes = "\xff";
    while (input.more() && bytes.size() < 12) bytes += static_cast<char>(input.next(255));
    [[maybe_unused]] const auto ignored = session_.on_response(Payload::of(bytes, 2), sink_, now_);
    session_.on_tick(sink_, now_);
    check(session_.status().nacks > 0, "garbage is refused");
  }
  void pass(absl::Duration duration) {
    now_ += duration;
    session_.on_tick(sink_, now_);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  Server server_;
  ModelSink sink_;
  Session session_;
  Response last_;
};

void converse(const uint8_t* data, size_t size) {
  Decisions input(data, size);
  // A request that has room for all versions, for some, for none.
  constexpr size_t kRequestBytes[] = {1U << 20, 300, 0};
  Conversation conversation(kRequestBytes[input.next(3)]);
  for (int steps = 0; input.more() && steps < 200; ++steps) conversation.play(input);
  conversation.settle();
  conversation.check_model();
}

}  // namespace
}  // namespace vicinity::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vicinity::fuzz::converse(data, size);
  return 0;
}
