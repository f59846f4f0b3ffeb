// The hooks' ring buffer: which services were used for the first time and want a counter row.
// Control thread.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>

#include "dataplane/frontend_key.h"

struct ring_buffer;

namespace vicinity::dataplane {

class FirstUses {
 public:
  using Handler = std::function<void(model::Family, const FrontendKey&)>;

  // `events_fd` stays the caller's and outlives this.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<FirstUses>> open(int events_fd,
                                                                       Handler handler);
  FirstUses(const FirstUses&) = delete;
  FirstUses& operator=(const FirstUses&) = delete;

  // Calls the handler for everything that has arrived.
  void consume();
  [[nodiscard]] int fd() const;

 private:
  explicit FirstUses(Handler handler) : handler_(std::move(handler)) {}
  static int on_event(void* self, void* data, size_t size);

  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  Handler handler_;
  std::unique_ptr<ring_buffer, Free> ring_;
};

}  // namespace vicinity::dataplane
