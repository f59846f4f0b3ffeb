#include "dataplane/hook_events.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>

#include <cstring>
#include <utility>

#include "base/status.h"

namespace vicinity::dataplane {

void HookEvents::Free::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

absl::StatusOr<std::unique_ptr<HookEvents>> HookEvents::open(int events_fd, Handlers handlers) {
  std::unique_ptr<HookEvents> self(new HookEvents(std::move(handlers)));
  self->ring_.reset(ring_buffer__new(events_fd, on_event, self.get(), nullptr));
  if (self->ring_ == nullptr) return base::errno_status("vic_events: open ring buffer");
  return self;
}

void HookEvents::consume() { ring_buffer__consume(ring_.get()); }

int HookEvents::fd() const { return ring_buffer__epoll_fd(ring_.get()); }

int HookEvents::on_event(void* self, void* data, size_t size) {
  const auto* events = static_cast<const HookEvents*>(self);
  const std::span bytes(static_cast<const std::byte*>(data), size);
  __u32 kind = 0;  // every event begins with it
  if (size < sizeof(kind)) return 0;
  std::memcpy(&kind, data, sizeof(kind));
  if (kind == VIC_EVENT_FIRST_USE) events->on_first_use(bytes);
  if (kind == VIC_EVENT_SUSPICION) events->on_suspicion(bytes);
  return 0;
}

void HookEvents::on_first_use(std::span<const std::byte> data) const {
  vic_event event = {};
  if (data.size() < sizeof(event)) return;
  std::memcpy(&event, data.data(), sizeof(event));
  if (event.family >= VIC_FAMILY_COUNT) return;
  model::IpAddress address = {.family = static_cast<model::Family>(event.family), .bytes = {}};
  std::memcpy(address.bytes.data(), event.address_be, model::family_bits(address.family) / 8u);
  handlers_.first_use(address.family, frontend_key(address, ntohs(event.port_be),
                                                   static_cast<uint16_t>(event.realm)));
}

void HookEvents::on_suspicion(std::span<const std::byte> data) const {
  vic_watch_event event = {};
  if (data.size() < sizeof(event)) return;
  std::memcpy(&event, data.data(), sizeof(event));
  handlers_.suspicion(event);
}

}  // namespace vicinity::dataplane
