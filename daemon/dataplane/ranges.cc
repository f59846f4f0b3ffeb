#include "dataplane/ranges.h"

#include <bpf/bpf.h>

#include <cstring>
#include <vector>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

constexpr uint32_t kRealmBits = 32;

uint32_t realm_of(const FrontAddress& address) {
  return address.realm & ~uint32_t{VIC_REALM_RANGE};
}

// The key of either family: an IPv4 one is its beginning.
vic_range6 key_of(const FrontAddress& address) {
  const model::OwnedAddress range = owned_address(address);
  vic_range6 key = {};
  key.prefix_length = kRealmBits + range.length;
  key.realm = realm_of(address);
  std::memcpy(key.address_be, range.ip.bytes.data(), model::family_bits(range.ip.family) / 8u);
  return key;
}

FrontAddress address_of(const vic_range6& key, model::Family family) {
  model::OwnedAddress range;
  range.ip.family = family;
  std::memcpy(range.ip.bytes.data(), key.address_be, model::family_bits(family) / 8u);
  range.length = static_cast<uint8_t>(key.prefix_length - kRealmBits);
  return front_address(range, static_cast<uint16_t>(key.realm));
}

std::vector<FrontAddress> read_keys(int map, model::Family family) {
  std::vector<FrontAddress> found;
  vic_range6 key = {};
  vic_range6 next = {};
  const vic_range6* at = nullptr;
  while (bpf_map_get_next_key(map, at, &next) == 0) {
    found.push_back(address_of(next, family));
    key = next;
    at = &key;
  }
  return found;
}

}  // namespace

bool Ranges::contains(const FrontAddress& address) const {
  return known_[index_of(address.ip.family)].contains(address);
}

bool Ranges::has_room(model::Family family) const {
  return known_[index_of(family)].size() < kMost;
}

absl::Status Ranges::insert(const FrontAddress& address) {
  auto& known = known_[index_of(address.ip.family)];
  if (known.contains(address)) return absl::OkStatus();
  tell_hooks(address.ip.family, VIC_CONFIG_RANGES);
  const vic_range6 key = key_of(address);
  const uint32_t length = owned_address(address).length;
  if (bpf_map_update_elem(maps_[index_of(address.ip.family)], &key, &length, BPF_ANY) != 0) {
    return base::errno_status(
        fmt::format("range {}: insert",
                    model::prefix_text(owned_address(address).ip, static_cast<uint8_t>(length))));
  }
  known.insert(address);
  return absl::OkStatus();
}

void Ranges::erase(const FrontAddress& address) {
  auto& known = known_[index_of(address.ip.family)];
  if (known.erase(address) == 0) return;
  const vic_range6 key = key_of(address);
  bpf_map_delete_elem(maps_[index_of(address.ip.family)], &key);
  if (known.empty()) tell_hooks(address.ip.family, 0);
}

void Ranges::clear_all_but(const absl::flat_hash_set<FrontAddress>& wanted) {
  for (const model::Family family : kFamilies) {
    auto& known = known_[index_of(family)];
    const int map = maps_[index_of(family)];
    for (const FrontAddress& address : read_keys(map, family)) {
      known.insert(address);
      if (!wanted.contains(address)) erase(address);
    }
    tell_hooks(family, known.empty() ? 0u : VIC_CONFIG_RANGES);
  }
}

void Ranges::tell_hooks(model::Family family, uint32_t flag) const {
  vic_config& config = memory_.config[index_of(family)];
  publish(config.flags, (config.flags & ~uint32_t{VIC_CONFIG_RANGES}) | flag);
}

}  // namespace vicinity::dataplane
