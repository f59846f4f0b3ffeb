// The other machine of a benchmark: answers every SYN that comes through a tun device, so that a
// connect has one end on this kernel only. It has no sockets; whatever else it is sent it drops.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <thread>

#include "base/unique_fd.h"
#include "support/netns.h"

namespace vicinity::bench {

class FarHost {
 public:
  // In a namespace of its own, in which every endpoint address is routed to it.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<FarHost>> start();
  FarHost(const FarHost&) = delete;
  FarHost& operator=(const FarHost&) = delete;
  ~FarHost();

  [[nodiscard]] const testing::Netns& netns() const { return netns_; }

 private:
  FarHost(testing::Netns netns, base::UniqueFd device, base::UniqueFd end);
  void answer();

  testing::Netns netns_;
  base::UniqueFd device_;
  base::UniqueFd end_;  // readable: no more
  std::thread thread_;
};

}  // namespace vicinity::bench
