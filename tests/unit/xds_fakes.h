// What the xDS tests stand on: builders for responses, a sink with a real Snapshot behind it that
// notes what it is told, and a transport without a network.
#pragma once

#include <absl/time/time.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "feed/feed.h"
#include "feed/xds/options.h"
#include "feed/xds/payload.h"
#include "feed/xds/transport.h"
#include "model/snapshot.h"
#include "proto/discovery.pb.h"
#include "proto/workload.pb.h"

namespace vicinity::feed::xds {

using Request = envoy::service::discovery::v3::DeltaDiscoveryRequest;
using Response = envoy::service::discovery::v3::DeltaDiscoveryResponse;

inline istio::workload::Address workload(const std::string& uid, const std::string& node = "n1") {
  istio::workload::Address address;
  auto& workload = *address.mutable_workload();
  workload.set_uid(uid);
  workload.set_name(uid);
  workload.set_namespace_("sample");
  workload.add_addresses(std::string("\x0a\x00\x00\x01", 4));
  workload.set_node(node);
  return address;
}

inline istio::workload::Address service(
    const std::string& hostname,
    const std::vector<istio::workload::LoadBalancing::Scope>& preference = {
        istio::workload::LoadBalancing::REGION}) {
  istio::workload::Address address;
  auto& service = *address.mutable_service();
  service.set_name(hostname);
  service.set_namespace_("sample");
  service.set_hostname(hostname);
  auto& balancing = *service.mutable_load_balancing();
  balancing.set_mode(istio::workload::LoadBalancing::FAILOVER);
  for (const auto scope : preference) balancing.add_routing_preference(scope);
  return address;
}

inline std::string name_of(const istio::workload::Address& address) {
  return address.has_workload()
             ? address.workload().uid()
             : address.service().namespace_() + "/" + address.service().hostname();
}

class ResponseBuilder {
 public:
  explicit ResponseBuilder(const std::string& nonce) {
    response_.set_nonce(nonce);
    response_.set_type_url(std::string(kAddressType));
  }
  ResponseBuilder& add(const istio::workload::Address& address, const std::string& version = "") {
    auto& resource = *response_.add_resources();
    resource.set_name(name_of(address));
    resource.set_version(version);
    resource.mutable_resource()->PackFrom(address);
    return *this;
  }
  ResponseBuilder& remove(const std::string& name) {
    response_.add_removed_resources(name);
    return *this;
  }
  Response& message() { return response_; }
  // In small chunks, so that every reader crosses their borders.
  [[nodiscard]] Payload payload(size_t chunk_size = 7) const {
    return Payload::of(response_.SerializeAsString(), chunk_size);
  }

 private:
  Response response_;
};

inline Request parse_request(const std::string& bytes) {
  Request request;
  EXPECT_TRUE(request.ParseFromString(bytes));
  return request;
}

class FakeSink final : public Sink {
 public:
  model::Symbols& symbols() override { return snapshot_.symbols(); }
  const model::Snapshot& snapshot() const override { return snapshot_; }
  void apply(model::Delta delta) override {
    sizes.push_back(delta.size());
    snapshot_.apply(std::move(delta));
  }
  void reject(ResourceError error) override { rejected.push_back(std::move(error)); }
  void message_end(absl::Time /*received*/) override {
    ++messages;
    log += "end ";
  }
  void in_sync() override { ++syncs; }

  [[nodiscard]] bool has_workload(const std::string& uid) const {
    return snapshot_.find_workload(uid) != nullptr;
  }
  [[nodiscard]] std::string node_of(const std::string& uid) const {
    const model::Workload* found = snapshot_.find_workload(uid);
    return found == nullptr ? "(none)" : std::string(snapshot_.symbols().name(found->place.node));
  }
  [[nodiscard]] const model::Service* find_service(const std::string& key) const {
    const auto id = snapshot_.symbols().find(key);
    return id ? snapshot_.find_service(*id) : nullptr;
  }
  // "a b c": all names, in order.
  [[nodiscard]] std::string names() const {
    std::string text;
    for (const auto key : snapshot_.service_keys()) {
      text += (text.empty() ? "" : " ") + std::string(snapshot_.symbols().name(key));
    }
    for (const auto& uid : snapshot_.workload_uids()) text += (text.empty() ? "" : " ") + uid;
    return text;
  }

  std::vector<size_t> sizes;  // of the deltas
  std::vector<ResourceError> rejected;
  int messages = 0;
  int syncs = 0;
  std::string log;  // "end", and what a test adds

 private:
  model::Snapshot snapshot_{"n1"};
};

// Every attempt is kept; the test plays the server through the newest one.
class FakeTransport final : public Transport {
 public:
  struct Attempt {
    std::vector<std::string> sent;  // the first request first
    int reads = 0;
    bool open = true;
    StreamEvents* events = nullptr;
    FakeSink* sink = nullptr;
  };

  explicit FakeTransport(std::vector<std::shared_ptr<Attempt>>& attempts, FakeSink* sink = nullptr)
      : attempts_(attempts), sink_(sink) {}

  std::unique_ptr<Stream> open(const std::string& first_request, StreamEvents& events) override {
    auto attempt = std::make_shared<Attempt>();
    attempt->sent.push_back(first_request);
    attempt->events = &events;
    attempt->sink = sink_;
    attempts_.push_back(attempt);
    return std::make_unique<FakeStream>(std::move(attempt));
  }

 private:
  class FakeStream final : public Stream {
   public:
    explicit FakeStream(std::shared_ptr<Attempt> attempt) : attempt_(std::move(attempt)) {}
    ~FakeStream() override { attempt_->open = false; }
    FakeStream(const FakeStream&) = delete;
    FakeStream& operator=(const FakeStream&) = delete;
    void send(std::string request) override {
      attempt_->sent.push_back(std::move(request));
      if (attempt_->sink != nullptr) attempt_->sink->log += "sent ";
    }
    void read() override { ++attempt_->reads; }

   private:
    std::shared_ptr<Attempt> attempt_;
  };

  std::vector<std::shared_ptr<Attempt>>& attempts_;
  FakeSink* sink_;
};

inline XdsOptions test_options() {
  XdsOptions options;
  options.node = {.pod_name = "vicinity-x",
                  .pod_namespace = "istio-system",
                  .pod_ip = "10.0.0.9",
                  .node_name = "n1",
                  .cluster_id = "c1",
                  .network = "net1",
                  .mesh_id = "m1",
                  .service_account = "vicinity"};
  return options;
}

}  // namespace vicinity::feed::xds
