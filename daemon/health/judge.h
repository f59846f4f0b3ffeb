// All detectors of a node: which endpoints of which service ports are left out now, and why. Takes
// what the hooks counted, one endpoint at a time; says which services changed. Holds the bounded
// history of each endpoint. Pure: clock and chance are arguments. Control thread.
#pragma once

#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "health/detector.h"
#include "model/ejections.h"
#include "policy/judged.h"

namespace vicinity::health {

// One endpoint's counts, which only grow; they wrap at 32 bits.
struct Counted {
  uint64_t id = 0;  // never another endpoint's
  std::string_view service;
  uint16_t service_port = 0;
  Host host;
  uint32_t established = 0;
  uint32_t failed = 0;  // refused, unreachable
  uint32_t timed_out = 0;
  uint32_t reset_early = 0;
  uint32_t failed_in_row = 0;
};

// An ejection of one service port, as it is kept over restarts.
struct KeptEjection {
  std::string service;
  uint16_t service_port = 0;
  Ejection ejection;
  bool operator==(const KeptEjection&) const = default;
};

// What is known of an endpoint to which something happened.
struct HostState {
  Host host;
  std::optional<Ejection> ejection;  // unset: it is not ejected
  std::vector<Event> history;        // oldest first, the last ones
};

struct JudgeCounts {
  std::array<uint64_t, kCauses> ejections{};  // by cause, since the start
  uint64_t returned = 0;
  uint64_t spared = 0;   // by max_ejection_percent
  uint64_t ejected = 0;  // now; of endpoints that are there
  uint64_t judged = 0;   // endpoints of judged ports
  bool operator==(const JudgeCounts&) const = default;
};

class Judge {
 public:
  static constexpr size_t kHistory = 8;  // events kept of an endpoint

  // The judged ports of a service as it was compiled last; none: nobody of it is judged any more.
  // Says whether its ejections changed by that.
  bool watch(std::string_view service, std::span<const policy::JudgedPort> ports, absl::Time now);
  // The service has no table any more. It may come back while its ejections last.
  void leave(std::string_view service);
  // After a restart, before the service is compiled.
  void restore(const KeptEjection& kept, absl::Time now);

  // Everything that has been counted so far, best in the same order each time. The first time is
  // only where to start from; whoever is new later starts from nothing.
  void observe(std::span<const Counted> all, const Moment& moment);
  // Does what is due at intervals.
  void look(const Moment& moment);
  // Services whose ejections changed since this was asked last; sorted.
  [[nodiscard]] std::vector<std::string> take_changed();

  // When look() has something to do at the latest; InfiniteFuture: nobody is judged.
  [[nodiscard]] absl::Time next_look() const;
  // Sorted; those remembered of endpoints that are not there as well.
  [[nodiscard]] std::vector<model::EjectedEndpoint> ejected(std::string_view service) const;
  [[nodiscard]] std::vector<KeptEjection> ejections() const;
  // Of the endpoints of a port to which anything happened; sorted by host.
  [[nodiscard]] std::vector<HostState> states(std::string_view service,
                                              uint16_t service_port) const;
  [[nodiscard]] JudgeCounts counts() const;

 private:
  struct Group {
    uint16_t port = 0;
    model::Family family = model::Family::kIpv4;
    Detector detector;
    std::map<Host, std::deque<Event>> history;
  };
  struct Ward {
    std::string service;
    std::vector<Group> groups;
    uint64_t serial = 0;  // another one with every change; 0: nobody of it is judged any more
  };
  struct Seen {
    Counted last;  // without its service
    std::shared_ptr<Ward> ward;
    uint64_t serial = 0;  // of the ward, when the following was found out
    size_t group = 0;     // ward->groups.size(): not judged
    size_t index = 0;     // among the group's hosts
  };

  [[nodiscard]] const Ward* find(std::string_view service) const;
  Ward& ward_of(std::string_view service);
  void drop_the_gone();
  void match(std::span<const Counted> all);
  void observe_one(Seen& seen, const Counted& counted, const Moment& moment);
  void locate(Seen& seen, const Counted& counted) const;
  void note(Ward& ward, Group& group, const Event& event);

  std::map<std::string, std::shared_ptr<Ward>, std::less<>> wards_;
  std::vector<Seen> seen_;  // as they were counted last
  bool started_ = false;
  uint64_t serial_ = 0;
  std::set<std::string> changed_;
  JudgeCounts counts_;
};

}  // namespace vicinity::health
