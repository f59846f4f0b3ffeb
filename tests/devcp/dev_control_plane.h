// A control plane for tests and the demo: a delta ADS server with istiod's habits that serves what
// it is told to and remembers what its clients answered. All methods from any thread.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>
#include <grpcpp/server.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "devcp/recording.h"
#include "devcp/resource_store.h"

namespace vicinity::devcp {

struct DevOptions {
  std::string listen = "127.0.0.1:0";
  std::string tls_cert;  // PEM files; both or none
  std::string tls_key;
  std::string token;  // when set, only streams with "authorization: Bearer TOKEN" are served
  size_t parts = 1;   // messages per answer to a new stream
};

// How the server treats streams from now on. Misbehaviour of further kinds goes here.
struct Faults {
  std::string deny;  // when set, streams end at once with this message
};

struct Nack {
  std::string nonce;
  std::string message;
};

// One stream, open or ended.
struct StreamStatus {
  std::string peer;
  std::string node_id;
  std::map<std::string, std::string> metadata;  // string members of Node.metadata
  std::string authorization;
  bool open = true;
  bool wildcard = false;
  uint64_t requests = 0;
  uint64_t largest_request = 0;  // bytes
  std::map<std::string, std::string> initial_versions;
  uint64_t sent = 0;                 // responses
  std::set<std::string> unanswered;  // nonces
  std::vector<std::string> acked;    // nonces, in order
  std::vector<Nack> nacked;
  std::vector<std::string> unknown;  // nonces answered that were not waiting
};

struct DevStatus {
  std::string address;
  std::vector<StreamStatus> streams;            // in order of their beginning
  std::map<std::string, std::string> versions;  // of the resources served now
  uint64_t denied = 0;                          // streams refused
  [[nodiscard]] size_t open_streams() const;
  [[nodiscard]] base::Json to_json() const;
};

class DevControlPlane {
 public:
  static absl::StatusOr<std::unique_ptr<DevControlPlane>> start(DevOptions options);
  ~DevControlPlane();
  DevControlPlane(const DevControlPlane&) = delete;
  DevControlPlane& operator=(const DevControlPlane&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::string& address() const { return address_; }  // "127.0.0.1:40123"

  // Makes these the resources; every stream gets the difference in one message.
  void set_resources(const std::vector<feed::NamedAddress>& resources);
  // Sends one message as it is, but for its nonce, and takes its content over.
  void play(Response response);
  void apply(const Step& step);

  void set_faults(Faults faults);
  void set_parts(size_t parts);
  // Ends every open stream; a message makes it an error.
  void close_streams(const std::string& message);

  [[nodiscard]] DevStatus status() const;
  // Until some stream is open and no response of any open one is unanswered.
  bool wait_acked(absl::Duration timeout) const;
  bool wait_open_streams(size_t count, absl::Duration timeout) const;
  bool wait_nacks(size_t count, absl::Duration timeout) const;
  // Ends all streams and the server. Idempotent.
  void stop();

 private:
  class Stream;
  class Service;

  explicit DevControlPlane(DevOptions options);
  absl::Status listen();

  // Called by the streams.
  void handle(Stream& stream, const Request& request) ABSL_LOCKS_EXCLUDED(mutex_);
  void subscribe(Stream& stream, const Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void answered(Stream& stream, const Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void written(Stream& stream) ABSL_LOCKS_EXCLUDED(mutex_);
  void ended(Stream& stream) ABSL_LOCKS_EXCLUDED(mutex_);
  void send(Stream& stream, Response response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void send_all(const Response& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  grpc::Status admit(const std::string& authorization) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] size_t count_open() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] bool all_answered() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const DevOptions options_;
  int port_ = 0;
  std::string address_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;

  mutable absl::Mutex mutex_;
  ResourceStore store_ ABSL_GUARDED_BY(mutex_);
  Faults faults_ ABSL_GUARDED_BY(mutex_);
  size_t parts_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_nonce_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t denied_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<Stream*> streams_ ABSL_GUARDED_BY(mutex_);  // open ones
  std::vector<std::shared_ptr<StreamStatus>> history_ ABSL_GUARDED_BY(mutex_);
};

// What istiod says about a node id that is not ROLE~IP~NAME.NAMESPACE~DOMAIN; ok otherwise.
[[nodiscard]] absl::Status check_node_id(std::string_view id);

}  // namespace vicinity::devcp
