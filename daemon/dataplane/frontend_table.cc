#include "dataplane/frontend_table.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace vicinity::dataplane {
namespace {

constexpr uint32_t kSmallestTable = 4;
// A table emptier than this does not grow: its keys collide, and more buckets would not help.
constexpr uint64_t kPlacesPerEntry = 32;
// Moving entries is housekeeping: so many at a time.
constexpr size_t kMovesUnderWay = 16;
// So many addresses may be noted for nothing, and a fourth of those with entries.
constexpr uint64_t kGoneAddresses = 16;

// Is an endpoint chosen?
bool is_choice(const vic_view& view) {
  return view.count > 0 && (view.flags & (VIC_VIEW_PASSTHROUGH | VIC_VIEW_UNKNOWN_PORT)) == 0;
}

}  // namespace

uint64_t word_of(const vic_view& view) { return std::bit_cast<uint64_t>(view); }
vic_view view_of(uint64_t word) { return std::bit_cast<vic_view>(word); }

void scan_frontends(const Memory& memory, model::Family family,
                    const std::function<void(const FrontendKey&, uint64_t)>& visit) {
  const std::span<__u64> words = memory.frontends[index_of(family)];
  const auto& table_word = reinterpret_cast<__u64&>(memory.config[index_of(family)].table);
  const auto table = std::bit_cast<vic_table>(observe(table_word));
  if (table.base + uint64_t{table.mask} >= words.size() / VIC_BUCKET_WORDS) return;
  const auto scan_bucket = [&](uint32_t bucket) {
    const uint32_t stride = key_words(family) + 1;
    for (uint32_t i = 0; i < VIC_BUCKET_WORDS; i += stride) {
      __u64* entry = &words[size_t{bucket} * VIC_BUCKET_WORDS + i];
      FrontendKey key;
      std::copy_n(entry, stride - 1, key.words.begin());
      if (key != FrontendKey{}) visit(key, observe(entry[stride - 1]));
    }
  };
  for (uint32_t i = 0; i <= table.mask; ++i) scan_bucket(table.base + i);
  for (uint32_t i = 0; i < VIC_OVERFLOW_BUCKETS; ++i) scan_bucket(i);
}

FrontendTable::FrontendTable(model::Family family, const Memory& memory)
    : family_(family),
      words_(memory.frontends[index_of(family)]),
      hints_(memory.hints[index_of(family)]),
      config_(memory.config[index_of(family)]),
      largest_(static_cast<uint32_t>(words_.size() / VIC_BUCKET_WORDS / 2)),
      busy_(words_.size() / (key_words(family) + 1)) {}

void FrontendTable::format() {
  std::ranges::fill(words_, 0);
  std::ranges::fill(hints_, vic_hints{});
  const uint32_t buckets = std::min(kSmallestTable, largest_);
  switch_to(buckets, std::vector<FrontendKey>(size_t{buckets} * bucket_entries(family_)));
}

FrontendKey FrontendTable::key_at(uint32_t place) const {
  FrontendKey key;
  std::copy_n(entry(place), key_words(family_), key.words.begin());
  return key;
}

std::vector<FrontendTable::Retired> FrontendTable::adopt() {
  std::vector<Retired> retired;
  const uint32_t first = config_.table.base * bucket_entries(family_);
  const uint32_t count = (config_.table.mask + 1) * bucket_entries(family_);
  for (uint32_t i = 0; i < count; ++i) adopt_place(first + i, retired);
  for (uint32_t i = 0; i < overflow_places(); ++i) adopt_place(i, retired);
  note_addresses_anew();
  return retired;
}

// A key is there twice when the daemon before us ended while it moved an entry.
void FrontendTable::adopt_place(uint32_t place, std::vector<Retired>& retired) {
  const FrontendKey key = key_at(place);
  if (key == FrontendKey{}) return;
  busy_[place] = true;
  const auto [found, fresh] = index_.try_emplace(key, FrontendEntry{.place = place});
  if (!fresh) {
    Leftover leftover = {.key = key, .place = place};
    if (view_at(found->second.place) == 0) std::swap(leftover.place, found->second.place);
    leftovers_.push_back(leftover);
    new_leftovers_.push_back(leftover);
  }
  found->second.retirement = view_at(found->second.place) == 0 ? ++retirements_ : 0;
  if (found->second.retirement != 0) {
    retired.push_back({.key = key, .retirement = found->second.retirement});
  }
}

const FrontendEntry* FrontendTable::find(const FrontendKey& key) const {
  auto found = index_.find(key);
  return found == index_.end() || found->second.retirement != 0 ? nullptr : &found->second;
}

FrontendEntry* FrontendTable::find_in_use(const FrontendKey& key) {
  return const_cast<FrontendEntry*>(find(key));
}

uint64_t FrontendTable::view(const FrontendKey& key) const {
  const FrontendEntry* found = find(key);
  return found == nullptr ? 0 : view_at(found->place);
}

void FrontendTable::set_owner(const FrontendKey& key, uint32_t owner) {
  index_.at(key).owner = owner;
}

