// A detector with hosts 0..n-1 and a clock that tests turn.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "health/detector.h"

namespace vicinity::testing {

inline health::Host host(uint32_t number) {
  model::IpAddress address;
  address.family = model::Family::kIpv4;
  address.bytes = {10, 0, static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)};
  return {.address = address, .port = 80};
}

class Ward {
 public:
  Ward(const policy::OutlierSpec& spec, uint32_t hosts) : detector_(spec, now_) {
    set_hosts(0, hosts);
  }

  // Hosts `first` to `last` - 1.
  void set_hosts(uint32_t first, uint32_t last) {
    std::vector<health::Host> hosts;
    for (uint32_t i = first; i < last; ++i) hosts.push_back(host(i));
    detector_.set_hosts(hosts);
  }
  std::optional<health::Event> observe(size_t index, const health::Outcomes& outcomes) {
    return detector_.observe(index, outcomes, moment());
  }
  std::optional<health::Event> fail(size_t index, uint32_t times) {
    return observe(index, {.failed = times, .failed_in_row = times});
  }
  bool ejects(size_t index, const health::Outcomes& outcomes) {
    const auto event = observe(index, outcomes);
    return event && event->verdict == health::Verdict::kEjected;
  }
  // Looks at every interval until `span` is over.
  std::vector<health::Event> pass(absl::Duration span) {
    std::vector<health::Event> all;
    const absl::Time end = now_ + span;
    while (detector_.next_look() <= end) {
      now_ = detector_.next_look();
      for (const auto& event : detector_.look(moment())) all.push_back(event);
    }
    now_ = end;
    return all;
  }
  // The time until the host is back, at interval's steps.
  absl::Duration time_out(size_t index) {
    const absl::Time since = now_;
    while (detector_.ejection(index)) {
      now_ = detector_.next_look();
      (void)detector_.look(moment());
    }
    return now_ - since;
  }

  [[nodiscard]] health::Detector& detector() { return detector_; }
  [[nodiscard]] absl::Time now() const { return now_; }
  void set_random(uint64_t random) { random_ = random; }

 private:
  health::Moment moment() { return {.now = now_, .random = draw_}; }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  uint64_t random_ = 0;
  struct Draw {
    uint64_t* random;
    uint64_t operator()() const { return *random; }
  };
  Draw draw_{&random_};
  health::Detector detector_;
};

}  // namespace vicinity::testing
