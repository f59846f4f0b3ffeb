#include "event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>
#include <span>

#include "base/status.h"

namespace vicinity {
namespace {

base::UniqueFd stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return {};
  return base::UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

void empty(int eventfd) {
  uint64_t count = 0;
  [[maybe_unused]] const auto bytes = ::read(eventfd, &count, sizeof(count));
}

int timeout_ms(absl::Duration wait) {
  // Rounded up: a wait that ends early would spin until the deadline.
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1))));
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::create() {
  auto loop = std::unique_ptr<EventLoop>(new EventLoop);
  loop->epoll_ = base::UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  loop->wake_ = base::UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  loop->signals_ = stop_signals();
  VIC_RETURN_IF_ERROR(loop->watch(loop->wake_.get()));
  VIC_RETURN_IF_ERROR(loop->watch(loop->signals_.get()));
  return loop;
}

absl::Status EventLoop::watch_maintenance(int fd) {
  maintenance_fd_ = fd;
  return fd < 0 ? absl::OkStatus() : watch(fd);
}

absl::Status EventLoop::watch(int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return base::errno_status("event loop: watch");
  }
  return absl::OkStatus();
}

void EventLoop::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const auto bytes = ::write(wake_.get(), &one, sizeof(one));
}

Wakeup EventLoop::wait(absl::Time now, absl::Time deadline) {
  const auto left = std::clamp(deadline - now, absl::ZeroDuration(), kLongestWait);
  std::array<epoll_event, 4> events{};
  const int count = epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms(left));
  Wakeup wakeup;
  for (const auto& event : std::span(events).first(static_cast<size_t>(std::max(count, 0)))) {
    if (event.data.fd == signals_.get()) wakeup.stop = true;
    if (event.data.fd == maintenance_fd_) wakeup.maintenance = true;
    if (event.data.fd == wake_.get()) empty(wake_.get());
  }
  return wakeup;
}

}  // namespace vicinity
