// From the model to what the kernel maps shall hold: eligibility, plan, slots. A table is always
// made whole, from state; nothing is patched. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compile/exclusions.h"
#include "compile/tables.h"
#include "model/place.h"
#include "model/snapshot.h"
#include "policy/book/book.h"
#include "policy/eligibility.h"
#include "policy/judged.h"
#include "policy/plan.h"
#include "policy/wds/rank.h"

namespace vicinity::compile {

// Services with a waypoint have a balancer: it must see their connections first.
enum class WaypointServices : uint8_t { kLeave, kBalance };

struct CompileOptions {
  policy::EligibilityOptions eligibility;
  policy::OnEmpty on_empty = policy::OnEmpty::kRefuse;  // --on-empty
  // Until the feed was in sync once nobody can say that a service is empty: then it passes. Every
  // service without endpoints changes when this does.
  bool feed_was_in_sync = true;
  policy::wds::LeadingNetwork leading_network = policy::wds::LeadingNetwork::kPreferred;
  // Policies beside the services' own preferences; nullptr: none.
  std::shared_ptr<const policy::book::Book> policies;
  WaypointServices waypoint_services = WaypointServices::kLeave;  // --waypoint-services
  // --outlier-default: how services are judged of which no policy says more; nullopt: not at all.
  std::optional<policy::OutlierSpec> outlier_default;
  bool outlier_hook = true;  // --outlier-hook: the hook reacts as the plan's spec says
  Exclusions exclusions;
};

// Who asks, and for what.
struct PlanRequest {
  policy::PortQuery query;
  model::ClientContext client;
};

// What a plan does not say about its table.
struct PortHeader {
  std::string_view service;  // for messages
  uint16_t port = 0;
  model::Family family = model::Family::kIpv4;
  bool had_workload = false;
};

// A table and what it was made of.
struct CompiledPort {
  PortTable table;
  policy::Plan plan;
  std::vector<uint32_t> slot_endpoint;  // beside table.slots: index into plan.endpoints
};

// The plan for one port of a service, also of one without an address here. NotFound: no such
// service, or it has no such port.
[[nodiscard]] absl::StatusOr<policy::Plan> plan_port(const model::Snapshot& snapshot,
                                                     const PlanRequest& request,
                                                     const CompileOptions& options);

// Which policy decides for the port, and why; without a planner it is the service's own preference.
// The documents named are those of options.policies. REQUIRES: the service is known.
[[nodiscard]] policy::Resolution resolve_port(const model::Snapshot& snapshot,
                                              const PlanRequest& request,
                                              const CompileOptions& options);

// Error: more endpoints with load than a table has room for.
[[nodiscard]] absl::StatusOr<CompiledPort> compile_port(policy::Plan plan,
                                                        const PortHeader& header);

struct CompiledService {
  ServiceTable table;
  // In the order of the table's ports: those that are judged, those whose tiers may spill by load.
  std::vector<policy::JudgedPort> judged;
  std::vector<policy::WeighedPort> weighed;
};

// compile_service() with what the table does not say.
[[nodiscard]] absl::StatusOr<std::optional<CompiledService>> compile_judged(
    const model::Snapshot& snapshot, model::SymbolId service, const CompileOptions& options);

// The table of a service for this node; nullopt when the service is gone, owns no address here or
// is excluded.
[[nodiscard]] absl::StatusOr<std::optional<ServiceTable>> compile_service(
    const model::Snapshot& snapshot, model::SymbolId service, const CompileOptions& options);

// Tables of all services; the first error ends it. For offline use and tests.
[[nodiscard]] absl::StatusOr<Tables> compile_all(const model::Snapshot& snapshot,
                                                 const CompileOptions& options);

// The probability with which a draw from the table yields each slot, computed from the thresholds
// that the kernel uses. Sums to 1, or is all zero when nothing carries load.
[[nodiscard]] std::vector<double> slot_shares(const PortTable& table);

}  // namespace vicinity::compile
