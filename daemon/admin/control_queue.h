// Questions of other threads to the control thread. The admin server asks; the engine answers
// between two steps by calling drain(). Holds the one mutex of the program.
//
// A question runs on the control thread, so each one does a bounded amount of work: a long answer
// (a dump) is many questions, each of which picks up where the last one stopped.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compile/tables.h"
#include "dataplane/traces.h"
#include "model/snapshot.h"

namespace vicinity::compile {
struct CompileOptions;
struct Explanation;
}  // namespace vicinity::compile

namespace vicinity::admin {

class TraceBoard;

// Who a socket belongs to, by its network namespace.
struct ClientPod {
  std::string name;  // "namespace/name", "host"; empty: not known
  std::string name_space;
  std::vector<model::IpAddress> addresses;
};

// What a question may look at. Implemented by the engine; valid only while the question runs, on
// the control thread.
class ControlView {
 public:
  ControlView() = default;
  ControlView(const ControlView&) = delete;
  ControlView& operator=(const ControlView&) = delete;
  virtual ~ControlView() = default;

  [[nodiscard]] virtual const model::Snapshot& snapshot() const = 0;
  [[nodiscard]] virtual const compile::CompileOptions& options() const = 0;
  // The table as the kernel has it; nullopt: none.
  [[nodiscard]] virtual std::optional<compile::ServiceTable> kernel_table(
      std::string_view service) const = 0;
  // Everything the kernel has. O(cluster): a dump calls it once.
  [[nodiscard]] virtual compile::Tables kernel_tables() const = 0;
  // Adds what came of connects to the explained endpoints.
  virtual void add_states(compile::Explanation& /*explanation*/) const {}
  // Samples the counters and stores a new Published.
  virtual void refresh() = 0;
  [[nodiscard]] virtual ClientPod pod_of(uint64_t /*netns_cookie*/) const { return {}; }
  // What single connects become, and who wants to know; nullptr: nobody tells.
  [[nodiscard]] virtual dataplane::Traces* traces() { return nullptr; }
  [[nodiscard]] virtual TraceBoard* trace_board() { return nullptr; }
};

class ControlQueue {
 public:
  using Question = std::function<void(ControlView&)>;

  // `wake` is called from any thread after a question was queued (an eventfd write).
  explicit ControlQueue(std::function<void()> wake);
  ControlQueue(const ControlQueue&) = delete;
  ControlQueue& operator=(const ControlQueue&) = delete;
  ~ControlQueue();

  // Any thread but control. Returns when the question has run, or with an error when it never
  // will: Unavailable after close(), DeadlineExceeded when control did not get to it in time.
  // After run() returns the question is neither running nor going to, so it may hold references.
  absl::Status run(const Question& question, absl::Duration timeout);

  // Control thread. Runs the questions that are waiting now.
  void drain(ControlView& view);

  // Any thread. Every waiting and every later question fails.
  void close();

 private:
  enum class State { kWaiting, kRunning, kDone, kClosed };
  struct Entry {
    const Question* question;
    State state = State::kWaiting;
  };

  void forget(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Entry* take() ABSL_LOCKS_EXCLUDED(mutex_);
  [[nodiscard]] size_t waiting() const ABSL_LOCKS_EXCLUDED(mutex_);

  std::function<void()> wake_;
  mutable absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Entry*> queue_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vicinity::admin
