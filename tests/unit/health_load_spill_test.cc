// Tiers that give up load: when, how far, and when they take it back. Looks are 10 s apart.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "health/load_spill.h"
#include "unit/health_rows.h"

namespace vicinity::testing {
namespace {

using health::LoadSpill;
using health::LoadStep;
using health::Weight;
using Tiers = std::vector<policy::WeighedTier>;

enum class Zone : uint8_t { kOwn, kOther };

// Hosts `first` to `last` - 1, one unit of capacity each.
policy::WeighedTier tier(uint32_t percent, uint32_t first, uint32_t last, Zone zone) {
  policy::WeighedTier one;
  one.load = {.percent = percent, .leaves_zone = zone == Zone::kOther};
  one.capacity = last - first;
  for (uint32_t i = first; i < last; ++i) one.hosts.push_back(host(i));
  return one;
}

policy::WeighedPort port(const policy::LoadSpillSpec& spec, Tiers tiers) {
  for (uint32_t i = 0; i < tiers.size(); ++i) tiers[i].priority = i;
  return {.port = 80, .family = model::Family::kIpv4, .spec = spec, .tiers = std::move(tiers)};
}

// Ten hosts near, ten far.
Tiers near_and_far() { return {tier(100, 0, 10, Zone::kOwn), tier(0, 10, 20, Zone::kOther)}; }

// What an interval brings a tier.
struct Seen {
  uint64_t active = 0;
  uint64_t connects = 0;
  double ms = 0;  // each
};

class Scale {
 public:
  explicit Scale(policy::WeighedPort port) : spill_(port, now_) {}

