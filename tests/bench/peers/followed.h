// A generated mesh, the server that feeds it, and the vicinityd that follows it: loaded once, then
// changed piece by piece while its cgroup's clients connect. Main thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/client.h"
#include "bench/feed/daemon.h"
#include "bench/feed/load.h"
#include "bench/feed/server.h"
#include "bench/workspace.h"

namespace vicinity::bench {

class Followed {
 public:
  // When its tables are in the kernel.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Followed>> make(const LoadSpec& spec,
                                                                      const Workspace& workspace);

  [[nodiscard]] Load& load() { return load_; }
  [[nodiscard]] const LoadSpec& spec() const { return spec_; }
  // Of vicinityd, without the maps that it has mapped, when it has come to rest.
  [[nodiscard]] uint64_t settled_bytes() const;

  // One response; how long it took from handing it to gRPC until its tables were there, known by an
  // answer. Removals by name.
  [[nodiscard]] absl::StatusOr<int64_t> change(const std::vector<uint32_t>& resources,
                                               const std::vector<std::string>& removed = {});
  // A client in the cgroup of the daemon, to whom every workload is local.
  [[nodiscard]] absl::StatusOr<Client> client();

 private:
  explicit Followed(const LoadSpec& spec) : spec_(spec), load_(spec) {}
  void send(const std::vector<uint32_t>& resources, const std::vector<std::string>& removed);

  LoadSpec spec_;
  Load load_;
  std::optional<testing::Netns> netns_;
  std::optional<testing::Netns> client_netns_;
  std::unique_ptr<FeedServer> server_;
  std::optional<Daemon> daemon_;
};

}  // namespace vicinity::bench
