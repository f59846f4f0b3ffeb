// Shows that connects of this node are really translated: a child in a cgroup beside ours connects
// to an address that nothing serves and that the hooks turn into a listener of ours. A hook on the
// wrong cgroup does nothing and says nothing. On a thread of its own.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "telemetry/published.h"

namespace vicinity {

class ReadinessProbe {
 public:
  static constexpr absl::Duration kRetry = absl::Seconds(2);    // until one was translated
  static constexpr absl::Duration kRepeat = absl::Seconds(60);  // from then on

  // Listens on loopback; start() begins to probe. `cgroup` is where the hooks are to be.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<ReadinessProbe>> open(std::string cgroup);
  ReadinessProbe(const ReadinessProbe&) = delete;
  ReadinessProbe& operator=(const ReadinessProbe&) = delete;
  ~ReadinessProbe();

  // Where the hooks send VIC_PROBE_ADDRESS, VIC_PROBE_PORT to.
  [[nodiscard]] uint16_t port() const { return port_; }
  void start();
  // One probe, now.
  [[nodiscard]] telemetry::ProbeInfo probe() const;
  // The last result. Any thread.
  [[nodiscard]] telemetry::ProbeInfo last() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  ReadinessProbe(std::string cgroup, base::UniqueFd listener, uint16_t port);
  void run() ABSL_LOCKS_EXCLUDED(mutex_);

  std::string cgroup_;
  base::UniqueFd listener_;
  uint16_t port_;
  mutable absl::Mutex mutex_;
  telemetry::ProbeInfo last_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace vicinity
