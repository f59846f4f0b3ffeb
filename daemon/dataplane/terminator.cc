#include "dataplane/terminator.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/status.h"
#include "dataplane/netns_walk.h"

namespace vicinity::dataplane {

absl::StatusOr<std::unique_ptr<Terminator>> Terminator::start(const Object& object) {
  VIC_RETURN_IF_ERROR(may_enter_network_namespaces());
  VIC_ASSIGN_OR_RETURN(std::unique_ptr<SocketCloser> closer, make_socket_closer(object));
  std::unique_ptr<Terminator> self(new Terminator(std::move(closer)));
  self->thread_ = std::thread([raw = self.get()] { raw->run(); });
  return self;
}

Terminator::Terminator(std::unique_ptr<SocketCloser> closer)
    : closer_(std::move(closer)), method_(closer_->method()) {}

Terminator::~Terminator() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Terminator::close(std::vector<Origin> sockets) {
  const absl::MutexLock lock(&mutex_);
  counts_.asked += sockets.size();
  waiting_.insert(waiting_.end(), sockets.begin(), sockets.end());
}

TerminationCounts Terminator::counts() const {
  const absl::MutexLock lock(&mutex_);
  return counts_;
}

void Terminator::run() {
  while (true) {
    std::vector<Origin> batch;
    {
      const absl::MutexLock lock(&mutex_, absl::Condition(this, &Terminator::has_work));
      if (stopping_) return;
      batch.swap(waiting_);
    }
    const size_t asked = batch.size();
    const uint64_t destroyed = close_everywhere(std::move(batch));
    spdlog::info("{} of {} sockets connected to endpoints that are gone were closed", destroyed,
                 asked);
    const absl::MutexLock lock(&mutex_);
    counts_.destroyed += destroyed;
    counts_.not_found += asked - std::min<uint64_t>(asked, destroyed);
  }
}

uint64_t Terminator::close_everywhere(std::vector<Origin> sockets) {
  std::ranges::sort(sockets, {}, &Origin::netns_cookie);
  uint64_t destroyed = 0;
  size_t left = sockets.size();
  walk_network_namespaces([&](uint64_t cookie) {
    const auto here = std::ranges::equal_range(sockets, cookie, {}, &Origin::netns_cookie);
    if (here.empty()) return true;
    left -= here.size();
    const auto closed = closer_->close_here(std::span<const Origin>(here.begin(), here.end()));
    if (closed.ok()) {
      destroyed += *closed;
    } else {
      spdlog::error("sockets of gone endpoints: {}", base::message(closed.status()));
    }
    return left > 0;
  });
  return destroyed;
}

}  // namespace vicinity::dataplane
