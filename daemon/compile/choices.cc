#include "compile/choices.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/status.h"
#include "compile/maglev.h"
#include "compile/ring.h"
#include "compile/rotation.h"

namespace vicinity::compile {
namespace {

using policy::Algorithm;

constexpr uint32_t lines_for(size_t elements, size_t per_line) {
  return static_cast<uint32_t>((elements + per_line - 1) / per_line);
}

// The loaded slots of one tier.
struct LoadedTier {
  uint8_t tier = 0;
  uint16_t first = 0;
  std::span<const Slot> slots;
};

std::vector<LoadedTier> loaded_tiers(const PortTable& table) {
  std::vector<LoadedTier> tiers;
  const std::span<const Slot> loaded = std::span(table.slots).first(table.loaded);
  for (size_t first = 0; first < loaded.size();) {
    size_t end = first;
    while (end < loaded.size() && loaded[end].tier == loaded[first].tier) ++end;
    tiers.push_back({.tier = loaded[first].tier,
                     .first = static_cast<uint16_t>(first),
                     .slots = loaded.subspan(first, end - first)});
    first = end;
  }
  return tiers;
}

std::vector<uint32_t> weights_of(std::span<const Slot> tier) {
  std::vector<uint32_t> weights;
  weights.reserve(tier.size());
  for (const Slot& slot : tier) weights.push_back(slot.share);
  return weights;
}

bool equal_weights(std::span<const Slot> tier) {
  return std::ranges::adjacent_find(tier, std::ranges::not_equal_to(), &Slot::share) == tier.end();
}

uint64_t ring_lines(const policy::AlgorithmSpec& spec, std::span<const Slot> tier) {
  const std::vector<uint32_t> entries =
      ring_entries(hash_hosts(tier), {.min = spec.ring_min, .max = spec.ring_max});
  const uint64_t size = std::accumulate(entries.begin(), entries.end(), uint64_t{0});
  return lines_for(size, VIC_RING_LINE_ENTRIES) +
         lines_for(std::bit_ceil(std::max<uint64_t>(size, 2)), VIC_LINE_DIRECTORY);
}

// What a tier needs besides its descriptor and its members.
uint64_t tier_lines(const policy::AlgorithmSpec& spec, const LoadedTier& tier) {
  if (tier.slots.size() == 1) return 0;
  const size_t per_line = tier.slots.size() <= 256 ? VIC_LINE_BYTES : VIC_LINE_HALVES;
  if (spec.kind == Algorithm::kMaglev) return lines_for(spec.maglev_size, per_line);
  if (spec.kind == Algorithm::kRingHash) return ring_lines(spec, tier.slots);
  if (spec.kind != Algorithm::kRoundRobin || equal_weights(tier.slots)) return 0;
  const std::vector<uint32_t> weights = weights_of(tier.slots);
  const uint64_t period = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
  return lines_for(std::min(period, kLongestRotation + tier.slots.size()), per_line);
}

class BlockBuilder {
 public:
  BlockBuilder(const PortTable& table, const ChoiceFacts& facts)
      : table_(table), facts_(facts), tiers_(loaded_tiers(table)) {}

  absl::StatusOr<std::vector<vic_line>> build() {
    lines_.resize(lines_for(1 + tiers_.size(), 2));
    const uint32_t members = append(members_of(0, table_.loaded));
    if (facts_.watch_group != 0) add_watch();
    uint8_t until = 0;
    for (size_t i = 0; i < tiers_.size(); ++i) {
      VIC_ASSIGN_OR_RETURN(vic_choice_tier tier, add_tier(tiers_[i]));
      until = static_cast<uint8_t>(until + table_.tiers[tiers_[i].tier].load_percent);
      tier.load_until = until;
      if (i < facts_.cursors.size()) tier.cursor = facts_.cursors[i];
      store_half(1 + i, tier);
    }
    vic_choice_head head = head_of(members);
    store_half(0, head);
    head.checksum = choice_checksum(lines_);
    store_half(0, head);
    return std::move(lines_);
  }

 private:
  template <class T>
  void store_half(size_t half, const T& value) {
    static_assert(sizeof(T) == sizeof(vic_line) / 2);
    std::memcpy(reinterpret_cast<std::byte*>(lines_.data()) + half * sizeof(T), &value, sizeof(T));
  }

