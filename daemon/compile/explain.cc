#include "compile/explain.h"

#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <utility>

#include "base/status.h"

namespace vicinity::compile {
namespace {

ExplainedEndpoint explained(const policy::Endpoint& endpoint, const model::Symbols& symbols) {
  const model::Workload& workload = *endpoint.workload;
  const bool healthy = workload.health == model::Health::kHealthy;
  return {.workload = workload.uid,
          .address = model::endpoint_text(endpoint.address, endpoint.port),
          .locality = model::locality_text(workload.place, symbols),
          .node = std::string(symbols.name(workload.place.node)),
          .status = healthy ? "HEALTHY" : "UNHEALTHY",
          .weight = 1,
          .share_percent = 0};
}

// Which tier of the plan each endpoint is in; a table may have merged some.
std::vector<size_t> endpoint_tiers(const policy::Plan& plan) {
  std::vector<size_t> tiers(plan.endpoints.size(), 0);
  for (size_t i = 0; i < plan.tiers.size(); ++i) {
    for (const policy::Member& member : plan.tiers[i].members) tiers[member.endpoint] = i;
  }
  return tiers;
}

void explain_tiers(const CompiledPort& port, const model::Symbols& symbols,
                   std::vector<ExplainedTier>& tiers) {
  for (const policy::Tier& tier : port.plan.tiers) {
    tiers.push_back(
        {.priority = tier.priority, .load_percent = tier.load_percent, .endpoints = {}});
  }
  const std::vector<size_t> tier_of = endpoint_tiers(port.plan);
  const std::vector<double> shares = slot_shares(port.table);
  for (size_t i = 0; i < port.table.slots.size(); ++i) {
    const uint32_t endpoint = port.slot_endpoint[i];
    ExplainedEndpoint one = explained(port.plan.endpoints[endpoint], symbols);
    one.weight = port.table.slots[i].weight;
    one.share_percent = shares[i] * 100;
    tiers[tier_of[endpoint]].endpoints.push_back(std::move(one));
  }
}

// The parameters that the algorithm has, by name.
std::vector<ExplainedParameter> explained_parameters(const policy::AlgorithmSpec& spec) {
  using policy::Algorithm;
  std::vector<ExplainedParameter> parameters;
  const auto add = [&](std::string_view name, std::string value) {
    parameters.push_back({.name = std::string(name), .value = std::move(value)});
  };
  if (spec.kind == Algorithm::kLeastRequest) {
    add("choice_count", fmt::format("{}", spec.choice_count));
    add("active_request_bias", fmt::format("{}", spec.bias_permille / 1000.0));
  }
  if (spec.kind == Algorithm::kMaglev) add("table_size", fmt::format("{}", spec.maglev_size));
  if (spec.kind == Algorithm::kRingHash) {
    add("minimum_ring_size", fmt::format("{}", spec.ring_min));
    add("maximum_ring_size", fmt::format("{}", spec.ring_max));
  }
  if (spec.kind == Algorithm::kMaglev || spec.kind == Algorithm::kRingHash) {
    add("hash_input", std::string(policy::hash_input_name(spec.hash_input)));
  }
  if (spec.affinity_timeout_s > 0) {
    add("affinity_timeout", fmt::format("{}s", spec.affinity_timeout_s));
  }
  return parameters;
}

std::vector<ExplainedPolicy> explained_policies(const model::Snapshot& snapshot,
                                                const PlanRequest& request,
                                                const CompileOptions& options) {
  std::vector<ExplainedPolicy> policies;
  const auto resolution = resolve_port(snapshot, request, options);
  if (resolution.planner == nullptr) return policies;
  for (const policy::Verdict& verdict : resolution.applied) {
    policies.push_back({to_text(verdict.document->id), std::string(verdict.why)});
  }
  return policies;
}

void explain_outlier(const model::Snapshot& snapshot, const policy::PortQuery& query,
                     const policy::Plan& plan, Explanation& result) {
  if (plan.outlier) result.outlier = to_text(*plan.outlier);
  if (!plan.ejected_are_used) return;
  result.notes.emplace_back(
      "connects to all endpoints failed: the ejected are used like the others");
  absl::flat_hash_set<std::string> ejected;
  for (const model::EjectedEndpoint& one : snapshot.ejected(query.service)) {
    if (one.service_port != query.port) continue;
    ejected.insert(model::endpoint_text(one.address, one.port));
  }
  for (ExplainedTier& tier : result.tiers) {
    for (ExplainedEndpoint& endpoint : tier.endpoints) {
      if (ejected.contains(endpoint.address)) endpoint.status = "EJECTED";
    }
  }
}

void explain_load(const policy::Plan& plan, Explanation& result) {
  if (plan.load_spill) result.load_spill = to_text(*plan.load_spill);
  for (size_t i = 0; i < plan.planned_percents.size(); ++i) {
    const policy::Tier& tier = plan.tiers[i];
    if (tier.load_percent == plan.planned_percents[i]) continue;
    result.notes.push_back(fmt::format("tier {} has {}% of connections instead of {}%, by load",
                                       tier.priority, tier.load_percent, plan.planned_percents[i]));
  }
}

}  // namespace

absl::StatusOr<Explanation> explain(const model::Snapshot& snapshot, const PlanRequest& request,
                                    const CompileOptions& options) {
  const policy::PortQuery& query = request.query;
  const std::string_view name = snapshot.symbols().name(query.service);
  VIC_ASSIGN_OR_RETURN(auto plan, plan_port(snapshot, request, options));
  VIC_ASSIGN_OR_RETURN(
      const auto compiled,
      compile_port(std::move(plan), {.service = name,
                                     .port = query.port,
                                     .family = query.family,
                                     .had_workload = snapshot.had_workload(query.service)}));
  const PortTable& table = compiled.table;
  Explanation result{.service = std::string(name),
                     .port = table.port,
                     .family = std::string(model::family_name(table.family)),
                     .mode = std::string(policy::mode_name(table.mode)),
                     .algorithm = std::string(policy::algorithm_name(table.algorithm.kind)),
                     .parameters = explained_parameters(table.algorithm),
                     .on_empty = std::string(policy::on_empty_name(table.on_empty)),
                     .tiers = {},
                     .excluded = {},
                     .policies = explained_policies(snapshot, request, options),
                     .notes = service_notes(snapshot, query.service, options),
                     .outlier = {},
                     .load_spill = {},
                     .states = {}};
  explain_tiers(compiled, snapshot.symbols(), result.tiers);
  explain_outlier(snapshot, query, compiled.plan, result);
  explain_load(compiled.plan, result);
  for (const policy::Excluded& excluded : compiled.plan.excluded) {
    result.excluded.push_back({.workload = excluded.workload->uid,
                               .reason = std::string(policy::exclusion_name(excluded.reason))});
  }
  return result;
}

}  // namespace vicinity::compile