std::vector<FrontendKey> FrontendTable::unowned() const {
  std::vector<FrontendKey> keys;
  for (const auto& [key, entry] : index_) {
    if (entry.retirement == 0 && entry.owner == 0) keys.push_back(key);
  }
  return keys;
}

std::optional<uint32_t> FrontendTable::free_in(uint32_t bucket) const {
  const uint32_t first = bucket * bucket_entries(family_);
  for (uint32_t place = first; place < first + bucket_entries(family_); ++place) {
    if (!busy_[place]) return place;
  }
  return std::nullopt;
}

// The first candidate bucket whenever it has room: then one cache line finds the entry.
std::optional<uint32_t> FrontendTable::free_place(const FrontendKey& key) const {
  const auto [first, second] = candidates(key, family_, config_.table);
  const auto place = free_in(first);
  return place ? place : free_in(second);
}

std::optional<uint32_t> FrontendTable::free_overflow() const {
  for (uint32_t bucket = 0; bucket < VIC_OVERFLOW_BUCKETS; ++bucket) {
    if (const auto place = free_in(bucket)) return place;
  }
  return std::nullopt;
}

void FrontendTable::occupy(uint32_t place, const FrontendKey& key) {
  busy_[place] = true;
  __u64* words = entry(place);
  for (uint32_t i = 0; i < key_words(family_); ++i) {
    std::atomic_ref<__u64>(words[i]).store(key.words[i], std::memory_order_relaxed);
  }
}

void FrontendTable::vacate(uint32_t place) {
  occupy(place, FrontendKey{});
  busy_[place] = false;
  const auto end = busy_.begin() + overflow_places();
  if (std::find(busy_.begin(), end, true) == end) {
    publish(config_.flags, config_.flags & ~uint32_t{VIC_CONFIG_OVERFLOW});
  }
}

void FrontendTable::prepare(std::span<const FrontendKey> keys) {
  const uint64_t places = (index_.size() + keys.size()) * 2;
  if (places <= uint64_t{buckets()} * bucket_entries(family_)) return;
  const auto wanted = std::min<uint64_t>(std::bit_ceil(places / bucket_entries(family_)), largest_);
  if (wanted <= buckets()) return;
  // Where not even the largest table takes them all, place() says which it does not.
  [[maybe_unused]] const bool arranged = rebuild(static_cast<uint32_t>(wanted), keys);
}

bool FrontendTable::place(const FrontendKey& key, uint32_t owner) {
  if (auto found = index_.find(key); found != index_.end()) {
    found->second.retirement = 0;  // its key is still there: only the view is missing
    found->second.owner = owner;
    return true;
  }
  auto place = free_place(key);
  if (!place) place = free_overflow();
  if (place && *place < overflow_places()) {
    publish(config_.flags, config_.flags | VIC_CONFIG_OVERFLOW);
  }
  if (place) {
    occupy(*place, key);
    note_address(key);
    index_.emplace(key, FrontendEntry{.place = *place, .owner = owner});
    return true;
  }
  const bool colliding =
      index_.size() * kPlacesPerEntry < uint64_t{buckets()} * bucket_entries(family_);
  if (colliding || !rebuild(2 * buckets(), std::span(&key, 1))) return false;
  set_owner(key, owner);
  return true;
}

std::span<vic_hints> FrontendTable::hints_of(uint32_t buckets) const {
  const vic_table table = table_of(buckets);
  const auto family = static_cast<vic_family>(family_);
  const uint32_t first = vic_hint_line(0, table, family);
  const uint32_t last = vic_hint_line(uint64_t{table.mask} << 32, table, family);
  return hints_.subspan(first, last + 1 - first);
}

// Before the entry has a view: hooks look no further for an address that is not noted.
void FrontendTable::note_address(const FrontendKey& key) {
  const HintPlace place = hint_place(key, family_, config_.table);
  __u64& addresses = hints_[place.line].addresses;
  publish(addresses, addresses | place.address);
}

// Hooks may read meanwhile: no bit of a key in the index is ever missing.
void FrontendTable::note_addresses_anew() {
  const std::span<vic_hints> hints = hints_of(buckets());
  const auto first = static_cast<size_t>(hints.data() - hints_.data());
  std::vector<uint64_t> addresses(hints.size());
  for (const auto& [key, entry] : index_) {
    const HintPlace place = hint_place(key, family_, config_.table);
    addresses[place.line - first] |= place.address;
  }
  for (size_t i = 0; i < hints.size(); ++i) publish(hints[i].addresses, addresses[i]);
  gone_addresses_ = 0;
}

// The last one published has the place: whoever loses it loses a little time.
void FrontendTable::hint(const FrontendKey& key, uint64_t view, vic_table table) {
  __u64& place = hint_at(hint_place(key, family_, table));
  if (is_choice(view_of(view))) {
    publish(place, view);
  } else if (place == this->view(key)) {
    publish(place, 0);
  }
}

void FrontendTable::set_view(const FrontendKey& key, uint64_t view) {
  set_view(key, index_.at(key), view);
}

