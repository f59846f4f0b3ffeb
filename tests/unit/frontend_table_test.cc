// The frontend table against a map, through a lookup written like the hooks'.
#include "dataplane/frontend_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "dataplane/arena.h"
#include "dataplane/prefixes.h"

namespace vicinity::dataplane {
namespace {

using model::Family;
using model::IpAddress;

IpAddress address(Family family, uint32_t number) {
  IpAddress ip = {.family = family, .bytes = {10, 96}};
  const size_t last = model::family_bits(family) / 8u - 1;
  ip.bytes[last] = static_cast<uint8_t>(number);
  ip.bytes[last - 1] = static_cast<uint8_t>(number >> 8);
  return ip;
}

class FrontendTableTest : public ::testing::TestWithParam<Family> {
 protected:
  explicit FrontendTableTest(uint32_t largest = 512)
      : words_(size_t{2} * largest * VIC_BUCKET_WORDS), hints_(largest), config_(2) {
    memory_.config = config_;
    memory_.frontends = {words_, words_};
    memory_.hints = {hints_, hints_};
    table_.emplace(GetParam(), memory_);
    table_->format();
  }

  FrontendKey key(uint32_t number) const { return frontend_key(address(GetParam(), number), 80); }

  [[nodiscard]] uint64_t view_in(uint32_t bucket, const FrontendKey& key) const {
    const uint32_t stride = key_words(GetParam()) + 1;
    for (uint32_t i = 0; i < VIC_BUCKET_WORDS; i += stride) {
      const __u64* entry = &words_[size_t{bucket} * VIC_BUCKET_WORDS + i];
      if (std::equal(entry, entry + stride - 1, key.words.begin()) && entry[stride - 1] != 0) {
        return entry[stride - 1];
      }
    }
    return 0;
  }

  [[nodiscard]] HintPlace place_of(const FrontendKey& key) const {
    return hint_place(key, GetParam(), config_[static_cast<size_t>(GetParam())].table);
  }

  [[nodiscard]] bool is_noted(const FrontendKey& key) const {
    const HintPlace place = place_of(key);
    return (hints_.at(place.line).addresses & place.address) == place.address;
  }

  // How many of a thousand addresses that have no entry.
  [[nodiscard]] int noted_strangers() const {
    int noted = 0;
    for (uint32_t i = 0; i < 1000; ++i) noted += is_noted(key(20000 + i)) ? 1 : 0;
    return noted;
  }

  // As bpf/lookup.h does it.
  [[nodiscard]] uint64_t look_up(const FrontendKey& key) const {
    if (!is_noted(key)) return 0;
    const vic_config& config = config_[static_cast<size_t>(GetParam())];
    const Candidates buckets = candidates(key, GetParam(), config.table);
    if (const uint64_t view = view_in(buckets.first, key)) return view;
    if (const uint64_t view = view_in(buckets.second, key)) return view;
    if ((config.flags & VIC_CONFIG_OVERFLOW) == 0) return 0;
    const uint64_t view = view_in(0, key);
    return view != 0 ? view : view_in(1, key);
  }

  void publish(uint32_t number, uint64_t view) {
    if (table_->find(key(number)) == nullptr) {
      ASSERT_TRUE(table_->place(key(number), 1));
    }
    table_->set_view(key(number), view);
    want_[number] = view;
  }

  void remove(uint32_t number) {
    retired_.push_back({table_->retire(key(number)), ticket_});
    want_.erase(number);
  }

  // A grace period: what waited for one goes a step further.
  void grace() {
    ++ticket_;
    table_->tidy();
    for (const auto& leftover : table_->take_leftovers())
      left_.push_back({leftover, ticket_, false});
    while (!retired_.empty() && retired_.front().second < ticket_) {
      table_->release(retired_.front().first);
      retired_.pop_front();
    }
    for (size_t waiting = left_.size(); waiting > 0; --waiting) {
      Left left = left_.front();
      left_.pop_front();
      if (left.ticket == ticket_) {
        left_.push_back(left);
      } else if (!left.emptied) {
        table_->empty(left.leftover);
        left_.push_back({left.leftover, ticket_, true});
      } else {
        table_->forget(left.leftover);
      }
    }
  }

