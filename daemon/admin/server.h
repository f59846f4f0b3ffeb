// The admin server: gRPC on a unix socket that only its owner may open. Owned by the app; calls
// run on gRPC's threads.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "admin/control_queue.h"
#include "admin/surroundings.h"
#include "telemetry/published.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace vicinity::admin {

class AdminServer {
 public:
  // Makes the socket's folder when it is missing. A socket that nobody listens on is replaced; one
  // that somebody listens on is an error (AlreadyExists). The queue outlives the server.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<AdminServer>> start(
      const std::string& socket_path, ControlQueue& queue, telemetry::StatusSource status,
      Surroundings surroundings = {});
  // Closes the queue, ends running calls and removes the socket.
  virtual ~AdminServer() = default;
  // A channel to this server inside the process. Not to be used after the server.
  [[nodiscard]] virtual std::shared_ptr<grpc::Channel> channel() = 0;
};

}  // namespace vicinity::admin