void FrontendTable::set_view(const FrontendKey& key, const FrontendEntry& entry, uint64_t view) {
  hint(key, view, config_.table);
  publish(view_at(entry.place), view);
  for (const Leftover& leftover : leftovers_) {
    if (leftover.key == key && view_at(leftover.place) != 0) {
      publish(view_at(leftover.place), view);
    }
  }
}

FrontendTable::Retired FrontendTable::retire(const FrontendKey& key) {
  set_view(key, 0);
  index_.at(key).retirement = ++retirements_;
  return {.key = key, .retirement = retirements_};
}

void FrontendTable::release(const Retired& retired) {
  auto found = index_.find(retired.key);
  if (found == index_.end() || found->second.retirement != retired.retirement) return;  // came back
  vacate(found->second.place);
  index_.erase(found);
  if (++gone_addresses_ > kGoneAddresses + index_.size() / 4) note_addresses_anew();
}

// Nobody reads the larger table yet, and its memory was never in use: tables only grow.
bool FrontendTable::rebuild(uint32_t buckets, std::span<const FrontendKey> more) {
  std::vector<FrontendKey> keys;
  keys.reserve(index_.size() + more.size());
  for (const auto& [key, from] : index_) {
    if (from.retirement == 0) keys.push_back(key);
  }
  absl::flat_hash_set<FrontendKey> added;
  for (const FrontendKey& key : more) {
    if (find(key) == nullptr && added.insert(key).second) keys.push_back(key);
  }
  for (; buckets <= largest_; buckets *= 2) {
    const auto arranged = arrange(keys, family_, buckets);
    if (!arranged) continue;
    switch_to(buckets, *arranged);
    return true;
  }
  return false;
}

// One store; whoever began with the old table finds it as it was. Retired entries stay behind, and
// so do those of the overflow bucket, which both tables have in common, for a while.
void FrontendTable::switch_to(uint32_t buckets, std::span<const FrontendKey> arranged) {
  absl::flat_hash_map<FrontendKey, FrontendEntry> index;
  index.reserve(arranged.size() / 2);
  const uint32_t first = buckets * bucket_entries(family_);
  std::ranges::fill(hints_of(buckets), vic_hints{});
  for (uint32_t i = 0; i < arranged.size(); ++i) {
    const FrontendKey& key = arranged[i];
    occupy(first + i, key);
    busy_[first + i] = key != FrontendKey{};
    view_at(first + i) = view(key);
    if (key == FrontendKey{}) continue;
    const FrontendEntry* from = find(key);
    index.emplace(key, FrontendEntry{.place = first + i, .owner = from ? from->owner : 0});
    hint(key, view(key), table_of(buckets));
    const HintPlace noted = hint_place(key, family_, table_of(buckets));
    hints_[noted.line].addresses |= noted.address;
  }
  publish(reinterpret_cast<__u64&>(config_.table), std::bit_cast<uint64_t>(table_of(buckets)));
  index_ = std::move(index);
  gone_addresses_ = 0;
  for (uint32_t place = 0; place < overflow_places(); ++place) {
    const Leftover leftover = {.key = key_at(place), .place = place};
    if (!busy_[place] || std::ranges::count(leftovers_, leftover) > 0) continue;
    leftovers_.push_back(leftover);
    new_leftovers_.push_back(leftover);
  }
}

void FrontendTable::move(const FrontendKey& key, uint32_t place) {
  FrontendEntry& moving = index_.at(key);
  const Leftover leftover = {.key = key, .place = moving.place};
  occupy(place, key);
  publish(view_at(place), view_at(moving.place));
  moving.place = place;
  leftovers_.push_back(leftover);
  new_leftovers_.push_back(leftover);
}

// Moves one entry of a full bucket into its other bucket.
bool FrontendTable::make_way(uint32_t bucket) {
  const uint32_t first = bucket * bucket_entries(family_);
  for (uint32_t place = first; place < first + bucket_entries(family_); ++place) {
    const FrontendKey key = key_at(place);
    const FrontendEntry* moving = find(key);
    if (moving == nullptr || moving->place != place) return true;  // already on its way out
    if (const auto to = free_place(key)) {
      move(key, *to);
      return true;
    }
  }
  return false;
}

void FrontendTable::tidy() {
  for (uint32_t place = 0; place < overflow_places(); ++place) {
    const FrontendKey key = key_at(place);
    const FrontendEntry* waiting = find(key);
    if (waiting == nullptr || waiting->place != place) continue;
    if (leftovers_.size() >= kMovesUnderWay) return;
    if (const auto to = free_place(key)) {
      move(key, *to);
      continue;
    }
    const auto [one, two] = candidates(key, family_, config_.table);
    [[maybe_unused]] const bool under_way = make_way(one) || make_way(two);
  }
}

std::vector<FrontendTable::Leftover> FrontendTable::take_leftovers() {
  return std::exchange(new_leftovers_, {});
}

void FrontendTable::empty(const Leftover& leftover) { publish(view_at(leftover.place), 0); }

void FrontendTable::forget(const Leftover& leftover) {
  std::erase(leftovers_, leftover);
  vacate(leftover.place);
}

}  // namespace vicinity::dataplane