  [[nodiscard]] uint64_t hint_of(uint32_t number) const {
    const HintPlace place = place_of(key(number));
    return word_of(hints_.at(place.line).views[place.view]);
  }

  void expect_all() const {
    for (const auto& [number, view] : want_) ASSERT_EQ(look_up(key(number)), view) << number;
  }

  struct Left {
    FrontendTable::Leftover leftover;
    uint64_t ticket;
    bool emptied;
  };
  std::vector<__u64> words_;
  std::vector<vic_hints> hints_;
  std::vector<vic_config> config_;
  Memory memory_;
  std::optional<FrontendTable> table_;
  std::map<uint32_t, uint64_t> want_;
  std::deque<std::pair<FrontendTable::Retired, uint64_t>> retired_;
  std::deque<Left> left_;
  uint64_t ticket_ = 0;
};

TEST_P(FrontendTableTest, FollowsAMapThroughRandomChanges) {
  std::mt19937 random(11);
  uint64_t view = 0;
  for (int step = 0; step < 20000; ++step) {
    const auto number = static_cast<uint32_t>(random() % 300);
    if (random() % 3 == 0 && want_.contains(number)) {
      remove(number);
      EXPECT_EQ(look_up(key(number)), 0u);
    } else {
      publish(number, ++view);
      EXPECT_EQ(look_up(key(number)), view);
    }
    if (random() % 20 == 0) grace();
    if (step % 50 == 0) expect_all();
  }
  expect_all();
  for (int i = 0; i < 20; ++i) grace();
  EXPECT_EQ(table_->used(), want_.size());
  for (const auto& [number, ignored] : std::map(want_)) remove(number);
  for (int i = 0; i < 20; ++i) grace();
  EXPECT_EQ(table_->used(), 0u);
}

// The rule that P2 rests on.
TEST_P(FrontendTableTest, APlaceGetsAnotherKeyOnlyAfterItsGracePeriod) {
  std::map<uint32_t, FrontendKey> waiting;
  for (uint32_t i = 0; i < 40; ++i) publish(i, 1);
  for (uint32_t i = 0; i < 40; i += 2) {
    waiting.emplace(table_->find(key(i))->place, key(i));
    remove(i);
  }
  for (uint32_t i = 100; i < 110; ++i) {
    publish(i, 2);
    EXPECT_FALSE(waiting.contains(table_->find(key(i))->place));
  }
  // One that comes back takes its own place, at once.
  publish(0, 3);
  EXPECT_EQ(waiting.at(table_->find(key(0))->place), key(0));
  grace();
  EXPECT_EQ(look_up(key(0)), 3u) << "released although it came back";
}

// While an entry moves, both of its places are kept the same.
TEST_P(FrontendTableTest, AMovedEntryIsFoundAtBothPlaces) {
  uint32_t moved = 0;
  for (uint32_t i = 0; i < 200; ++i) {
    publish(i, i + 1);
    table_->tidy();
    for (const auto& leftover : table_->take_leftovers()) {
      const uint32_t stride = key_words(GetParam()) + 1;
      const __u64& old_view = words_[size_t{leftover.place} * stride + stride - 1];
      EXPECT_EQ(old_view, table_->view(leftover.key));
      table_->set_view(leftover.key, 777);
      EXPECT_EQ(old_view, 777u);
      EXPECT_EQ(look_up(leftover.key), 777u);
      for (auto& [number, view] : want_) {
        if (key(number) == leftover.key) view = 777;
      }
      left_.push_back({leftover, ticket_, false});
      ++moved;
    }
    grace();
  }
  EXPECT_GT(moved, 0u);
  expect_all();
}

TEST_P(FrontendTableTest, ManyAtOnceGoIntoATableOfTheRightSize) {
  std::vector<FrontendKey> keys;
  for (uint32_t i = 0; i < 400; ++i) keys.push_back(key(i));
  table_->prepare(keys);
  const uint32_t buckets = table_->buckets();
  EXPECT_LE(uint64_t{buckets} * bucket_entries(GetParam()), 4u * keys.size());
  for (uint32_t i = 0; i < 400; ++i) publish(i, i + 1);
  EXPECT_EQ(table_->buckets(), buckets);
  expect_all();
}

TEST_P(FrontendTableTest, SaysWhenThereIsNoRoom) {
  uint32_t placed = 0;
  while (placed < 4096 && table_->place(key(placed), 1)) {
    table_->set_view(key(placed), placed + 1);
    want_[placed] = ++placed;
  }
  EXPECT_LT(placed, table_->capacity() + 8);
  EXPECT_GT(placed, table_->capacity() / 4);
  want_.clear();
  for (uint32_t i = 0; i < placed; ++i) ASSERT_EQ(look_up(key(i)), i + 1);
}

TEST_P(FrontendTableTest, IsAdoptedWithWhatWasOnItsWayOut) {
  for (uint32_t i = 0; i < 100; ++i) publish(i, i + 1);
  remove(7);
  FrontendTable next(GetParam(), memory_);
  const auto retired = next.adopt();
  ASSERT_EQ(retired.size(), 1u);
  EXPECT_EQ(retired[0].key, key(7));
  EXPECT_EQ(next.find(key(7)), nullptr);
  for (uint32_t i = 8; i < 100; ++i) EXPECT_EQ(next.view(key(i)), i + 1);
  EXPECT_EQ(next.unowned().size(), 99u);
}

// Through several tables, the last one as full as it gets.
TEST_P(FrontendTableTest, NearlyNoStrangerIsNoted) {
  for (uint32_t i = 0; i < 200; ++i) {
    publish(i, i + 1);
    EXPECT_LT(noted_strangers(), 120) << i;
  }
  expect_all();
}

TEST_P(FrontendTableTest, AnAddressIsNotedWhateverThePortAndRealm) {
  publish(1, 1);
  EXPECT_TRUE(is_noted(frontend_key(address(GetParam(), 1), 443)));
  EXPECT_TRUE(is_noted(frontend_key(address(GetParam(), 1), 0)));
  EXPECT_TRUE(is_noted(frontend_key(address(GetParam(), 1), 80, 5)));
}

TEST_P(FrontendTableTest, MostAddressesWithoutEntriesAreForgotten) {
  for (uint32_t i = 0; i < 5000; ++i) {
    publish(i, i + 1);
    if (i >= 10) remove(i - 10);
    grace();
    expect_all();
    ASSERT_LT(noted_strangers(), 300) << i;
  }
}

// Bits that were set for nothing, and bits that are missing, as no daemon leaves them.
TEST_P(FrontendTableTest, AdoptedAddressesAreNotedAnew) {
  for (uint32_t i = 0; i < 100; ++i) publish(i, i + 1);
  for (const __u64 word : {~__u64{0}, __u64{0}}) {
    for (vic_hints& hints : hints_) hints.addresses = word;
    FrontendTable next(GetParam(), memory_);
    EXPECT_TRUE(next.adopt().empty());
    expect_all();
    EXPECT_LT(noted_strangers(), 60);
  }
}

uint64_t choice(uint32_t first, uint32_t flags = 0) {
  return word_of({.first = first, .count = 1, .flags = static_cast<__u16>(VIC_VIEW_VALID | flags)});
}

// Through several tables, each larger than the one before.
TEST_P(FrontendTableTest, AHintIsTheViewOfMostKeysThatShareIt) {
  constexpr uint32_t kKeys = 200;
  for (uint32_t i = 0; i < kKeys; ++i) publish(i, choice(i));
  uint32_t own = 0;
  for (uint32_t i = 0; i < kKeys; ++i) {
    ASSERT_LT(view_of(hint_of(i)).first, kKeys);
    EXPECT_EQ(hint_of(i), choice(view_of(hint_of(i)).first)) << "some key's view";
    own += hint_of(i) == choice(i) ? 1 : 0;
  }
  EXPECT_GT(own, kKeys * 3 / 4);
}

TEST_P(FrontendTableTest, AHintFollowsItsViewAndGoesWithIt) {
  publish(1, choice(10));
  EXPECT_EQ(hint_of(1), choice(10));
  publish(1, choice(20));
  EXPECT_EQ(hint_of(1), choice(20));
  remove(1);
  EXPECT_EQ(hint_of(1), 0u);
}

TEST_P(FrontendTableTest, OnlyChoicesAreHintedAt) {
  const uint64_t empty = word_of({.first = 1, .count = 0, .flags = VIC_VIEW_VALID});
  for (const uint64_t view :
       {empty, choice(1, VIC_VIEW_PASSTHROUGH), choice(1, VIC_VIEW_UNKNOWN_PORT)}) {
    publish(1, choice(10));
    publish(1, view);
    EXPECT_EQ(hint_of(1), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, FrontendTableTest,
                         ::testing::Values(Family::kIpv4, Family::kIpv6));

TEST(Arena, GivesOutEveryIndexOnceAndJoinsWhatComesBack) {
  Arena arena({.first = 1, .count = 1000});
  std::mt19937 random(5);
  std::vector<Block> blocks;
  std::set<uint32_t> taken;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0) {
      const auto block = arena.allocate(1 + static_cast<uint32_t>(random() % 40));
      if (!block) continue;
      for (uint32_t i = 0; i < block->count; ++i)
        ASSERT_TRUE(taken.insert(block->first + i).second);
      blocks.push_back(*block);
    } else if (!blocks.empty()) {
      const size_t victim = random() % blocks.size();
      for (uint32_t i = 0; i < blocks[victim].count; ++i) taken.erase(blocks[victim].first + i);
      arena.release(blocks[victim]);
      blocks.erase(blocks.begin() + static_cast<ptrdiff_t>(victim));
    }
    ASSERT_EQ(arena.used(), taken.size());
  }
  for (const Block& block : blocks) arena.release(block);
  EXPECT_EQ(arena.allocate(1000), (Block{.first = 1, .count = 1000}));
  EXPECT_EQ(arena.allocate(1), std::nullopt);
}

TEST(Arena, TakesOverBlocksInUse) {
  Arena arena({.first = 1, .count = 10});
  EXPECT_TRUE(arena.take({.first = 4, .count = 3}));
  EXPECT_FALSE(arena.take({.first = 6, .count = 1}));
  EXPECT_FALSE(arena.take({.first = 9, .count = 3}));
  EXPECT_EQ(arena.allocate(4), (Block{.first = 7, .count = 4}));
  arena.release({.first = 4, .count = 3});
  EXPECT_EQ(arena.allocate(6), (Block{.first = 1, .count = 6}));
}

// Loaded slots fill the arena from the front and the others from the back; a table that does not
// fit whole takes nothing.
TEST(Arena, KeepsSlotsWithLoadApartFromTheOthers) {
  Arena arena({.first = 1, .count = 100});
  const auto one = allocate_slots(arena, 10, 20);
  const auto two = allocate_slots(arena, 5, 30);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->loaded, (Block{.first = 1, .count = 10}));
  EXPECT_EQ(two->loaded, (Block{.first = 11, .count = 5}));
  EXPECT_EQ(one->rest, (Block{.first = 81, .count = 20}));
  EXPECT_EQ(two->rest, (Block{.first = 51, .count = 30}));
  EXPECT_FALSE(allocate_slots(arena, 20, 16).has_value());
  EXPECT_EQ(arena.used(), 65U);

