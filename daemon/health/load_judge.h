// All spill by load of a node: takes what the hooks counted of the endpoints of every port whose
// tiers are weighed, and says what their tiers give up. Pure: the clock is an argument. Control
// thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "health/load_spill.h"
#include "model/given_shares.h"
#include "policy/judged.h"

namespace vicinity::health {

// One endpoint's counts. `established` and `connect_ns` only grow.
struct LoadCounted {
  uint64_t id = 0;  // never another endpoint's
  std::string_view service;
  uint16_t service_port = 0;
  policy::HostAddress host;
  uint64_t active = 0;
  uint64_t established = 0;
  uint64_t connect_ns = 0;
};

// A step of a tier of this port.
struct LoadDecision {
  std::string service;
  uint16_t service_port = 0;
  model::Family family = model::Family::kIpv4;
  LoadStep step;
};

// What is known of one endpoint's tier.
struct HostTier {
  policy::HostAddress host;
  uint32_t priority = 0;
  const WeighedState* state = nullptr;  // until anything changes
};

struct LoadCounts {
  uint64_t steps_out = 0;  // since the start
  uint64_t steps_back = 0;
  uint64_t weighed = 0;     // tiers, now
  uint64_t overloaded = 0;  // of them: over a limit, or giving something up
  bool operator==(const LoadCounts&) const = default;
};

class LoadJudge {
 public:
  // What a service that has no table any more gave up is remembered for so long.
  static constexpr absl::Duration kRemember = absl::Minutes(1);

  // The weighed ports of a service as it was compiled last; none: it is not weighed any more.
  void watch(std::string_view service, std::span<const policy::WeighedPort> ports, absl::Time now);
  // The service has no table any more. It may come back.
  void leave(std::string_view service, absl::Time now);
  [[nodiscard]] bool watches(std::string_view service) const;

  // All endpoints of the services that are watched, in order of id, as they are counted now: a
  // sample of what is open. Best taken more often than anything is looked at.
  void observe(std::span<const LoadCounted> all);
  // Does what is due at intervals.
  [[nodiscard]] std::vector<LoadDecision> look(absl::Time now);
  // When look() has something to do; InfiniteFuture: nothing is weighed.
  [[nodiscard]] absl::Time next_look() const;

  // What the tiers of the service give up; sorted.
  [[nodiscard]] std::vector<model::GivenShare> given(std::string_view service) const;
  // The endpoints of overloaded tiers, and of those that were lately.
  [[nodiscard]] std::vector<HostTier> states(std::string_view service, uint16_t service_port,
                                             model::Family family) const;
  [[nodiscard]] LoadCounts counts() const;

 private:
  struct Last {
    uint64_t id = 0;
    uint64_t established = 0;
    uint64_t connect_ns = 0;
    uint64_t serial = 0;  // of the group, when `tier` was found out
    size_t tier = 0;      // kNoTier: it is in none
  };
  struct Group {
    LoadSpill spill;
    std::vector<std::pair<policy::HostAddress, size_t>> tier_of;  // sorted
    uint64_t serial = 0;                                          // another one with every change
  };
  struct Ward {
    std::vector<Group> groups;
    absl::Time left = absl::InfiniteFuture();  // since when it has no table
  };

  static constexpr size_t kNoTier = SIZE_MAX;

  void configure(const policy::WeighedPort& port, Group& group);
  [[nodiscard]] static Group* group_of(Ward& ward, uint16_t port, model::Family family);
  static void observe_one(const LoadCounted& counted, Ward& ward, Last& last);
  void look_at(const std::string& service, LoadSpill& spill, absl::Time now,
               std::vector<LoadDecision>& decisions);

  std::map<std::string, Ward, std::less<>> wards_;
  std::vector<Last> last_;  // in order of id
  uint64_t serial_ = 0;
  LoadCounts counts_;
};

}  // namespace vicinity::health
