#include "dataplane/frontend_key.h"

#include <arpa/inet.h>

#include <cstring>
#include <utility>

namespace vicinity::dataplane {
namespace {

constexpr int kLongestWalk = 500;

// A table under construction: cuckoo hashing by random walk, with a walk that is the same each
// time.
class Arrangement {
 public:
  Arrangement(model::Family family, uint32_t buckets)
      : family_(family),
        table_(table_of(buckets)),
        entries_(size_t{buckets} * bucket_entries(family)) {}

  bool insert(FrontendKey key) {
    for (int step = 0; step < kLongestWalk; ++step) {
      const auto [first, second] = candidates(key, family_, table_);
      if (put(first, key) || put(second, key)) return true;
      std::swap(key, victim(random() % 2 == 0 ? first : second));
    }
    return false;
  }

  std::vector<FrontendKey> take() { return std::move(entries_); }

 private:
  std::span<FrontendKey> bucket(uint32_t index) {
    const uint32_t count = bucket_entries(family_);
    return std::span(entries_).subspan(size_t{index - table_.base} * count, count);
  }

  bool put(uint32_t index, const FrontendKey& key) {
    for (FrontendKey& entry : bucket(index)) {
      if (entry != FrontendKey{}) continue;
      entry = key;
      return true;
    }
    return false;
  }

  FrontendKey& victim(uint32_t index) { return bucket(index)[random() % bucket_entries(family_)]; }

  uint32_t random() {
    walk_ = walk_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(walk_ >> 33);
  }

  model::Family family_;
  vic_table table_;
  std::vector<FrontendKey> entries_;
  uint64_t walk_ = 1;
};

}  // namespace

FrontAddress front_address(const model::OwnedAddress& address, uint16_t realm) {
  if (address.is_host()) return {.ip = address.ip, .realm = realm};
  FrontAddress mark = {.ip = address.ip, .realm = static_cast<uint16_t>(realm | VIC_REALM_RANGE)};
  const uint32_t words = model::family_bits(address.ip.family) / 32u;
  for (uint32_t i = 0; i < words; ++i) {
    uint32_t word_be = 0;
    std::memcpy(&word_be, &mark.ip.bytes[size_t{4} * i], sizeof(word_be));
    word_be = htonl(vic_range_word(ntohl(word_be), i, address.length));
    std::memcpy(&mark.ip.bytes[size_t{4} * i], &word_be, sizeof(word_be));
  }
  return mark;
}

// The mark is the last bit that is set.
model::OwnedAddress owned_address(const FrontAddress& address) {
  const uint8_t bits = model::family_bits(address.ip.family);
  const bool everyone = (address.realm & ~VIC_REALM_RANGE) == VIC_REALM_EVERYONE;
  model::OwnedAddress owned = {
      .ip = address.ip,
      .length = bits,
      .audience = everyone ? model::Audience::kEveryone : model::Audience::kOwnNamespace};
  if (!address.is_range()) return owned;
  const auto is_set = [&](unsigned bit) {
    return (address.ip.bytes[bit / 8] & 0x80u >> bit % 8) != 0;
  };
  do {
    --owned.length;
  } while (owned.length > 0 && !is_set(owned.length));
  owned.ip = model::masked(address.ip, owned.length);
  return owned;
}

FrontendKey frontend_key(const model::IpAddress& address, uint16_t port, uint16_t realm) {
  FrontendKey key;
  const uint16_t port_be = htons(port);
  auto* bytes = reinterpret_cast<uint8_t*>(key.words.data());
  const size_t length = model::family_bits(address.family) / 8u;
  std::memcpy(bytes, address.bytes.data(), length);
  std::memcpy(bytes + length, &port_be, sizeof(port_be));
  std::memcpy(bytes + length + sizeof(port_be), &realm, sizeof(realm));
  return key;
}

model::IpAddress address_of(const FrontendKey& key, model::Family family) {
  model::IpAddress address = {.family = family, .bytes = {}};
  std::memcpy(address.bytes.data(), key.words.data(), model::family_bits(family) / 8u);
  return address;
}

uint16_t port_of(const FrontendKey& key, model::Family family) {
  uint16_t port_be = 0;
  const auto* bytes = reinterpret_cast<const uint8_t*>(key.words.data());
  std::memcpy(&port_be, bytes + model::family_bits(family) / 8u, sizeof(port_be));
  return ntohs(port_be);
}

uint16_t realm_of(const FrontendKey& key, model::Family family) {
  uint16_t realm = 0;
  const auto* bytes = reinterpret_cast<const uint8_t*>(key.words.data());
  std::memcpy(&realm, bytes + model::family_bits(family) / 8u + sizeof(uint16_t), sizeof(realm));
  return realm;
}

Candidates candidates(const FrontendKey& key, model::Family family, vic_table table) {
  const uint64_t hash = vic_hash(key.words.data(), key_words(family));
  return {.first = vic_first_bucket(hash, table), .second = vic_second_bucket(hash, table)};
}

HintPlace hint_place(const FrontendKey& key, model::Family family, vic_table table) {
  const auto abi_family = static_cast<vic_family>(family);
  const uint64_t address = vic_address_hash(key.words.data(), abi_family);
  return {.line = vic_hint_line(address, table, abi_family),
          .address = vic_address_bits(address),
          .view = vic_hint_view(vic_hash(key.words.data(), key_words(family)))};
}

std::optional<std::vector<FrontendKey>> arrange(std::span<const FrontendKey> keys,
                                                model::Family family, uint32_t buckets) {
  Arrangement arrangement(family, buckets);
  for (const FrontendKey& key : keys) {
    if (!arrangement.insert(key)) return std::nullopt;
  }
  return arrangement.take();
}

}  // namespace vicinity::dataplane
