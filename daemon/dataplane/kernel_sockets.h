// The records of translated sockets in this node's kernel: vic_origins and vic_pairs of
// include/vicinity/abi.h. Control thread.
#pragma once

#include <absl/status/statusor.h>
#include <vicinity/abi.h>

#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "dataplane/object.h"
#include "dataplane/sockets.h"
#include "dataplane/terminator.h"

namespace vicinity::dataplane {

class KernelSockets final : public Sockets {
 public:
  // Descriptors of its own: every generation has these maps in common, so it outlives them all.
  // Where a privilege is missing, or the kernel cannot, sockets are not closed: termination().
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<KernelSockets>> open(const Object& object,
                                                                           Terminate terminate);

  [[nodiscard]] absl::StatusOr<std::vector<Origin>> origins() const override;
  [[nodiscard]] RecordUsage usage() const override;
  [[nodiscard]] absl::Status retire(const Origin& origin) override;
  void close(std::vector<Origin> sockets) override;
  [[nodiscard]] TerminationCounts closed() const override;
  [[nodiscard]] std::string termination() const override { return termination_; }

 private:
  void start_terminator(const Object& object, Terminate terminate);

  base::UniqueFd origins_;
  base::UniqueFd pairs_;
  base::UniqueFd retire_;
  std::string termination_ = "none";
  std::unique_ptr<Terminator> terminator_;
};

// Between a record's bytes and its value.
[[nodiscard]] SocketEnd socket_end(const vic_endpoint& endpoint);
[[nodiscard]] vic_endpoint vic_endpoint_of(const SocketEnd& end, Transport transport);

}  // namespace vicinity::dataplane
