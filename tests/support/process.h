// A program started by a test: where it runs, what it said, how it ended. Killed by the destructor.
// Movable; one thread at a time.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <signal.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "support/cgroup.h"
#include "support/netns.h"
#include "support/wait.h"

namespace vicinity::testing {

enum class Output {
  kCapture,  // into memory files, read by out() and err()
  kInherit,  // ours
};

struct ProcessSpec {
  std::vector<std::string> argv;
  std::vector<std::string> env = {};  // added to our environment
  const Netns* netns = nullptr;       // nullptr: ours
  const Cgroup* cgroup = nullptr;     // nullptr: ours
  Output output = Output::kCapture;
  std::vector<int> extra_fds = {};  // the child's 3, 4, ...
};

struct ExitStatus {
  int code = 0;    // of a normal end
  int signal = 0;  // not 0: ended by it
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

struct Completed {
  int exit_code = 0;
  int signal = 0;
  std::string out;
  std::string err;
};

class Process {
 public:
  [[nodiscard]] static absl::StatusOr<Process> spawn(const ProcessSpec& spec);

  Process(Process&&) noexcept = default;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;

  // The first line on stdout or stderr with `text` in it, also one of the past. Fails at the
  // deadline, or when the program has ended without it; the message then has the end of its output.
  [[nodiscard]] absl::StatusOr<std::string> wait_for_line(std::string_view text, Duration timeout);

  [[nodiscard]] absl::Status signal(int number);
  [[nodiscard]] absl::StatusOr<ExitStatus> wait(Duration timeout);
  // SIGTERM, and SIGKILL at the deadline. How it ended; the signal is SIGKILL if it had to be
  // killed.
  [[nodiscard]] absl::StatusOr<ExitStatus> stop(Duration timeout);

 private:
  Process() = default;
  void kill_and_reap();
  [[nodiscard]] std::string describe() const;

  std::string name_;
  pid_t pid_ = 0;
  base::UniqueFd pidfd_;
  base::UniqueFd out_;
  base::UniqueFd err_;
  std::optional<ExitStatus> ended_;
};

// Exists and is not a zombie.
[[nodiscard]] bool is_alive(pid_t pid);

// Starts it, waits for its end, returns what it said.
[[nodiscard]] absl::StatusOr<Completed> run(const ProcessSpec& spec, Duration timeout);

}  // namespace vicinity::testing
