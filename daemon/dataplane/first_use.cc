#include "dataplane/first_use.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>

#include <cstring>
#include <utility>

#include "base/status.h"

namespace vicinity::dataplane {

void FirstUses::Free::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

absl::StatusOr<std::unique_ptr<FirstUses>> FirstUses::open(int events_fd, Handler handler) {
  std::unique_ptr<FirstUses> self(new FirstUses(std::move(handler)));
  self->ring_.reset(ring_buffer__new(events_fd, on_event, self.get(), nullptr));
  if (self->ring_ == nullptr) return base::errno_status("vic_events: open ring buffer");
  return self;
}

void FirstUses::consume() { ring_buffer__consume(ring_.get()); }

int FirstUses::fd() const { return ring_buffer__epoll_fd(ring_.get()); }

int FirstUses::on_event(void* self, void* data, size_t size) {
  vic_event event = {};
  if (size < sizeof(event)) return 0;
  std::memcpy(&event, data, sizeof(event));
  if (event.kind != VIC_EVENT_FIRST_USE || event.family >= VIC_FAMILY_COUNT) return 0;
  model::IpAddress address = {.family = static_cast<model::Family>(event.family), .bytes = {}};
  std::memcpy(address.bytes.data(), event.address_be, model::family_bits(address.family) / 8u);
  static_cast<FirstUses*>(self)->handler_(
      address.family,
      frontend_key(address, ntohs(event.port_be), static_cast<uint16_t>(event.realm)));
  return 0;
}

}  // namespace vicinity::dataplane
