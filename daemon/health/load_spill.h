// The tiers of one service port, and what each gives up of its connections while its endpoints are
// overloaded: one step at an interval while it is over a limit, one step back after some intervals
// well below it. The clock and what was counted are arguments. Pure.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/judged.h"
#include "policy/load_spill.h"

namespace vicinity::health {

// What was seen of endpoints of one tier.
struct TierSeen {
  uint64_t active = 0;       // connections that are open
  uint64_t established = 0;  // since they were seen last
  uint64_t connect_ns = 0;   // of those, summed
};

enum class LoadCause : uint8_t { kActive, kConnectTime };
[[nodiscard]] std::string_view load_cause_name(LoadCause cause);  // "active_per_capacity"

// What a tier was measured at: connections per unit of capacity, or milliseconds.
struct Measure {
  LoadCause cause = LoadCause::kActive;
  double value = 0;
  double limit = 0;
  bool operator==(const Measure&) const = default;
};
[[nodiscard]] std::string to_text(const Measure& measure);  // "active_per_capacity 3.1, limit 2"

// A step: the tier gives `given_percent` of what it has from now on.
struct LoadStep {
  absl::Time at;
  uint32_t priority = 0;
  uint32_t before_percent = 0;
  uint32_t given_percent = 0;
  Measure why;
  [[nodiscard]] bool back() const { return given_percent < before_percent; }
  bool operator==(const LoadStep&) const = default;
};

// Whether a tier carries too much. kUnknown: too few connects to tell.
enum class Weight : uint8_t { kUnder, kBetween, kOver, kUnknown };

// What is known of a tier.
struct WeighedState {
  Weight weight = Weight::kUnknown;
  uint32_t given_percent = 0;
  double baseline_ms = 0;        // 0: not known yet
  std::optional<Measure> worst;  // of the last look that told anything
  std::deque<LoadStep> history;  // oldest first, the last ones
  // It gives something up, or would have to.
  [[nodiscard]] bool overloaded() const { return given_percent > 0 || weight == Weight::kOver; }
};

class LoadSpill {
 public:
  // A step back needs it to be this far below the limit, at the share that it would have then.
  static constexpr double kBackAt = 0.8;
  // ... for so many looks in a row; doubled, up to the second number, each time that going back was
  // wrong.
  static constexpr uint32_t kCalmLooks = 3;
  static constexpr uint32_t kMostCalmLooks = 24;
  // Connects that tell of a tier's connect time. Fewer add up over looks, but not over more than
  // the second number: whoever is not used any more is not overloaded.
  static constexpr uint64_t kSamples = 20;
  static constexpr uint32_t kIdleLooks = 10;
  // Measurements before anything is compared with the baseline.
  static constexpr uint32_t kLearn = 3;
  static constexpr size_t kHistory = 8;

  LoadSpill(const policy::WeighedPort& port, absl::Time now);

  // The port as it was compiled last. A tier goes on as the one with which it shares most
  // endpoints, with none it begins anew.
  void configure(const policy::WeighedPort& port);
  // Adds what some endpoints of a tier have to the sample that is being taken.
  void add(size_t tier, const TierSeen& seen);
  // All endpoints have been added. What is open counts on average over the samples of an interval.
  void end_sample() { ++samples_; }
  // What is due at an interval, else nothing. REQUIRES: a sample since the last look.
  [[nodiscard]] std::vector<LoadStep> look(absl::Time now);

  [[nodiscard]] const policy::WeighedPort& port() const { return port_; }
  [[nodiscard]] absl::Time next_look() const { return next_look_; }
  [[nodiscard]] std::vector<uint32_t> given() const;  // beside the port's tiers
  [[nodiscard]] const WeighedState& state(size_t tier) const { return tiers_[tier].state; }
  [[nodiscard]] uint64_t overloaded() const;  // tiers

 private:
  struct Tier {
    WeighedState state;
    uint64_t active = 0;       // over all samples
    uint64_t established = 0;  // since a measurement
    uint64_t connect_ns = 0;
    uint32_t unknown_looks = 0;
    double baseline_ns = 0;
    uint32_t learned = 0;  // measurements
    uint32_t calm = 0;     // looks in a row
    uint32_t patience = kCalmLooks;
    uint32_t since_back = UINT32_MAX;  // looks since the last step back
  };

  void weigh(size_t tier);
  [[nodiscard]] Weight weigh_active(size_t tier);
  [[nodiscard]] Weight weigh_connect_time(Tier& tier);
  [[nodiscard]] Weight compare_connect_time(Tier& tier, double mean_ns) const;
  [[nodiscard]] bool may_give(size_t tier) const;
  void move(size_t tier, absl::Time now, std::vector<LoadStep>& steps);
  void step(size_t tier, uint32_t given_percent, absl::Time now, std::vector<LoadStep>& steps);
  [[nodiscard]] uint32_t most_given() const { return 100 - port_.spec.step_percent; }

  policy::WeighedPort port_;
  std::vector<Tier> tiers_;  // beside port_.tiers
  uint32_t samples_ = 0;     // since the last look
  absl::Time next_look_;
};

}  // namespace vicinity::health
