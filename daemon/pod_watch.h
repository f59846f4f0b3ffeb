// Looks after the network namespaces of this node, on a thread of its own: which there are, whose
// addresses they have, whether ztunnel or a sidecar has captured them. Enters none of them.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/tasks.h"
#include "model/ip_address.h"

namespace vicinity {

// One network namespace as seen from outside.
struct NetnsView {
  uint64_t cookie = 0;
  bool is_host = false;                     // of the first process there is
  std::vector<model::IpAddress> addresses;  // sorted
  bool captured = false;
  bool operator==(const NetnsView&) const = default;
};
using NetnsViews = std::vector<NetnsView>;  // sorted by cookie

// Reads what there is about the namespaces now. `proc` is /proc. Addresses already known are taken
// from `before`: a pod's do not change while it lives.
[[nodiscard]] NetnsViews look_at(const std::map<uint64_t, uint32_t>& processes,
                                 const std::string& proc, const NetnsViews& before);

class PodWatch {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(1);

  // Returns before it has looked: that takes the longer the more namespaces and connections there
  // are. `wake` is called from the thread whenever something changed.
  PodWatch(dataplane::Tasks tasks, std::function<void()> wake);
  PodWatch(const PodWatch&) = delete;
  PodWatch& operator=(const PodWatch&) = delete;
  ~PodWatch();

  // Never null. Waits for the first look. Any thread.
  [[nodiscard]] std::shared_ptr<const NetnsViews> views() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Does not wait. 0: no process is to be seen.
  [[nodiscard]] uint64_t host_cookie() const { return host_cookie_; }
  // Tasks::keep()
  absl::Status keep(const std::filesystem::path& directory) const { return tasks_.keep(directory); }

 private:
  using Processes = std::map<uint64_t, uint32_t>;
  void run(Processes processes) ABSL_LOCKS_EXCLUDED(mutex_);
  // Empty, and a log line: they are not to be had.
  [[nodiscard]] Processes processes() const ABSL_LOCKS_EXCLUDED(mutex_);
  // True: something is not as it was.
  [[nodiscard]] bool look(const Processes& processes) ABSL_LOCKS_EXCLUDED(mutex_);

  dataplane::Tasks tasks_;
  std::function<void()> wake_;
  mutable absl::Mutex mutex_;
  uint64_t host_cookie_ = 0;
  bool looked_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const NetnsViews> views_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace vicinity
