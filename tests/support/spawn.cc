#include "support/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include "base/status.h"

namespace vicinity::testing {
namespace {

// Where in the child it failed; goes through a pipe to the parent.
struct ChildError {
  int error = 0;
  char step[16] = {};
};

// Everything the child needs, made before the clone: after it only system calls are allowed, as
// another thread may have held any lock.
struct Prepared {
  std::string program;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<int> fds;
  int netns_fd = -1;
  int error_fd = -1;
  pid_t parent = 0;
};

class SpawnerThread {
 public:
  static SpawnerThread& instance() {
    static auto* spawner = new SpawnerThread();  // never destroyed: it must outlive every child
    return *spawner;
  }

  template <class Body>
  auto run(Body body) {
    std::packaged_task<std::invoke_result_t<Body>()> task(std::move(body));
    auto result = task.get_future();
    {
      const std::lock_guard lock(mutex_);
      queue_.emplace_back([&task] { task(); });
    }
    ready_.notify_one();
    return result.get();
  }

 private:
  SpawnerThread() {
    std::thread([this] { loop(); }).detach();
  }

  void loop() {
    for (;;) {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return !queue_.empty(); });
      const std::function<void()> job = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
};

[[noreturn]] void fail_child(const Prepared& prepared, const char* step) {
  ChildError report;
  report.error = errno;
  strncpy(report.step, step, sizeof(report.step) - 1);
  [[maybe_unused]] const ssize_t written = write(prepared.error_fd, &report, sizeof(report));
  _exit(127);
}

void reset_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
}

// Puts the wanted descriptors at 0, 1, 2, 3, ...; their originals are all close-on-exec.
void arrange_fds(const Prepared& prepared) {
  const int count = static_cast<int>(prepared.fds.size());
  std::array<int, 16> moved{};
  for (int i = 0; i < count; ++i) {
    const int source = prepared.fds[i];
    moved[i] = source < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : source;
    moved[i] = fcntl(moved[i], F_DUPFD_CLOEXEC, 64);
    if (moved[i] < 0) fail_child(prepared, "descriptors");
  }
  for (int i = 0; i < count; ++i) {
    if (dup2(moved[i], i) < 0) fail_child(prepared, "descriptors");
  }
  // What we inherited ourselves is nothing to the child.
  close_range(static_cast<unsigned>(count), ~0U, CLOSE_RANGE_CLOEXEC);
}

[[noreturn]] void run_child(const Prepared& prepared) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail_child(prepared, "prctl");
  if (getppid() != prepared.parent) _exit(127);
  if (prepared.netns_fd >= 0 && setns(prepared.netns_fd, CLONE_NEWNET) != 0) {
    fail_child(prepared, "setns");
  }
  reset_signals();
  arrange_fds(prepared);
  execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
  fail_child(prepared, "exec");
}

// CLONE_INTO_CGROUP instead of a write to cgroup.procs: no migration, which waits for RCU.
pid_t clone_into(int cgroup_fd, int* pidfd) {
  clone_args args{};
  args.flags = CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0);
  args.pidfd = reinterpret_cast<std::uintptr_t>(pidfd);  // NOLINT: the system call's ABI
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<std::uint64_t>(std::max(cgroup_fd, 0));
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof(args)));
}

std::string find_in_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable ? variable : "/usr/sbin:/usr/bin:/sbin:/bin";
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string candidate = fmt::format("{}/{}", rest.substr(0, colon), name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return name;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

Prepared prepare(const SpawnSpec& spec, int error_fd) {
  Prepared prepared;
  prepared.program = find_in_path(spec.argv.front());
  prepared.argv = pointers(spec.argv);
  prepared.envp = pointers(spec.env);
  prepared.fds = spec.fds;
  prepared.netns_fd = spec.netns_fd;
  prepared.error_fd = error_fd;
  prepared.parent = getpid();
  return prepared;
}

}  // namespace

absl::StatusOr<Spawned> spawn_program(const SpawnSpec& spec) {
  if (spec.argv.empty() || spec.fds.size() > 16) return base::invalid("process: bad specification");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return base::errno_status("process: pipe");
  const base::UniqueFd report_in(ends[0]);
  // Out of the way of the descriptors the child gets.
  base::UniqueFd low(ends[1]);
  base::UniqueFd report_out(fcntl(low.get(), F_DUPFD_CLOEXEC, 100));
  const Prepared prepared = prepare(spec, report_out.get());
  int pidfd = -1;
  const pid_t pid = SpawnerThread::instance().run([&] {
    const pid_t child = clone_into(spec.cgroup_fd, &pidfd);
    if (child == 0) run_child(prepared);
    return child < 0 ? -errno : child;
  });
  if (pid < 0) return base::errno_status(fmt::format("process {}: clone", prepared.program), -pid);
  Spawned spawned{.pid = pid, .pidfd = base::UniqueFd(pidfd)};
  report_out.reset();
  low.reset();
  ChildError failure;
  if (read(report_in.get(), &failure, sizeof(failure)) <= 0) return spawned;
  waitpid(pid, nullptr, 0);
  return base::errno_status(fmt::format("process {}: {}", prepared.program, failure.step),
                            failure.error);
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const bool replaced = std::any_of(added.begin(), added.end(), [&](const std::string& other) {
      return name_of(other) == name_of(*entry);
    });
    if (!replaced) result.emplace_back(*entry);
  }
  result.insert(result.end(), added.begin(), added.end());
  return result;
}

}  // namespace vicinity::testing
