// The programs' ring buffer: which services were used for the first time and want a counter row,
// and which endpoints the hooks began to avoid, or take again. Control thread.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <span>

#include "dataplane/frontend_key.h"

struct ring_buffer;

namespace vicinity::dataplane {

class HookEvents {
 public:
  struct Handlers {
    std::function<void(model::Family, const FrontendKey&)> first_use;
    std::function<void(const vic_watch_event&)> suspicion;
  };

  // `events_fd` stays the caller's and outlives this.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<HookEvents>> open(int events_fd,
                                                                        Handlers handlers);
  HookEvents(const HookEvents&) = delete;
  HookEvents& operator=(const HookEvents&) = delete;

  // Calls the handlers for everything that has arrived.
  void consume();
  [[nodiscard]] int fd() const;

 private:
  explicit HookEvents(Handlers handlers) : handlers_(std::move(handlers)) {}
  static int on_event(void* self, void* data, size_t size);
  void on_first_use(std::span<const std::byte> data) const;
  void on_suspicion(std::span<const std::byte> data) const;

  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  Handlers handlers_;
  std::unique_ptr<ring_buffer, Free> ring_;
};

}  // namespace vicinity::dataplane
