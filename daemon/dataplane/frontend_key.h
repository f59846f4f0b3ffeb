// A frontend entry's key and where keys go in a table: the daemon's side of layout.h. Pure.
#pragma once

#include <vicinity/layout.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "compile/tables.h"

namespace vicinity::dataplane {

// The leading words of an entry; IPv4 uses the first. All zero is no key.
struct FrontendKey {
  std::array<__u64, VIC_KEY6_WORDS> words{};
  bool operator==(const FrontendKey&) const = default;
  template <class H>
  friend H AbslHashValue(H state, const FrontendKey& key) {
    return H::combine(std::move(state), key.words[0], key.words[1], key.words[2]);
  }
};

// An address as frontend entries have it: a host's, or the mark of a range (layout.h).
struct FrontAddress {
  model::IpAddress ip;
  uint16_t realm = VIC_REALM_EVERYONE;  // with VIC_REALM_RANGE
  auto operator<=>(const FrontAddress&) const = default;
  [[nodiscard]] bool is_range() const { return (realm & VIC_REALM_RANGE) != 0; }
  template <class H>
  friend H AbslHashValue(H state, const FrontAddress& address) {
    return H::combine(std::move(state), address.ip, address.realm);
  }
};
// `realm` is that of the clients it serves.
[[nodiscard]] FrontAddress front_address(const model::OwnedAddress& address, uint16_t realm);
[[nodiscard]] model::OwnedAddress owned_address(const FrontAddress& address);

// Port 0: every port of the address that has no entry of its own.
[[nodiscard]] FrontendKey frontend_key(const model::IpAddress& address, uint16_t port,
                                       uint16_t realm = VIC_REALM_EVERYONE);
[[nodiscard]] inline FrontendKey frontend_key(const FrontAddress& address, uint16_t port) {
  return frontend_key(address.ip, port, address.realm);
}
[[nodiscard]] model::IpAddress address_of(const FrontendKey& key, model::Family family);
[[nodiscard]] uint16_t port_of(const FrontendKey& key, model::Family family);
[[nodiscard]] uint16_t realm_of(const FrontendKey& key, model::Family family);

[[nodiscard]] constexpr uint32_t key_words(model::Family family) {
  return family == model::Family::kIpv4 ? VIC_KEY4_WORDS : VIC_KEY6_WORDS;
}
[[nodiscard]] constexpr uint32_t bucket_entries(model::Family family) {
  return VIC_BUCKET_WORDS / (key_words(family) + 1);
}
// The table of that many buckets.
[[nodiscard]] constexpr vic_table table_of(uint32_t buckets) {
  return {.base = buckets, .mask = buckets - 1};
}

struct Candidates {
  uint32_t first = 0;  // buckets
  uint32_t second = 0;
};
[[nodiscard]] Candidates candidates(const FrontendKey& key, model::Family family, vic_table table);

// Where the hints of a key are: those of its address, whatever its port and realm, and its own.
struct HintPlace {
  uint32_t line = 0;     // of vic_hints
  uint64_t address = 0;  // the bits that tell that its address has entries
  uint32_t view = 0;
};
[[nodiscard]] HintPlace hint_place(const FrontendKey& key, model::Family family, vic_table table);

// All keys arranged in a table of that size, each in one of its buckets, most in the first: the
// key of every entry, in order. nullopt: they do not fit.
[[nodiscard]] std::optional<std::vector<FrontendKey>> arrange(std::span<const FrontendKey> keys,
                                                              model::Family family,
                                                              uint32_t buckets);

}  // namespace vicinity::dataplane
