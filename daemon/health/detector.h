// Envoy's outlier detector for the endpoints of one service port (semantics section 5): who fails
// is left out for a while, longer each time, and never more than a part of them. The clock, the
// outcomes of connects and chance are arguments. Pure. Source of every rule:
// envoy source/common/upstream/outlier_detection_impl.cc (00c7146).
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/time/time.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "policy/judged.h"
#include "policy/outlier.h"

namespace vicinity::health {

using Host = policy::HostAddress;

// What came of connects to one host since it was looked at last.
struct Outcomes {
  uint32_t established = 0;
  uint32_t failed = 0;  // refused, unreachable
  uint32_t timed_out = 0;
  uint32_t reset_early = 0;  // of the established ones
  // Of `failed` and `timed_out`, those after the last that was established.
  uint32_t failed_in_row = 0;
  [[nodiscard]] uint32_t connects() const { return established + failed + timed_out; }
  auto operator<=>(const Outcomes&) const = default;
};

enum class Cause : uint8_t {
  kConsecutive5xx,
  kConsecutiveGateway,
  kConsecutiveLocalOrigin,
  kSuccessRate,
  kSuccessRateLocalOrigin,
  kFailurePercentage,
  kFailurePercentageLocalOrigin,
};
inline constexpr size_t kCauses = 7;
[[nodiscard]] std::string_view cause_name(Cause cause);  // "consecutive_5xx"

// A host that is left out. Enough to go on with after a restart.
struct Ejection {
  Host host;
  Cause cause = Cause::kConsecutive5xx;
  absl::Time at;
  absl::Time until;         // the first look after this brings it back
  uint32_t multiplier = 1;  // ejections in a row, as Envoy counts them
  bool operator==(const Ejection&) const = default;
};

enum class Verdict : uint8_t {
  kEjected,
  kReturned,
  kSpared,       // by max_ejection_percent
  kNotEnforced,  // by chance, or because the cause is only watched
};
[[nodiscard]] std::string_view verdict_name(Verdict verdict);  // "ejected"

struct Event {
  absl::Time at;
  Host host;
  Verdict verdict = Verdict::kEjected;
  Cause cause = Cause::kConsecutive5xx;     // of kReturned: what it had been ejected for
  absl::Time until = absl::InfinitePast();  // of kEjected
  bool operator==(const Event&) const = default;
};

// When something is judged, and chance: any number, all equally likely.
struct Moment {
  absl::Time now;
  absl::FunctionRef<uint64_t()> random;
};

class Detector {
 public:
  Detector(const policy::OutlierSpec& spec, absl::Time now);

  // Another spec judges from now on; who is ejected stays so until the time it was given.
  void configure(const policy::OutlierSpec& spec);
  // The hosts as they are now, sorted, each once. Known ones keep what is known of them; an ejected
  // one that is not among them is remembered until its time is up, and counts for nothing.
  void set_hosts(std::span<const Host> hosts);
  // After a restart, before the first look.
  void restore(const Ejection& ejection);

  // Takes what came of connects to hosts()[index]; ejects at once when they were the last straw.
  [[nodiscard]] std::optional<Event> observe(size_t index, const Outcomes& outcomes,
                                             const Moment& moment);
  // What Envoy does at each interval: brings back whose time is up, judges by rates, forgets old
  // ejections. Does nothing before the interval is over. Events in the order of the hosts.
  [[nodiscard]] std::vector<Event> look(const Moment& moment);

  [[nodiscard]] const std::vector<Host>& hosts() const { return hosts_; }
  [[nodiscard]] const policy::OutlierSpec& spec() const { return spec_; }
  [[nodiscard]] absl::Time next_look() const { return next_look_; }
  [[nodiscard]] uint32_t ejected() const { return ejected_; }         // of hosts()
  [[nodiscard]] size_t remembered() const { return absent_.size(); }  // ejected, not of hosts()
  // Those of hosts() and those remembered; sorted by host.
  [[nodiscard]] std::vector<Ejection> ejections() const;
  // nullopt: not ejected.
  [[nodiscard]] std::optional<Ejection> ejection(size_t index) const;

 private:
  // Of one interval.
  struct Rate {
    uint32_t requests = 0;
    uint32_t successes = 0;
    [[nodiscard]] double percent() const { return successes * 100.0 / requests; }
  };
  enum class Origin : uint8_t { kExternal, kLocal };
  struct State {
    uint32_t errors = 0;   // in a row
    uint32_t gateway = 0;  // likewise
    uint32_t local = 0;    // likewise
    Rate external;
    Rate local_rate;
    uint32_t multiplier = 0;
    bool ejected = false;
    Cause cause = Cause::kConsecutive5xx;
    absl::Time ejected_at;
    absl::Time until;
    absl::Time returned_at = absl::InfiniteFuture();  // never was
  };

  void observe_together(State& state, const Outcomes& outcomes) const;
  void observe_split(State& state, const Outcomes& outcomes) const;
  [[nodiscard]] std::optional<Cause> broken_streak(State& state) const;
  [[nodiscard]] Event eject(size_t index, Cause cause, const Moment& moment);
  [[nodiscard]] bool enforced(Cause cause, const Moment& moment) const;
  void bring_back(const Moment& moment, std::vector<Event>& events);
  void judge_rates(Origin origin, const Moment& moment, std::vector<Event>& events);
  void judge_success(Origin origin, const Moment& moment, std::vector<Event>& events);
  void judge_failures(Origin origin, const Moment& moment, std::vector<Event>& events);
  [[nodiscard]] std::vector<size_t> with_volume(Origin origin, uint32_t volume) const;
  void forgive(absl::Time now);
  [[nodiscard]] Ejection ejection_of(const Host& host, const State& state) const;

  policy::OutlierSpec spec_;
  std::vector<Host> hosts_;
  std::vector<State> states_;  // beside hosts_
  std::vector<Ejection> absent_;
  uint32_t ejected_ = 0;
  absl::Time next_look_;
};

}  // namespace vicinity::health
