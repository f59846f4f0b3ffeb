// What the maps say, worked out from nothing but the maps: for adoption after a restart and for
// other processes. The frontend entries are the truth; records and slots are what they lead to.
// Stateless; the memory may be mapped read-only.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "compile/tables.h"
#include "dataplane/frontend_key.h"
#include "dataplane/memory.h"

namespace vicinity::dataplane {

// The record of one published table; it knows the block of slots.
struct PublishedPort {
  uint16_t port = 0;
  model::Family family = model::Family::kIpv4;
  uint32_t record = 0;
  bool operator==(const PublishedPort&) const = default;
};

struct PublishedService {
  uint32_t head = 0;  // record
  uint16_t counter_row = 0;
  std::vector<FrontAddress> addresses;  // sorted
  std::vector<PublishedPort> ports;     // sorted by port and family
};

struct Survey {
  std::deque<std::pair<std::string, PublishedService>> services;  // each name once
  std::vector<bool> records;  // those that are part of a service
};

[[nodiscard]] Survey survey(const Memory& memory);
// Without the slots.
[[nodiscard]] compile::ServiceTable load_heading(const Memory& memory, const std::string& name,
                                                 const PublishedService& service);
[[nodiscard]] compile::ServiceTable load_service(const Memory& memory, const std::string& name,
                                                 const PublishedService& service);
[[nodiscard]] compile::Tables load_all(const Memory& memory);

}  // namespace vicinity::dataplane
