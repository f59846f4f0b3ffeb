#include "dataplane/reclaim.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/status.h"

namespace vicinity::dataplane {

absl::StatusOr<std::unique_ptr<Reclaimer>> Reclaimer::start(int grace_fd) {
  std::unique_ptr<Reclaimer> self(new Reclaimer);
  self->grace_.reset(::fcntl(grace_fd, F_DUPFD_CLOEXEC, 0));
  self->inner_.reset(bpf_map_create(BPF_MAP_TYPE_ARRAY, "vic_grace_inner", sizeof(uint32_t),
                                    sizeof(uint32_t), 1, nullptr));
  self->event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!self->grace_.valid() || !self->inner_.valid() || !self->event_.valid()) {
    return base::errno_status("reclaim: descriptors");
  }
  std::promise<absl::Status> works;
  self->works_ = works.get_future();
  self->thread_ = std::thread(
      [raw = self.get(), told = std::move(works)]() mutable { raw->run(std::move(told)); });
  return self;
}

Reclaimer::~Reclaimer() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  requested_.fetch_add(1);
  requested_.notify_one();
  thread_.join();
}

// The kernel waits with synchronize_rcu after replacing an element of a map of maps, whoever reads
// it; also when the element stays the same map.
absl::Status Reclaimer::wait_now() const {
  const uint32_t key = 0;
  const uint32_t inner = static_cast<uint32_t>(inner_.get());
  if (bpf_map_update_elem(grace_.get(), &key, &inner, BPF_ANY) != 0) {
    return base::errno_status("vic_grace: wait for a grace period");
  }
  return absl::OkStatus();
}

void Reclaimer::close_ticket() {
  const uint64_t requested = requested_.load(std::memory_order_relaxed);
  if (completed() != requested) return;
  requested_.store(requested + 1, std::memory_order_release);
  requested_.notify_one();
}

void Reclaimer::drain() const {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t ignored = ::read(event_.get(), &count, sizeof(count));
}

void Reclaimer::run(std::promise<absl::Status> works) {
  const absl::Status first = wait_now();
  works.set_value(first);
  if (!first.ok()) return;
  while (true) {
    requested_.wait(completed_.load(std::memory_order_relaxed), std::memory_order_acquire);
    if (stopping_) return;
    const uint64_t requested = requested_.load(std::memory_order_acquire);
    if (const absl::Status status = wait_now(); !status.ok()) {
      // Nothing may be reused then. It cannot fail after the first time; do not spin if it does.
      spdlog::critical("{}; replaced tables are kept from now on", base::message(status));
      return;
    }
    completed_.store(requested, std::memory_order_release);
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(event_.get(), &one, sizeof(one));
  }
}

}  // namespace vicinity::dataplane
