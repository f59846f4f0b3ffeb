#include "dataplane/prefixes.h"

#include <algorithm>
#include <bit>

namespace vicinity::dataplane {
namespace {

// The lowest byte of a prefix is its shift, so IPv6 prefixes are at most 56 bits long.
constexpr uint32_t kShiftBits = 8;
constexpr uint64_t kShiftMask = 63;

uint32_t smallest_shift(model::Family family) {
  return family == model::Family::kIpv4 ? 32 : kShiftBits;
}

std::optional<uint64_t> prefix_of(uint64_t leading, uint32_t shift) {
  if (shift >= 64) return std::nullopt;
  return (leading >> shift << shift) | shift;
}

// Places to cut a sorted list in: before the addresses that have least in common with the one
// before them.
std::vector<size_t> cuts(const std::vector<uint64_t>& leading) {
  std::vector<size_t> cuts;
  for (size_t i = 1; i < leading.size(); ++i) cuts.push_back(i);
  const size_t count = std::min<size_t>(cuts.size(), VIC_CONFIG_PREFIXES - 1);
  std::ranges::partial_sort(cuts, cuts.begin() + static_cast<ptrdiff_t>(count), {}, [&](size_t i) {
    return std::countl_zero(leading[i] ^ leading[i - 1]);
  });
  cuts.resize(count);
  std::ranges::sort(cuts);
  cuts.push_back(leading.size());
  return cuts;
}

}  // namespace

uint64_t leading_bits(const model::IpAddress& address) {
  const size_t length = address.family == model::Family::kIpv4 ? 4 : 8;
  uint64_t leading = 0;
  for (size_t i = 0; i < 8; ++i) leading = leading << 8 | (i < length ? address.bytes[i] : 0);
  return leading;
}

bool covers(uint64_t prefix, uint64_t leading) {
  return (prefix ^ leading) >> (prefix & kShiftMask) == 0;
}

std::optional<uint64_t> widened(uint64_t prefix, uint64_t leading) {
  const auto shift = static_cast<uint32_t>(prefix & kShiftMask);
  const uint64_t difference = (prefix ^ leading) >> shift << shift;
  const auto needed = static_cast<uint32_t>(64 - std::countl_zero(difference));
  return prefix_of(leading, std::max(shift, needed));
}

std::optional<std::array<uint64_t, VIC_CONFIG_PREFIXES>> covering(model::Family family,
                                                                  std::vector<uint64_t> leading) {
  std::array<uint64_t, VIC_CONFIG_PREFIXES> prefixes{};
  std::ranges::sort(leading);
  leading.erase(std::ranges::unique(leading).begin(), leading.end());
  size_t from = 0;
  size_t used = 0;
  for (const size_t to : cuts(leading)) {
    if (from == to) break;
    const auto exact = prefix_of(leading[from], smallest_shift(family));
    if (!exact) return std::nullopt;
    const auto prefix = widened(*exact, leading[to - 1]);
    if (!prefix) return std::nullopt;
    prefixes[used++] = *prefix;
    from = to;
  }
  return prefixes;
}

void Prefixes::set_complete(uint32_t flag) {
  publish(config_.flags, (config_.flags & ~uint32_t{VIC_CONFIG_PREFIXES_COMPLETE}) | flag);
}

void Prefixes::add(const model::IpAddress& address) {
  const uint64_t leading = leading_bits(address);
  ++changes_;
  if (std::ranges::any_of(config_.prefixes, [&](uint64_t p) { return covers(p, leading); })) return;
  __u64* best = nullptr;
  uint64_t wider = 0;
  for (__u64& prefix : config_.prefixes) {
    const auto candidate =
        prefix == 0 ? prefix_of(leading, smallest_shift(family_)) : widened(prefix, leading);
    if (!candidate || (best != nullptr && (wider & kShiftMask) <= (*candidate & kShiftMask))) {
      continue;
    }
    best = &prefix;
    wider = *candidate;
  }
  if (best != nullptr) return publish(*best, wider);
  // Not without the empty prefix: hooks look everything up until the next narrow() has a better
  // cover.
  set_complete(0);
  step_ = Step::kSteady;
}

// Prefixes are several words: a set that covers less is only exchanged while hooks do not ask them.
bool Prefixes::narrow(const Addresses& addresses) {
  switch (step_) {
    case Step::kSteady:
      if (changes_ == 0 || changes_ < covered_ / 4) return false;
      set_complete(0);
      step_ = Step::kOpened;
      return true;
    case Step::kOpened: {
      std::vector<uint64_t> leading = addresses();
      changes_ = 0;
      covered_ = leading.size();
      const auto prefixes = covering(family_, std::move(leading));
      step_ = prefixes ? Step::kWritten : Step::kSteady;
      if (prefixes) std::ranges::copy(*prefixes, config_.prefixes);
      return step_ == Step::kWritten;
    }
    case Step::kWritten:
      step_ = Step::kSteady;
      set_complete(VIC_CONFIG_PREFIXES_COMPLETE);
      return false;
  }
  return false;
}

}  // namespace vicinity::dataplane
