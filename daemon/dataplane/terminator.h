// Closes sockets that are connected to an endpoint which is gone. A thread of its own, because it
// enters the network namespaces of the node's pods, one after another. Control thread.
//
// Needs CAP_SYS_ADMIN (to enter a namespace), CAP_SYS_PTRACE (to open another user's in /proc),
// CAP_NET_ADMIN, and a /proc that shows the host's processes.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "dataplane/socket_closer.h"
#include "dataplane/sockets.h"

namespace vicinity::dataplane {

class Terminator {
 public:
  // An error says which privilege is missing.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Terminator>> start(const Object& object);
  ~Terminator();
  Terminator(const Terminator&) = delete;
  Terminator& operator=(const Terminator&) = delete;

  // Returns at once.
  void close(std::vector<Origin> sockets);
  [[nodiscard]] TerminationCounts counts() const;
  [[nodiscard]] std::string_view method() const { return method_; }

 private:
  explicit Terminator(std::unique_ptr<SocketCloser> closer);
  void run();
  [[nodiscard]] bool has_work() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !waiting_.empty();
  }
  [[nodiscard]] uint64_t close_everywhere(std::vector<Origin> sockets);

  std::unique_ptr<SocketCloser> closer_;  // of the thread alone
  std::string_view method_;
  mutable absl::Mutex mutex_;
  std::vector<Origin> waiting_ ABSL_GUARDED_BY(mutex_);
  TerminationCounts counts_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace vicinity::dataplane