  // One interval, in which nobody else brings anything. What each tier gives then: "20 0".
  std::string look(const std::vector<Seen>& seen) {
    for (size_t i = 0; i < seen.size(); ++i) {
      const double connect_ns = seen[i].ms * 1e6 * static_cast<double>(seen[i].connects);
      spill_.add(i, {.active = seen[i].active,
                     .established = seen[i].connects,
                     .connect_ns = static_cast<uint64_t>(connect_ns)});
    }
    spill_.end_sample();
    now_ = spill_.next_look();
    for (const LoadStep& step : spill_.look(now_)) steps_.push_back(step);
    return given();
  }
  std::string looks(int count, const Seen& near) {
    for (int i = 0; i < count; ++i) look({near});
    return given();
  }
  [[nodiscard]] std::string given() const {
    return fmt::format("{}", fmt::join(spill_.given(), " "));
  }
  [[nodiscard]] LoadSpill& spill() { return spill_; }
  [[nodiscard]] const std::vector<LoadStep>& steps() const { return steps_; }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1000);
  LoadSpill spill_;
  std::vector<LoadStep> steps_;
};

constexpr policy::LoadSpillSpec kActive{.max_active_permille = 2000};
constexpr policy::LoadSpillSpec kTime{.connect_time_permille = 3000};
// Enough to learn what is usual: 1 ms.
constexpr Seen kUsual{.active = 0, .connects = 100, .ms = 1};
constexpr Seen kSlow{.active = 0, .connects = 100, .ms = 4};

struct Row {
  Seen near;
  std::string given;
};

struct Sequence {
  const char* what;
  policy::LoadSpillSpec spec;
  std::vector<Row> looks;
};

const std::vector<Sequence>& sequences() {
  static const std::vector<Sequence> all = {
      {"a step at each look while over, not beyond the share that may leave",
       {.max_active_permille = 2000, .step_percent = 20, .max_share_percent = 50},
       {{{21}, "20 0"}, {{21}, "40 0"}, {{21}, "60 0"}, {{21}, "60 0"}, {{21}, "60 0"}}},
      {"exactly the limit is not over", kActive, {{{20}, "0 0"}, {{20}, "0 0"}}},
      {"back after three looks well below",
       kActive,
       {{{21}, "10 0"},
        {{21}, "20 0"},
        {{10}, "20 0"},
        {{10}, "20 0"},
        {{10}, "10 0"},
        {{10}, "10 0"},
        {{10}, "10 0"},
        {{10}, "0 0"},
        {{10}, "0 0"}}},
      {"between the limit and well below nothing moves",
       kActive,
       {{{21}, "10 0"},
        {{20}, "10 0"},
        {{16}, "10 0"},
        {{16}, "10 0"},
        {{16}, "10 0"},
        {{16}, "10 0"}}},
      {"well below is meant for the share that it would have then",
       kActive,
       {{{21}, "10 0"},
        {{15}, "10 0"},
        {{15}, "10 0"},
        {{15}, "10 0"},
        {{14}, "10 0"},
        {{14}, "10 0"},
        {{14}, "0 0"}}},
      {"a look between starts the wait anew",
       kActive,
       {{{21}, "10 0"},
        {{10}, "10 0"},
        {{10}, "10 0"},
        {{19}, "10 0"},
        {{10}, "10 0"},
        {{10}, "10 0"},
        {{10}, "0 0"}}},
      {"going back too early doubles the wait",
       kActive,
       {{{21}, "10 0"},
        {{9}, "10 0"},
        {{9}, "10 0"},
        {{9}, "0 0"},
        {{21}, "10 0"},
        {{9}, "10 0"},
        {{9}, "10 0"},
        {{9}, "10 0"},
        {{9}, "10 0"},
        {{9}, "10 0"},
        {{9}, "0 0"}}},
      {"connect time: three measurements are learnt from, then compared",
       kTime,
       {{kUsual, "0 0"},
        {kUsual, "0 0"},
        {kUsual, "0 0"},
        {{0, 100, 2.9}, "0 0"},
        {{0, 100, 3.5}, "10 0"},
        {{0, 100, 3.5}, "20 0"}}},
      {"connect time: back well below the limit",
       kTime,
       {{kUsual, "0 0"},
        {kUsual, "0 0"},
        {kUsual, "0 0"},
        {kSlow, "10 0"},
        {{0, 100, 2.6}, "10 0"},
        {{0, 100, 2.6}, "10 0"},
        {{0, 100, 2.6}, "10 0"},
        {{0, 100, 2.6}, "10 0"},
        {kUsual, "10 0"},
        {kUsual, "10 0"},
        {kUsual, "0 0"}}},
      {"connect time: slow from the start is usual until it is seen better",
       kTime,
       {{kSlow, "0 0"}, {kSlow, "0 0"}, {kSlow, "0 0"}, {kSlow, "0 0"}, {kSlow, "0 0"}}},
      {"too few connects say nothing alone, and add up",
       kTime,
       {{kUsual, "0 0"},
        {kUsual, "0 0"},
        {kUsual, "0 0"},
        {{0, 10, 9}, "0 0"},
        {{0, 9, 9}, "0 0"},
        {{0, 1, 9}, "10 0"},
        {{0, 19, 9}, "10 0"},
        {{0, 1, 9}, "20 0"}}},
      {"either limit is enough, and both must be far for a step back",
       {.max_active_permille = 2000, .connect_time_permille = 3000},
       {{{0, 100, 1}, "0 0"},
        {{0, 100, 1}, "0 0"},
        {{0, 100, 1}, "0 0"},
        {{21, 100, 1}, "10 0"},
        {{0, 100, 4}, "20 0"},
        {{19, 100, 1}, "20 0"},
        {{19, 100, 1}, "20 0"},
        {{19, 100, 1}, "20 0"},
        {{0, 100, 1}, "20 0"},
        {{0, 100, 1}, "20 0"},
        {{0, 100, 1}, "10 0"}}},
  };
  return all;
}

TEST(LoadSpill, Steps) {
  for (const Sequence& sequence : sequences()) {
    Scale scale(port(sequence.spec, near_and_far()));
    for (size_t i = 0; i < sequence.looks.size(); ++i) {
      EXPECT_EQ(scale.look({sequence.looks[i].near}), sequence.looks[i].given)
          << sequence.what << ", look " << i;
    }
  }
}

TEST(LoadSpill, NotBeforeTheIntervalIsOver) {
  Scale scale(port(kActive, near_and_far()));
  auto& spill = scale.spill();
  for (int second = 1; second < 10; ++second) {
    spill.add(0, {.active = 100});
    spill.end_sample();
    EXPECT_TRUE(spill.look(absl::FromUnixSeconds(1000 + second)).empty()) << second;
  }
  EXPECT_EQ(spill.look(absl::FromUnixSeconds(1010)).size(), 1u);
  EXPECT_TRUE(spill.look(absl::FromUnixSeconds(1010)).empty());
}

// One sample of many connections is no overload.
TEST(LoadSpill, WhatIsOpenCountsOnAverage) {
  Scale scale(port(kActive, near_and_far()));
  for (int i = 0; i < 9; ++i) scale.spill().end_sample();
  EXPECT_EQ(scale.look({{.active = 200}}), "0 0");
  for (int i = 0; i < 9; ++i) scale.spill().end_sample();
  EXPECT_EQ(scale.look({{.active = 201}}), "10 0");
}

// What is offered stays as it is, what the tier carries follows its share: whatever is offered, it
// comes to rest, at a share that is not too much, or at the bound.
TEST(LoadSpill, ComesToRestUnderAnyLoad) {
  for (uint64_t offered = 2; offered < 200; offered += 3) {
    Scale scale(port({.max_active_permille = 2000, .max_share_percent = 100}, near_and_far()));
    uint64_t active = offered;
    for (int i = 0; i < 50; ++i) {
      scale.look({{.active = active}});
      active = offered * (100 - scale.spill().given()[0]) / 100;
    }
    const size_t steps = scale.steps().size();
    const std::string given = scale.given();
    for (int i = 0; i < 100; ++i) scale.look({{.active = active}});
    EXPECT_EQ(scale.steps().size(), steps) << offered;
    EXPECT_TRUE(active <= 20 || given == "90 0") << offered << " offered, gives " << given;
    EXPECT_TRUE(offered > 20 || given == "0 0") << offered << " offered, gives " << given;
  }
}

// With its whole share it is slow, with a step less it is not: no share is right, so it goes back
// and forth, more and more rarely.
TEST(LoadSpill, GoesBackAndForthRarely) {
  Scale scale(port(kTime, near_and_far()));
  scale.looks(10, kUsual);
  for (int i = 0; i < 1000; ++i) scale.look({scale.given() == "0 0" ? kSlow : kUsual});
  EXPECT_GE(scale.steps().size(), 40u);
  EXPECT_LE(scale.steps().size(), 2u * 1000 / LoadSpill::kMostCalmLooks + 10);
}

TEST(LoadSpill, WhoeverIsNotUsedAnyMoreIsNotOverloaded) {
  Scale scale(port(kTime, near_and_far()));
  scale.looks(3, kUsual);
  EXPECT_EQ(scale.looks(2, kSlow), "20 0");
  constexpr int kOnce = LoadSpill::kIdleLooks * LoadSpill::kCalmLooks;
  EXPECT_EQ(scale.looks(kOnce - 1, {.connects = 1, .ms = 9}), "20 0");
  EXPECT_EQ(scale.looks(1, {.connects = 1, .ms = 9}), "10 0");
}

TEST(LoadSpill, AnHourOfOverloadIsNotUsualAndALastingChangeIsInTheEnd) {
  Scale scale(port(kTime, near_and_far()));
  scale.looks(3, kUsual);
  EXPECT_EQ(scale.looks(360, kSlow), "50 0");
  EXPECT_EQ(scale.spill().state(0).weight, Weight::kOver);
  EXPECT_EQ(scale.looks(3000, kSlow), "0 0");
}

// Nothing is kept: who is over gives one step after the other again.
TEST(LoadSpill, ARestartBeginsWithNothing) {
  Scale first(port(kActive, near_and_far()));
  EXPECT_EQ(first.looks(4, {.active = 100}), "40 0");
  Scale second(first.spill().port());
  EXPECT_EQ(second.given(), "0 0");
  EXPECT_EQ(second.looks(4, {.active = 100}), "40 0");
}

TEST(LoadSpill, WithoutANextTierNothingIsGiven) {
  Scale scale(port(kActive, {tier(100, 0, 10, Zone::kOwn)}));
  EXPECT_EQ(scale.looks(5, {.active = 100}), "0");
  EXPECT_TRUE(scale.steps().empty());
  EXPECT_TRUE(scale.spill().state(0).overloaded());
}

TEST(LoadSpill, ATierWithoutLoadGivesNothing) {
  Scale scale(port(kActive, {tier(0, 0, 10, Zone::kOwn), tier(100, 10, 20, Zone::kOther)}));
  EXPECT_EQ(scale.looks(3, {.active = 100}), "0 0");
}

TEST(LoadSpill, NothingGoesToATierThatIsOverItself) {
  Scale scale(port(kActive, near_and_far()));
  EXPECT_EQ(scale.look({{21}, {20}}), "10 0");
  EXPECT_EQ(scale.look({{21}, {21}}), "10 0");
  EXPECT_EQ(scale.look({{21}, {20}}), "20 0");
}

// The middle one is over for what it is given: it hands that on before the first gives more.
TEST(LoadSpill, OneTierAfterTheOther) {
  Scale scale(port(kActive, {tier(100, 0, 10, Zone::kOwn), tier(0, 10, 20, Zone::kOther),
                             tier(0, 20, 30, Zone::kOther)}));
  EXPECT_EQ(scale.look({{21}, {0}, {0}}), "10 0 0");
  EXPECT_EQ(scale.look({{21}, {21}, {0}}), "10 10 0");
  EXPECT_EQ(scale.look({{21}, {16}, {0}}), "20 10 0");
}

// Own node, own zone, other zones: only what goes to the last counts, and a tier keeps one step.
TEST(LoadSpill, TheBoundIsOfWhatLeavesTheZone) {
  const policy::LoadSpillSpec spec{.max_active_permille = 2000, .max_share_percent = 10};
  Scale scale(port(spec, {tier(100, 0, 10, Zone::kOwn), tier(0, 10, 20, Zone::kOwn),
                          tier(0, 20, 30, Zone::kOther)}));
  for (int i = 0; i < 20; ++i) scale.look({{21}, {0}, {0}});
  EXPECT_EQ(scale.given(), "90 0 0");
  for (int i = 0; i < 20; ++i) scale.look({{0}, {21}, {0}});
  const auto given = scale.spill().given();
  const std::vector<policy::TierLoad> loads = {{.percent = 100}, {}, {.leaves_zone = true}};
  EXPECT_EQ(policy::loads_after(loads, given, 10)[2], 10u);
}

struct Change {
  const char* what;
  Tiers tiers;
  std::string given;  // "30 0" before
};

TEST(LoadSpill, TiersThatChangeMeanwhile) {
  const std::vector<Change> changes = {
      {"nothing", near_and_far(), "30 0"},
      {"a nearer one comes",
       {tier(100, 30, 31, Zone::kOwn), tier(0, 0, 10, Zone::kOwn), tier(0, 10, 20, Zone::kOther)},
       "0 30 0"},
      {"a farther one comes",
       {tier(100, 0, 10, Zone::kOwn), tier(0, 10, 20, Zone::kOther), tier(0, 30, 40, Zone::kOther)},
       "30 0 0"},
      {"some endpoints go, others come",
       {tier(100, 9, 10, Zone::kOwn), tier(0, 10, 40, Zone::kOther)},
       "30 0"},
      {"one endpoint changes sides",
       {tier(100, 0, 9, Zone::kOwn), tier(0, 9, 20, Zone::kOther)},
       "30 0"},
      {"all others", {tier(100, 30, 40, Zone::kOwn), tier(0, 10, 20, Zone::kOther)}, "0 0"},
      {"the last one goes", {tier(100, 0, 10, Zone::kOwn)}, "0"},
      {"all go", {}, ""},
  };
  for (const Change& change : changes) {
    Scale scale(port(kActive, near_and_far()));
    ASSERT_EQ(scale.looks(3, {.active = 100}), "30 0");
    scale.spill().configure(port(kActive, change.tiers));
    EXPECT_EQ(scale.given(), change.given) << change.what;
  }
}

TEST(LoadSpill, AnotherSpecHoldsFromNowOn) {
  Scale scale(port(kActive, near_and_far()));
  ASSERT_EQ(scale.looks(5, {.active = 100}), "50 0");
  policy::LoadSpillSpec other = kActive;
  other.max_active_permille = 100'000;
  scale.spill().configure(port(other, near_and_far()));
  EXPECT_EQ(scale.looks(15, {.active = 100}), "0 0");
}

TEST(LoadSpill, AStepSaysWhy) {
  Scale scale(port(kActive, near_and_far()));
  scale.look({{.active = 31}});
  ASSERT_EQ(scale.steps().size(), 1u);
  const LoadStep& step = scale.steps()[0];
  EXPECT_EQ(to_text(step.why), "active_per_capacity 3.1, limit 2");
  EXPECT_EQ(step.given_percent, 10u);
  EXPECT_FALSE(step.back());
  EXPECT_EQ(scale.spill().state(0).history.size(), 1u);
  Scale slow(port(kTime, near_and_far()));
  slow.looks(3, kUsual);
  slow.look({kSlow});
  ASSERT_EQ(slow.steps().size(), 1u);
  EXPECT_EQ(to_text(slow.steps()[0].why), "connect_time_ms 4, limit 3");
}

}  // namespace
}  // namespace vicinity::testing
