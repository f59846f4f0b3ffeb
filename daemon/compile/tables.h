// Tables: what the kernel maps shall hold, as values. One ServiceTable per service, compiled whole
// from the model whenever any of its inputs changed. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/ip_address.h"
#include "model/service.h"
#include "policy/plan.h"

namespace vicinity::compile {

// Mirrors struct vic_slot4/6 and vic_alias.
struct Slot {
  model::IpAddress address;
  uint16_t port = 0;       // host order
  uint8_t tier = 0;        // index into PortTable::tiers
  uint16_t threshold = 0;  // alias table; 0 and 0 when the table is not weighted
  uint16_t other = 0;
  uint32_t weight = 1;
  // Beside the others of its tier: what round robin, least request and the hash tables go by. 0 for
  // plain random that is not watched, and without load.
  uint32_t share = 0;
  auto operator<=>(const Slot&) const = default;
};

struct TableTier {
  uint8_t priority = 0;
  uint8_t load_percent = 0;
  uint16_t count = 0;  // slots
  auto operator<=>(const TableTier&) const = default;
};

// What the hooks do about endpoints that fail: their part of policy/outlier.h.
struct Watch {
  uint32_t refused_in_row = 0;   // so many make a suspect, also unreachable; 0 = never
  uint32_t timeouts_in_row = 0;  // likewise
  uint32_t suspicion_ms = 0;
  uint32_t most_suspects = 0;  // endpoints at a time
  auto operator<=>(const Watch&) const = default;
};

// The table of one (service, port, family).
struct PortTable {
  uint16_t port = 0;
  model::Family family = model::Family::kIpv4;
  policy::Mode mode = policy::Mode::kAny;
  policy::AlgorithmSpec algorithm;  // as policy::relevant() leaves it
  policy::OnEmpty on_empty = policy::OnEmpty::kRefuse;
  policy::Pass pass = policy::Pass::kAsked;  // of mode kPassthrough
  // Shares are unequal: draws consult threshold and other. With least request a draw is one inside
  // a tier.
  bool weighted = false;
  bool had_workload = false;     // of the service; decides on_empty together with the configuration
  uint16_t loaded = 0;           // slots[0, loaded) carry load
  std::vector<TableTier> tiers;  // at most VIC_MAX_TIERS, in order of preference
  std::vector<Slot> slots;       // loaded ones first; inside that by tier, address, port, weight
  std::optional<Watch> watch = {};  // set: what becomes of connects to the endpoints is seen

  // True when the slots need vic_aliases entries: weighted, or any weight other than 1.
  [[nodiscard]] bool has_aliases() const;
  auto operator<=>(const PortTable&) const = default;
};

struct ServiceTable {
  std::string name;  // "namespace/hostname"
  std::vector<model::IpAddress>
      addresses;                 // owned here, sorted; each serves the tables of its family
  std::vector<PortTable> ports;  // sorted by (port, family); only families with an address
  // Ranges, and what only clients of its own namespace are served at. Sorted, none in `addresses`.
  std::vector<model::OwnedAddress> scoped = {};

  [[nodiscard]] bool has_family(model::Family family) const;
  auto operator<=>(const ServiceTable&) const = default;
};

struct Tables {
  std::map<std::string, ServiceTable> services;  // by name
  bool operator==(const Tables&) const = default;
};

// Stable text, sorted; equal tables have equal text.
[[nodiscard]] std::string to_text(const ServiceTable& table);
[[nodiscard]] std::string to_text(const Tables& tables);

}  // namespace vicinity::compile
