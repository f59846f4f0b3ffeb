#include "support/process.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "base/status.h"
#include "support/spawn.h"

namespace vicinity::testing {
namespace {

// Memory files and not pipes: nobody has to drain them, and what was said can be read again.
absl::StatusOr<base::UniqueFd> capture_file() {
  base::UniqueFd fd(memfd_create("output", MFD_CLOEXEC));
  if (!fd.valid()) return base::errno_status("process: memfd_create");
  return fd;
}

std::string read_all(int fd) {
  std::string result;
  if (fd < 0) return result;
  char buffer[16384];
  for (;;) {
    const ssize_t size = pread(fd, buffer, sizeof(buffer), static_cast<off_t>(result.size()));
    if (size <= 0) return result;
    result.append(buffer, static_cast<std::size_t>(size));
  }
}

std::optional<std::string> find_line(const std::string& output, std::string_view text) {
  const std::size_t at = output.find(text);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t end = output.find('\n', at);
  if (end == std::string::npos) return std::nullopt;
  const std::size_t before = output.rfind('\n', at);
  const std::size_t start = before == std::string::npos ? 0 : before + 1;
  return output.substr(start, end - start);
}

std::string_view tail(std::string_view text) {
  constexpr std::size_t kMost = 2000;
  return text.size() <= kMost ? text : text.substr(text.size() - kMost);
}

bool ends_within(int pidfd, Duration timeout) {
  const std::int64_t deadline = monotonic_ns() + timeout.count();
  for (;;) {
    const std::int64_t left = std::max<std::int64_t>(deadline - monotonic_ns(), 0);
    const timespec time{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    pollfd poll{.fd = pidfd, .events = POLLIN, .revents = 0};
    const int ready = ppoll(&poll, 1, &time, nullptr);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace

absl::StatusOr<Process> Process::spawn(const ProcessSpec& spec) {
  Process process;
  process.name_ = spec.argv.empty() ? "" : spec.argv.front();
  SpawnSpec low{.argv = spec.argv, .env = environment_with(spec.env)};
  if (spec.netns != nullptr) low.netns_fd = spec.netns->fd();
  if (spec.cgroup != nullptr) low.cgroup_fd = spec.cgroup->fd();
  low.fds = {-1, STDOUT_FILENO, STDERR_FILENO};
  if (spec.output == Output::kCapture) {
    VIC_ASSIGN_OR_RETURN(process.out_, capture_file());
    VIC_ASSIGN_OR_RETURN(process.err_, capture_file());
    low.fds = {-1, process.out_.get(), process.err_.get()};
  }
  low.fds.insert(low.fds.end(), spec.extra_fds.begin(), spec.extra_fds.end());
  VIC_ASSIGN_OR_RETURN(Spawned spawned, spawn_program(low));
  process.pid_ = spawned.pid;
  process.pidfd_ = std::move(spawned.pidfd);
  return process;
}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  kill_and_reap();
  name_ = std::move(other.name_);
  pid_ = std::exchange(other.pid_, 0);
  pidfd_ = std::move(other.pidfd_);
  out_ = std::move(other.out_);
  err_ = std::move(other.err_);
  ended_ = std::exchange(other.ended_, std::nullopt);
  return *this;
}

Process::~Process() { kill_and_reap(); }

void Process::kill_and_reap() {
  if (!pidfd_.valid() || ended_) return;
  syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED);
}

bool Process::running() { return !wait(Duration::zero()).ok(); }

std::string Process::out() const { return read_all(out_.get()); }
std::string Process::err() const { return read_all(err_.get()); }

std::string Process::describe() const {
  return fmt::format("process {} ({}): stdout ends '{}', stderr ends '{}'", name_, pid_,
                     tail(out()), tail(err()));
}

absl::StatusOr<std::string> Process::wait_for_line(std::string_view text, Duration timeout) {
  std::optional<std::string> line;
  bool ended = false;
  const auto seen = [&] {
    // In this order: a program that has ended says nothing more.
    ended = !running();
    line = find_line(out(), text);
    if (!line) line = find_line(err(), text);
    return line.has_value() || ended;
  };
  const bool in_time = wait_until(seen, timeout);
  if (line) return *line;
  return base::internal("{}: {} without a line with '{}'", describe(),
                        in_time ? "ended" : "deadline passed", text);
}

absl::Status Process::signal(int number) {
  if (ended_) return base::internal("process {} ({}): has ended", name_, pid_);
  if (syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0) {
    return absl::OkStatus();
  }
  return base::errno_status(fmt::format("process {} ({}): signal {}", name_, pid_, number));
}

absl::StatusOr<ExitStatus> Process::wait(Duration timeout) {
  if (ended_) return *ended_;
  if (!ends_within(pidfd_.get(), timeout)) {
    return absl::DeadlineExceededError(fmt::format("{}: still running", describe()));
  }
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0) {
    return base::errno_status(fmt::format("process {} ({}): wait", name_, pid_));
  }
  ended_ = info.si_code == CLD_EXITED ? ExitStatus{.code = info.si_status}
                                      : ExitStatus{.signal = info.si_status};
  return *ended_;
}

absl::StatusOr<ExitStatus> Process::stop(Duration timeout) {
  if (ended_) return *ended_;
  VIC_RETURN_IF_ERROR(signal(SIGTERM));
  if (ends_within(pidfd_.get(), timeout)) return wait(timeout);
  VIC_RETURN_IF_ERROR(signal(SIGKILL));
  return wait(std::chrono::seconds(10));
}

bool is_alive(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string stat;
  std::getline(file, stat);
  const std::size_t name_end = stat.rfind(") ");
  // Z: a zombie that its parent, or init, has not yet taken; X: about to go.
  return name_end != std::string::npos && stat.find_first_of("ZX", name_end) != name_end + 2;
}

absl::StatusOr<Completed> run(const ProcessSpec& spec, Duration timeout) {
  VIC_ASSIGN_OR_RETURN(Process process, Process::spawn(spec));
  VIC_ASSIGN_OR_RETURN(const ExitStatus status, process.wait(timeout));
  return Completed{.exit_code = status.code,
                   .signal = status.signal,
                   .out = process.out(),
                   .err = process.err()};
}

}  // namespace vicinity::testing
