// Waits for the control thread: a wake-up from any thread, a signal to stop, the data plane's
// maintenance, or a deadline. Owned by App; wait() on the control thread, wake() from any.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>

#include "base/unique_fd.h"

namespace vicinity {

// What ended a wait.
struct Wakeup {
  bool stop = false;         // SIGTERM or SIGINT
  bool maintenance = false;  // the watched descriptor is readable
};

class EventLoop {
 public:
  // Blocks SIGTERM and SIGINT in the calling thread, so call it before any other thread starts.
  static absl::StatusOr<std::unique_ptr<EventLoop>> create();
  // A readable `fd` ends waits with Wakeup::maintenance; -1: none. At most one.
  absl::Status watch_maintenance(int fd);

  void wake() const;
  // Returns at `deadline` at the latest, and after kLongestWait in any case: the clock may jump.
  [[nodiscard]] Wakeup wait(absl::Time now, absl::Time deadline);

 private:
  static constexpr absl::Duration kLongestWait = absl::Seconds(1);

  EventLoop() = default;
  absl::Status watch(int fd);

  base::UniqueFd epoll_;
  base::UniqueFd wake_;
  base::UniqueFd signals_;
  int maintenance_fd_ = -1;
};

}  // namespace vicinity
