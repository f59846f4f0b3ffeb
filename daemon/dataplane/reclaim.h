// Grace periods without waiting for them: what was taken out of the tables is tagged with a ticket
// and may be reused once the ticket has passed. The control thread closes tickets, a thread of its
// own waits. Any number of things share one grace period.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <thread>

#include "base/unique_fd.h"

namespace vicinity::dataplane {

class Reclaimer {
 public:
  // `grace_fd`: a map in the way of vic_grace; it is duplicated. works() says whether it can wait.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Reclaimer>> start(int grace_fd);
  ~Reclaimer();
  Reclaimer(const Reclaimer&) = delete;
  Reclaimer& operator=(const Reclaimer&) = delete;

  // For what is taken out now.
  [[nodiscard]] uint64_t ticket() const { return requested_.load(std::memory_order_relaxed) + 1; }
  // Begins the grace period of the open ticket, unless another is still running: then the ticket
  // stays open and collects more. Call again when fd() was readable.
  void close_ticket();
  [[nodiscard]] bool passed(uint64_t ticket) const {
    return completed_.load(std::memory_order_acquire) >= ticket;
  }
  [[nodiscard]] uint64_t completed() const { return completed_.load(std::memory_order_acquire); }
  // Readable when another ticket has passed; drain() makes it unreadable again.
  [[nodiscard]] int fd() const { return event_.get(); }
  void drain() const;
  // Whether the first grace period could be waited for, as soon as that is known. Once.
  [[nodiscard]] absl::Status works() { return works_.get(); }

 private:
  Reclaimer() = default;
  void run(std::promise<absl::Status> works);
  // Waits for one grace period on the calling thread.
  [[nodiscard]] absl::Status wait_now() const;

  base::UniqueFd grace_;
  base::UniqueFd inner_;
  base::UniqueFd event_;
  std::atomic<uint64_t> requested_ = 0;
  std::atomic<uint64_t> completed_ = 0;
  std::atomic<bool> stopping_ = false;
  std::future<absl::Status> works_;
  std::thread thread_;
};

}  // namespace vicinity::dataplane
