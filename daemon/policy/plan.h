// A Plan: which endpoints one (service, port, family) uses, in which order and in which shares.
// Every policy source resolves to this value; nothing downstream knows which source it was. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ip_address.h"
#include "model/workload.h"
#include "policy/algorithm.h"
#include "policy/load_spill.h"
#include "policy/outlier.h"

namespace vicinity::policy {

enum class Mode : uint8_t { kAny, kStrict, kFailover, kPassthrough, kPrioritized, kDistribute };
enum class OnEmpty : uint8_t { kRefuse, kPass };
// Why a plan of Mode::kPassthrough leaves connections alone (= enum vic_pass).
enum class Pass : uint8_t {
  kAsked,     // the service wants it
  kWaypoint,  // its waypoint balances
};
enum class Exclusion : uint8_t {
  kUnhealthy,  // the feed says so
  kEjected,    // connects to it failed
  kNoPort,
  kNoAddress,
  kWrongFamily,
  kUnreachableNetwork,
  kNotMatched,
  kZeroCapacity,
};

// One endpoint that could serve this port over this family; `workload` outlives the plan's use.
struct Endpoint {
  const model::Workload* workload = nullptr;
  model::IpAddress address;
  uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

struct Excluded {
  const model::Workload* workload = nullptr;
  Exclusion reason = Exclusion::kUnhealthy;
  auto operator<=>(const Excluded&) const = default;
};

// An endpoint's place in a tier. Inside the tier it gets share / sum(share).
struct Member {
  uint32_t endpoint = 0;  // index into Plan::endpoints
  uint32_t weight = 1;    // its own weight, as shown to people
  uint64_t share = 1;     // relative; > 0 unless the tier has no load
  auto operator<=>(const Member&) const = default;
};

// Never empty: filtering comes before ranking.
struct Tier {
  uint32_t priority = 0;      // 0 = most preferred; sources may leave gaps (Kuma)
  uint32_t load_percent = 0;  // of new connections; all tiers sum to 100, or to 0 when empty
  std::vector<Member> members;
  bool operator==(const Tier&) const = default;
};

struct Plan {
  Mode mode = Mode::kAny;
  AlgorithmSpec algorithm;
  OnEmpty on_empty = OnEmpty::kRefuse;
  Pass pass = Pass::kAsked;
  std::optional<OutlierSpec> outlier;  // nullopt: nobody judges the endpoints by their connects
  // With the ejected left out nobody would be left: they are used like the others.
  bool ejected_are_used = false;
  std::optional<LoadSpillSpec> load_spill;  // nullopt: no tier gives anything up for its load
  // Beside the tiers, when one gives something up: what they had without that. Otherwise empty.
  std::vector<uint32_t> planned_percents;
  std::vector<Endpoint> endpoints;
  std::vector<Tier> tiers;         // in order of preference
  std::vector<Excluded> excluded;  // sorted by workload uid
  bool operator==(const Plan&) const = default;
};

[[nodiscard]] std::string_view mode_name(Mode mode);              // "failover"
[[nodiscard]] std::string_view on_empty_name(OnEmpty on_empty);   // "refuse"
[[nodiscard]] std::string_view pass_name(Pass pass);              // "waypoint"
[[nodiscard]] std::string_view exclusion_name(Exclusion reason);  // "no_port"

void sort_by_uid(std::vector<Excluded>& excluded);
// Stable text: the plan, its tiers, their endpoints, what is excluded; one line each.
[[nodiscard]] std::string to_text(const Plan& plan);

}  // namespace vicinity::policy
