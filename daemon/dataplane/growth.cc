#include "dataplane/growth.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace vicinity::dataplane {
namespace {

constexpr uint64_t kMost = uint64_t{1} << 30;
constexpr uint32_t kFewestBuckets = 64;
// A page to begin with; whoever has used that up wants more than another one.
constexpr uint32_t kFirstChoiceLines = 64;
constexpr uint32_t kFewestChoiceLines = 2048;
// A service: its head, a table or two for each family. Entries likewise, and one for port 0.
constexpr uint64_t kRecordsPerService = 4;
constexpr uint64_t kEntriesPerService = 3;

// A quarter more than is in use at rest: replaced blocks wait for a grace period.
constexpr uint64_t with_headroom(uint64_t slots) { return slots + slots / 4 + 1; }

uint32_t clamp(uint64_t value) {
  return static_cast<uint32_t>(std::clamp<uint64_t>(value, 2, kMost));
}

uint32_t buckets_for(uint64_t entries, model::Family family) {
  const uint64_t buckets = std::bit_ceil(2 * entries / bucket_entries(family) + 1);
  return static_cast<uint32_t>(std::clamp<uint64_t>(buckets, kFewestBuckets, kMost));
}

// When it grows at all, to what the demand needs with headroom, and to twice the size at least, so
// that what is copied is copied few times.
uint32_t fitting(uint32_t size, uint64_t demand, uint64_t most) {
  if (demand < size) return size;
  const uint64_t fitting = std::max(2 * uint64_t{size}, with_headroom(demand));
  return std::max(size, clamp(std::min(fitting, most)));
}

uint64_t most_lines(const Limits& limits) {
  return limits.choice_lines == 0 ? kMost : with_headroom(limits.choice_lines);
}

uint64_t most_slots(const Limits& limits) {
  return limits.slots == 0 ? kMost : with_headroom(limits.slots);
}

}  // namespace

void GrowthRetry::failed(const Sizes& sizes, absl::Time now) {
  failed_ = sizes;
  next_ = now + wait_;
  wait_ = std::min(2 * wait_, kLongestWait);
}

Sizes first_sizes(uint32_t services, uint32_t slots) {
  Sizes sizes;
  sizes.records = clamp(services * kRecordsPerService + 1);
  sizes.choice_lines = kFirstChoiceLines;
  for (const model::Family family : kFamilies) {
    sizes.families[index_of(family)] = {
        .plain_slots = clamp(with_headroom(slots)),
        .aliased_slots = clamp(with_headroom(slots)),
        .buckets = buckets_for(services * kEntriesPerService, family)};
  }
  return sizes;
}

namespace {

// With a new generation everything is written anew: whatever is more than half full grows with it.
Demand doubled(Demand demand) {
  demand.records *= 2;
  demand.choice_lines *= 2;
  for (Demand::Family& family : demand.families) {
    family = {.plain_slots = 2 * family.plain_slots,
              .aliased_slots = 2 * family.aliased_slots,
              .frontends = 2 * family.frontends};
  }
  return demand;
}

Sizes fitted(const Sizes& sizes, const Demand& demand, const Limits& limits) {
  Sizes grown = sizes;
  grown.records = fitting(sizes.records, demand.records, kMost);
  if (demand.affinity) grown.affinities = VIC_AFFINITIES;
  if (demand.watch) grown.watched = VIC_WATCHED_ENDPOINTS;
  if (demand.choice_lines >= sizes.choice_lines) {
    grown.choice_lines = fitting(std::max(sizes.choice_lines, kFewestChoiceLines),
                                 demand.choice_lines, most_lines(limits));
  }
  for (const model::Family family : kFamilies) {
    const Demand::Family& wanted = demand.families[index_of(family)];
    Sizes::Family& size = grown.families[index_of(family)];
    size.plain_slots = fitting(size.plain_slots, wanted.plain_slots, most_slots(limits));
    size.aliased_slots = fitting(size.aliased_slots, wanted.aliased_slots, most_slots(limits));
    const uint64_t entries = uint64_t{size.buckets} * bucket_entries(family);
    if (wanted.frontends > entries / 2) size.buckets = buckets_for(wanted.frontends, family);
  }
  return grown;
}

}  // namespace

Sizes sizes_for(const Sizes& sizes, const Demand& demand, const Limits& limits) {
  if (fitted(sizes, demand, limits) == sizes) return sizes;
  return fitted(sizes, doubled(demand), limits);
}

Sizes sizes_for(const Sizes& sizes, const Unpublished& service, const Limits& limits) {
  Sizes grown = sizes;
  Sizes::Family& size = grown.families[index_of(service.family)];
  const uint64_t most = most_slots(limits);
  switch (service.shortage) {
    case Shortage::kNone:
      break;
    case Shortage::kRecords:
      grown.records = clamp(uint64_t{2} * sizes.records);
      break;
    case Shortage::kChoices:
      grown.choice_lines =
          std::max(sizes.choice_lines,
                   clamp(std::min(most_lines(limits), uint64_t{2} * sizes.choice_lines)));
      break;
    case Shortage::kPlainSlots:
      size.plain_slots =
          std::max(size.plain_slots, clamp(std::min(most, uint64_t{2} * size.plain_slots)));
      break;
    case Shortage::kAliasedSlots:
      size.aliased_slots =
          std::max(size.aliased_slots, clamp(std::min(most, uint64_t{2} * size.aliased_slots)));
      break;
    case Shortage::kFrontends:
      size.buckets = clamp(uint64_t{2} * size.buckets);
      break;
  }
  return grown;
}

}  // namespace vicinity::dataplane
