#include "readiness_probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vicinity/abi.h>
#include <csignal>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/status.h"
#include "compile/hash_hosts.h"

namespace vicinity {
namespace {

constexpr int kPatienceMs = 3000;
constexpr const char* kCgroupName = "/vicinity-probe";

sockaddr_in ipv4(uint32_t address, uint16_t port) {
  sockaddr_in socket_address = {};
  socket_address.sin_family = AF_INET;
  socket_address.sin_addr.s_addr = htonl(address);
  socket_address.sin_port = htons(port);
  return socket_address;
}

// What the child reports by its exit status: 0, an errno, or one of these.
enum Outcome : uint8_t { kTranslated = 0, kElsewhere = 250 };

// In the child: system calls only, other threads of ours may hold any lock. The kernel answers for
// the listener, so this ends at once.
[[noreturn]] void connect_and_exit(uint16_t port) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = ipv4(VIC_PROBE_ADDRESS, VIC_PROBE_PORT);
  if (::connect(probe, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) ::_exit(errno);
  sockaddr_in peer = {};
  socklen_t size = sizeof(peer);
  ::getpeername(probe, reinterpret_cast<sockaddr*>(&peer), &size);
  ::_exit(peer.sin_port == htons(port) ? kTranslated : kElsewhere);
}

struct Child {
  pid_t pid = -1;
  base::UniqueFd pidfd;
};

// As fork(), into a cgroup if there is one, and without the handlers that libraries have for it.
Child start_child(int cgroup, uint16_t port) {
  int pidfd = -1;
  clone_args args = {};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(cgroup);
  }
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof(args)));
  if (pid == 0) connect_and_exit(port);
  return {.pid = pid, .pidfd = base::UniqueFd(pidfd)};
}

// The exit status of the child, which is gone afterwards.
int outcome_of(const Child& child) {
  pollfd ended = {.fd = child.pidfd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, kPatienceMs) != 1) ::kill(child.pid, SIGKILL);
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : ETIMEDOUT;
}

std::string why_not(int outcome) {
  if (outcome == kElsewhere) return "a probe connect reached somebody else";
  return fmt::format("a probe connect was not translated ({})", std::strerror(outcome));
}

// A cgroup for one probe, beside the daemon's own; gone with the object.
class ProbeCgroup {
 public:
  explicit ProbeCgroup(const std::string& parent) : path_(parent + kCgroupName) {
    if (::mkdir(path_.c_str(), 0755) != 0 && errno != EEXIST) return;
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ProbeCgroup(const ProbeCgroup&) = delete;
  ProbeCgroup& operator=(const ProbeCgroup&) = delete;
  ~ProbeCgroup() { ::rmdir(path_.c_str()); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  std::string path_;
  base::UniqueFd fd_;
};

// The programs know the port, and those of the daemon before us serve only the same one. Behind the
// ports that sockets are given when they ask for any.
uint16_t usual_port(std::string_view cgroup) {
  constexpr uint16_t kFirst = 61000;
  return static_cast<uint16_t>(kFirst + compile::envoy_hash(cgroup) % (UINT16_MAX - kFirst));
}

absl::StatusOr<base::UniqueFd> listen_at(uint16_t port) {
  base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const sockaddr_in address = ipv4(INADDR_LOOPBACK, port);
  const int yes = 1;
  if (!listener.valid() ||
      ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener.get(), SOMAXCONN) != 0) {
    return base::errno_status("readiness probe: listen on loopback");
  }
  return listener;
}

void drain(int listener) {
  while (base::UniqueFd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)).valid()) {
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReadinessProbe>> ReadinessProbe::open(std::string cgroup) {
  auto listener = listen_at(usual_port(cgroup));
  if (!listener.ok()) listener = listen_at(0);
  if (!listener.ok()) return listener.status();
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  if (::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return base::errno_status("readiness probe: getsockname");
  }
  return std::unique_ptr<ReadinessProbe>(
      new ReadinessProbe(std::move(cgroup), *std::move(listener), ntohs(address.sin_port)));
}

ReadinessProbe::ReadinessProbe(std::string cgroup, base::UniqueFd listener, uint16_t port)
    : cgroup_(std::move(cgroup)), listener_(std::move(listener)), port_(port) {}

ReadinessProbe::~ReadinessProbe() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void ReadinessProbe::start() {
  thread_ = std::thread([this] { run(); });
}

telemetry::ProbeInfo ReadinessProbe::probe() const {
  telemetry::ProbeInfo result;
  {
    const ProbeCgroup sibling(cgroup_);
    Child child = start_child(sibling.fd(), port_);
    result.from_sibling = sibling.fd() >= 0 && child.pid > 0;
    if (!result.from_sibling) {
      // In a cgroup namespace of its own a process may not leave it.
      result.why_no_sibling = std::strerror(errno);
      child = start_child(-1, port_);
    }
    if (child.pid < 0) {
      result.problem = fmt::format("no probe connect could be made ({})", std::strerror(errno));
      return result;
    }
    const int outcome = outcome_of(child);
    result.translated = outcome == kTranslated;
    if (!result.translated) result.problem = why_not(outcome);
  }
  drain(listener_.get());
  return result;
}

telemetry::ProbeInfo ReadinessProbe::last() const {
  const absl::MutexLock lock(&mutex_);
  return last_;
}

void ReadinessProbe::run() {
  while (true) {
    const telemetry::ProbeInfo now = probe();
    const absl::MutexLock lock(&mutex_);
    last_ = now;
    const absl::Duration pause = now.translated ? kRepeat : kRetry;
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause)) return;
  }
}

}  // namespace vicinity