  // Appends the elements from a line of their own on; returns that line.
  template <class T>
  uint32_t append(const std::vector<T>& elements) {
    static_assert(sizeof(vic_line) % sizeof(T) == 0);
    const auto line = static_cast<uint32_t>(lines_.size());
    lines_.resize(line + lines_for(elements.size(), sizeof(vic_line) / sizeof(T)));
    std::memcpy(&lines_[line], elements.data(), elements.size() * sizeof(T));
    return line;
  }

  vic_choice_head head_of(uint32_t members) const {
    const policy::AlgorithmSpec& spec = table_.algorithm;
    return {.first_slot = facts_.first_slot,
            .count = table_.loaded,
            .algorithm = static_cast<uint8_t>(spec.kind),
            .tier_count = static_cast<uint8_t>(tiers_.size()),
            .choice_count = static_cast<uint8_t>(spec.choice_count),
            .flags = flags(),
            .bias_permille = static_cast<uint16_t>(spec.bias_permille),
            .affinity_s = spec.affinity_timeout_s,
            .table_id = facts_.table_id,
            .members = members,
            .checksum = 0};
  }

  uint8_t flags() const {
    uint32_t flags = 0;
    if (table_.algorithm.hash_input == policy::HashInput::kRandom) flags |= VIC_CHOICE_HASH_RANDOM;
    if (facts_.watch_group != 0) flags |= VIC_CHOICE_WATCHED;
    return static_cast<uint8_t>(flags);
  }

  std::vector<vic_member> members_of(size_t first, size_t end) const {
    std::vector<vic_member> members;
    members.reserve(end - first);
    for (size_t i = first; i < end; ++i) {
      members.push_back({.weight = table_.slots[i].share,
                         .endpoint = i < facts_.endpoints.size() ? facts_.endpoints[i] : 0});
    }
    return members;
  }

  void add_watch() {
    const std::span<const Slot> rest = std::span(table_.slots).subspan(table_.loaded);
    const auto other_tier = std::ranges::find_if(
        rest, [&](const Slot& slot) { return slot.tier != rest.front().tier; });
    vic_choice_watch watch = {};
    watch.group = facts_.watch_group;
    watch.rest_slot = facts_.rest_slot;
    watch.rest_count = static_cast<uint32_t>(rest.size());
    watch.next_count = static_cast<uint32_t>(other_tier - rest.begin());
    append(std::vector{watch});
    append(members_of(table_.loaded, table_.slots.size()));
  }

  absl::StatusOr<vic_choice_tier> add_tier(const LoadedTier& loaded) {
    vic_choice_tier tier = {};
    tier.first = loaded.first;
    tier.count = static_cast<uint16_t>(loaded.slots.size());
    tier.shape = VIC_SHAPE_EQUAL;
    const policy::AlgorithmSpec& spec = table_.algorithm;
    const bool equal = equal_weights(loaded.slots);
    if (loaded.slots.size() == 1) return tier;
    if (spec.kind == Algorithm::kRoundRobin && !equal) {
      add_indices(tier, rotation(weights_of(loaded.slots)));
    } else if (spec.kind == Algorithm::kMaglev) {
      add_indices(tier, maglev_table(hash_hosts(loaded.slots), spec.maglev_size));
    } else if (spec.kind == Algorithm::kRingHash) {
      VIC_RETURN_IF_ERROR(add_ring(tier, loaded));
    } else if (spec.kind == Algorithm::kLeastRequest && !equal) {
      tier.shape = VIC_SHAPE_WEIGHTED;
    }
    return tier;
  }

  void add_indices(vic_choice_tier& tier, const std::vector<uint16_t>& indices) {
    tier.size = static_cast<uint32_t>(indices.size());
    tier.shape = tier.count <= 256 ? VIC_SHAPE_BYTES : VIC_SHAPE_HALVES;
    if (tier.shape == VIC_SHAPE_HALVES) {
      tier.table = append(indices);
    } else {
      tier.table = append(std::vector<uint8_t>(indices.begin(), indices.end()));
    }
  }

