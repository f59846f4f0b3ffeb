// Serves the page that shows this node, over HTTP. Owned by the app; requests run on its own
// threads. It reads only: nothing can be changed through it.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

namespace grpc {
class Channel;
}  // namespace grpc

namespace vicinity::ui {

struct ServerOptions {
  std::string address;  // HOST:PORT
  std::string host;     // its host, without brackets
};

class Server {
 public:
  // Listens until destroyed. `channel` leads to this process's admin server, which outlives it.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Server>> start(
      const ServerOptions& options, std::shared_ptr<grpc::Channel> channel);
  virtual ~Server() = default;
};

}  // namespace vicinity::ui