  Arena adopted({.first = 1, .count = 100});
  take_slots(adopted, *one);
  take_slots(adopted, *two);
  EXPECT_EQ(adopted.allocate(35), (Block{.first = 16, .count = 35}));
  release_slots(adopted, *one);
  release_slots(adopted, *two);
  EXPECT_EQ(adopted.used(), 35U);
}

struct CoverRow {
  std::vector<std::string> addresses;
  std::vector<std::string> outside;
  size_t prefixes;
};

TEST(Prefixes, CoverEveryAddressAndLittleElse) {
  const std::vector<CoverRow> rows = {
      {{}, {"10.96.0.1"}, 0},
      {{"10.96.0.1"}, {"10.96.0.2", "0.0.0.0"}, 1},
      {{"10.96.0.1", "10.96.200.1", "192.168.7.7"}, {"10.244.0.1", "8.8.8.8"}, 3},
      {{"10.96.0.1", "10.96.0.2", "10.96.7.1", "10.97.0.1", "10.100.1.1", "240.240.0.1"},
       {"10.244.1.5", "127.0.0.1", "192.168.1.1"},
       3},
      {{"fd00:10:96::1", "fd00:10:96::ffff"}, {"fd00:10:244::1", "2001:db8::1"}, 1},
  };
  for (const CoverRow& row : rows) {
    std::vector<uint64_t> leading;
    Family family = Family::kIpv4;
    for (const std::string& text : row.addresses) {
      const IpAddress ip = IpAddress::parse(text).value();
      family = ip.family;
      leading.push_back(leading_bits(ip));
    }
    const auto prefixes = covering(family, leading);
    ASSERT_TRUE(prefixes.has_value());
    EXPECT_EQ(std::ranges::count_if(*prefixes, [](uint64_t p) { return p != 0; }),
              static_cast<ptrdiff_t>(row.prefixes));
    const auto covered = [&](uint64_t bits) {
      return std::ranges::any_of(*prefixes, [&](uint64_t p) { return p != 0 && covers(p, bits); });
    };
    for (const uint64_t bits : leading) EXPECT_TRUE(covered(bits));
    for (const std::string& text : row.outside) {
      EXPECT_FALSE(covered(leading_bits(IpAddress::parse(text).value()))) << text;
    }
  }
}

TEST(Prefixes, AreWidenedAtOnceAndNarrowedInSteps) {
  vic_config config = {};
  Prefixes prefixes(Family::kIpv4, config);
  std::vector<uint64_t> addresses;
  const auto all = [&] { return addresses; };
  const auto covered = [&](const char* text) {
    const uint64_t bits = leading_bits(IpAddress::parse(text).value());
    return (config.flags & VIC_CONFIG_PREFIXES_COMPLETE) == 0 ||
           std::ranges::any_of(config.prefixes, [&](uint64_t p) { return covers(p, bits); });
  };
  const auto add = [&](const char* text) {
    prefixes.add(IpAddress::parse(text).value());
    addresses.push_back(leading_bits(IpAddress::parse(text).value()));
    EXPECT_TRUE(covered(text));
  };
  add("10.96.0.1");
  while (prefixes.narrow(all)) {
  }
  EXPECT_TRUE(config.flags & VIC_CONFIG_PREFIXES_COMPLETE);
  EXPECT_FALSE(covered("10.96.0.9"));
  std::mt19937 random(9);
  for (int i = 0; i < 200; ++i) {
    const std::string text = "10." + std::to_string(96 + random() % 4) + "." +
                             std::to_string(random() % 256) + "." + std::to_string(random() % 256);
    add(text.c_str());
    static_cast<void>(prefixes.narrow(all));
    for (const uint64_t bits : addresses) {
      ASSERT_TRUE(
          (config.flags & VIC_CONFIG_PREFIXES_COMPLETE) == 0 ||
          std::ranges::any_of(config.prefixes, [&](uint64_t p) { return covers(p, bits); }));
    }
  }
  EXPECT_FALSE(covered("8.8.8.8"));
  // Both halves of the address space: no prefix covers that, so everything is looked up.
  for (const char* text : {"1.1.1.1", "200.1.1.1", "100.1.1.1", "60.1.1.1", "130.1.1.1"}) add(text);
}

}  // namespace
}  // namespace vicinity::dataplane