  absl::Status add_ring(vic_choice_tier& tier, const LoadedTier& loaded) {
    const RingSizes sizes = {.min = table_.algorithm.ring_min, .max = table_.algorithm.ring_max};
    const std::vector<RingEntry> ring = hash_ring(hash_hosts(loaded.slots), sizes);
    const int bits = std::max(1, static_cast<int>(std::bit_width(ring.size() - 1)));
    tier.shape = VIC_SHAPE_RING;
    tier.size = static_cast<uint32_t>(ring.size());
    tier.shift = static_cast<uint8_t>(64 - bits);
    VIC_ASSIGN_OR_RETURN(const std::vector<uint32_t> directory, directory_of(ring, tier.shift));
    tier.directory = append(directory);
    std::vector<vic_ring_line> lines(lines_for(ring.size(), VIC_RING_LINE_ENTRIES));
    for (size_t i = 0; i < ring.size(); ++i) {
      vic_ring_line& line = lines[i / VIC_RING_LINE_ENTRIES];
      line.hash[i % VIC_RING_LINE_ENTRIES] = ring[i].hash;
      line.index[i % VIC_RING_LINE_ENTRIES] = ring[i].host;
    }
    tier.table = append(lines);
    return absl::OkStatus();
  }

  // The first entry of each bucket, or of a later one.
  absl::StatusOr<std::vector<uint32_t>> directory_of(const std::vector<RingEntry>& ring,
                                                     uint8_t shift) const {
    std::vector<uint32_t> directory(size_t{1} << (64 - shift));
    size_t next = 0;
    for (size_t bucket = 0; bucket < directory.size(); ++bucket) {
      const size_t first = next;
      directory[bucket] = static_cast<uint32_t>(first);
      while (next < ring.size() && ring[next].hash >> shift == bucket) ++next;
      if (next - first > VIC_RING_MOST_IN_BUCKET) {
        return base::invalid("port {}: ring of {} entries: {} of them in one place of {}",
                             table_.port, ring.size(), next - first, directory.size());
      }
    }
    return directory;
  }

  const PortTable& table_;
  const ChoiceFacts& facts_;
  std::vector<LoadedTier> tiers_;
  std::vector<vic_line> lines_;
};

}  // namespace

bool needs_choice(const PortTable& table) {
  return table.loaded > 0 && table.mode != policy::Mode::kPassthrough &&
         (table.algorithm != policy::AlgorithmSpec{} || table.watch);
}

uint64_t choice_lines(const PortTable& table) {
  if (!needs_choice(table)) return 0;
  const std::vector<LoadedTier> tiers = loaded_tiers(table);
  uint64_t lines = lines_for(1 + tiers.size(), 2) + lines_for(table.loaded, VIC_LINE_MEMBERS);
  for (const LoadedTier& tier : tiers) lines += tier_lines(table.algorithm, tier);
  if (table.watch) lines += 1 + lines_for(table.slots.size() - table.loaded, VIC_LINE_MEMBERS);
  return lines;
}

bool counts_active(const PortTable& table) {
  return needs_choice(table) && !table.watch && table.algorithm.kind == Algorithm::kLeastRequest;
}

absl::StatusOr<std::vector<vic_line>> choice_block(const PortTable& table,
                                                   const ChoiceFacts& facts) {
  return BlockBuilder(table, facts).build();
}

uint32_t choice_checksum(std::span<const vic_line> block) {
  vic_choice_head head = {};
  std::memcpy(&head, block.data(), sizeof(head));
  const auto body = block.subspan(std::min<size_t>(head.members, block.size()));
  const std::string_view bytes(reinterpret_cast<const char*>(body.data()), body.size_bytes());
  return static_cast<uint32_t>(envoy_hash(bytes));
}

uint64_t table_id(std::string_view service, uint16_t port, model::Family family) {
  return envoy_hash(service, uint64_t{port} << 8 | static_cast<uint8_t>(family));
}

std::vector<HashHost> hash_hosts(std::span<const Slot> tier) {
  std::vector<HashHost> hosts;
  hosts.reserve(tier.size());
  for (const Slot& slot : tier) {
    hosts.push_back({.key = model::endpoint_text(slot.address, slot.port), .weight = slot.share});
  }
  return hosts;
}

}  // namespace vicinity::compile
