// What one table does, for people and programs: the plan's tiers and exclusions joined with the
// shares that the compiled table really has. Nothing is worked out here. Pure.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "compile/compile.h"

namespace vicinity::compile {

struct ExplainedEndpoint {
  std::string workload;  // uid
  std::string address;   // "10.244.1.5:5000"
  std::string locality;  // "region/zone/subzone"
  std::string node;
  std::string status;  // "HEALTHY", "UNHEALTHY", or "EJECTED" and used because all are
  uint32_t weight = 1;
  double share_percent = 0;
  auto operator<=>(const ExplainedEndpoint&) const = default;
};

struct ExplainedTier {
  uint32_t priority = 0;
  uint32_t load_percent = 0;
  std::vector<ExplainedEndpoint> endpoints;  // by address
  bool operator==(const ExplainedTier&) const = default;
};

struct ExplainedExclusion {
  std::string workload;
  std::string reason;
  auto operator<=>(const ExplainedExclusion&) const = default;
};

// What is known of an endpoint by what came of connects to it. Filled by whoever observes; one line
// each, of endpoints that something happened to.
struct ExplainedState {
  std::string address;
  std::string state;                // "ejected until 2026-11-24T18:00:30Z"
  std::string reason;               // "consecutive_5xx"
  std::vector<std::string> events;  // oldest first
  auto operator<=>(const ExplainedState&) const = default;
};

struct ExplainedParameter {
  std::string name;
  std::string value;
  auto operator<=>(const ExplainedParameter&) const = default;
};

// A policy that decided, and why it does.
struct ExplainedPolicy {
  std::string document;
  std::string why;
  auto operator<=>(const ExplainedPolicy&) const = default;
};

struct Explanation {
  std::string service;
  uint16_t port = 0;
  std::string family;
  std::string mode;
  std::string algorithm;
  std::vector<ExplainedParameter> parameters;  // of the algorithm; none for plain random
  std::string on_empty;
  std::vector<ExplainedTier> tiers;
  std::vector<ExplainedExclusion> excluded;
  std::vector<ExplainedPolicy>
      policies;                    // most important first; none: the service's own preference
  std::vector<std::string> notes;  // what the table does not show, about its service
  std::string outlier;     // policy::to_text of how endpoints are judged; empty: they are not
  std::string load_spill;  // policy::to_text of when tiers give up load; empty: they never do
  std::vector<ExplainedState> states;  // sorted by address
  bool operator==(const Explanation&) const = default;
};

// Why a service has no table, and which of its addresses and ranges are served to whom, as far as
// it does not go without saying.
[[nodiscard]] std::vector<std::string> service_notes(const model::Snapshot& snapshot,
                                                     model::SymbolId service,
                                                     const CompileOptions& options);

// NotFound: no such service, or it has no such port.
[[nodiscard]] absl::StatusOr<Explanation> explain(const model::Snapshot& snapshot,
                                                  const PlanRequest& request,
                                                  const CompileOptions& options);

[[nodiscard]] base::Json to_json(const Explanation& explanation);
// A heading, then PRIORITY LOCALITY WEIGHT SHARE ENDPOINTS(ip|status), one line per tier and
// locality, then what is excluded and why.
[[nodiscard]] std::string to_table(const Explanation& explanation);
// Only the lines of the tables, of several ports of one service; with more than one, the port comes
// first.
[[nodiscard]] std::string to_endpoints_table(std::span<const Explanation> explanations);

}  // namespace vicinity::compile
