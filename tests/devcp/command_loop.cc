#include "devcp/command_loop.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/status.h"

namespace vicinity::devcp {
namespace {

// A mesh file whose folder is not there is looked for this often.
constexpr int kLookAgainMs = 1000;

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = write(fd, text.data(), text.size());
    if (wrote <= 0) return;  // nobody listens any more
    text.remove_prefix(static_cast<size_t>(wrote));
  }
}

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void block_stop_signals() {
  const sigset_t signals = stop_signals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
}

absl::Status CommandLoop::listen(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path)) {
    return base::invalid("control socket {}: path too long", socket_path);
  }
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  unlink(socket_path.c_str());
  listener_ = base::UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener_.valid()) return base::errno_status("control socket");
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (bind(listener_.get(), generic, sizeof(address)) != 0 || ::listen(listener_.get(), 8) != 0) {
    return base::errno_status(fmt::format("control socket {}", socket_path));
  }
  return absl::OkStatus();
}

absl::Status CommandLoop::follow(const std::string& mesh_path) {
  VIC_ASSIGN_OR_RETURN(watch_, feed::FileWatch::open(mesh_path));
  loader_.emplace(mesh_path);
  reload();
  return absl::OkStatus();
}

void CommandLoop::reload() {
  watch_->rearm();
  const auto load = loader_->load();
  if (!load) return;
  for (const auto& error : load->mesh.errors) {
    fmt::print(stderr, "{}: {}\n", error.resource, error.message);
  }
  if (load->status.ok()) {
    plane_.set_resources(load->mesh.resources);
  } else {
    fmt::print(stderr, "{}\n", base::message(load->status));
  }
}

void CommandLoop::accept_talker() {
  base::UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd.valid()) return;
  const int raw = fd.get();
  talkers_.push_back({.owned = std::move(fd), .in = raw, .out = raw, .pending = {}});
}

bool CommandLoop::serve(Talker& talker) {
  std::array<char, 4096> buffer;
  const ssize_t got = read(talker.in, buffer.data(), buffer.size());
  if (got <= 0) return false;
  talker.pending.append(buffer.data(), static_cast<size_t>(got));
  for (;;) {
    const size_t end = talker.pending.find('\n');
    if (end == std::string::npos) return true;
    const std::string line = talker.pending.substr(0, end);
    talker.pending.erase(0, end + 1);
    if (!line.empty()) write_all(talker.out, console_.execute(line) + "\n");
  }
}

absl::Status CommandLoop::run() {
  const sigset_t wanted = stop_signals();
  const base::UniqueFd signals(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) return base::errno_status("signalfd");
  signal(SIGPIPE, SIG_IGN);
  talkers_.push_back({.owned = {}, .in = STDIN_FILENO, .out = STDOUT_FILENO, .pending = {}});
  while (!console_.quit()) {
    // poll() passes over negative descriptors.
    std::vector<pollfd> fds{{.fd = signals.get(), .events = POLLIN, .revents = 0},
                            {.fd = listener_.get(), .events = POLLIN, .revents = 0},
                            {.fd = watch_ ? watch_->fd() : -1, .events = POLLIN, .revents = 0}};
    const size_t fixed = fds.size();
    for (const Talker& each : talkers_) {
      fds.push_back({.fd = each.in, .events = POLLIN, .revents = 0});
    }
    const int ready = poll(fds.data(), fds.size(), watch_ ? kLookAgainMs : -1);
    if (ready < 0) continue;
    if (fds[0].revents != 0) return absl::OkStatus();
    if (watch_ && (ready == 0 || (fds[2].revents != 0 && watch_->drain()))) reload();
    for (size_t i = fds.size(); i-- > fixed;) {
      const auto at = talkers_.begin() + static_cast<ptrdiff_t>(i - fixed);
      if (fds[i].revents != 0 && !serve(*at)) talkers_.erase(at);
    }
    if (fds[1].revents != 0) accept_talker();
  }
  return absl::OkStatus();
}

}  // namespace vicinity::devcp
