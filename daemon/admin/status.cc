#include "admin/status.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vicinity::admin {
namespace {

using telemetry::Published;

constexpr absl::Duration kSampleWait = absl::Milliseconds(500);

double seconds_since_epoch(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return 0;
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

void fill_feed(const Published& from, Feed& to) {
  const telemetry::FeedInfo& feed = from.feed;
  to.set_state(feed.state);
  to.set_source(feed.source);
  to.set_last_error(feed.last_error);
  to.set_in_sync_once(from.in_sync_once);
  to.set_connected_at(seconds_since_epoch(feed.connected_at));
  to.set_last_message_at(seconds_since_epoch(feed.last_message_at));
  to.set_next_attempt_at(seconds_since_epoch(feed.next_attempt_at));
  to.set_connects(feed.connects);
  to.set_disconnects(feed.disconnects);
  to.set_messages(feed.messages);
  to.set_resources(feed.resources);
  to.set_removals(feed.removals);
  to.set_nacks(feed.nacks);
  to.set_oversized(feed.oversized);
}

void fill_context(const telemetry::ContextInfo& from, Context& to) {
  to.set_known(from.known);
  to.set_node(from.node);
  to.set_network(from.network);
  to.set_cluster(from.cluster);
  to.set_region(from.region);
  to.set_zone(from.zone);
  to.set_subzone(from.subzone);
}

void fill_counts(const telemetry::EngineCounts& from, Counts& to) {
  to.set_services(from.services);
  to.set_workloads(from.workloads);
  to.set_services_compiled(from.services_compiled);
  to.set_services_published(from.services_published);
  to.set_services_removed(from.services_removed);
  to.set_publishes_refused(from.publishes_refused);
  to.set_context_changes(from.context_changes);
  to.set_address_conflicts(from.address_conflicts);
  uint64_t rejected = 0;
  for (const auto& [kind, count] : from.rejected_kind) rejected += count;
  to.set_resources_rejected(rejected);
}

void add_usage(std::string_view table, const dataplane::Usage& usage, DataPlane& to) {
  Usage& row = *to.add_usage();
  row.set_table(std::string(table));
  row.set_used(usage.used);
  row.set_capacity(usage.capacity);
}

void fill_data_plane(const dataplane::DataplaneStatus& from, DataPlane& to) {
  to.set_attached(from.attached);
  to.set_cgroup(from.cgroup);
  to.set_attach_problem(from.attach_problem);
  to.set_termination(from.termination);
  to.set_closed_sockets(from.closed_sockets.destroyed);
  to.set_generation(from.generation);
  add_usage("records", from.services, to);
  add_usage("slots4", from.slots4, to);
  add_usage("slots6", from.slots6, to);
  add_usage("frontends4", from.frontends4, to);
  add_usage("frontends6", from.frontends6, to);
  add_usage("counter_rows", from.counter_rows, to);
  add_usage("choice_lines", from.choice_lines, to);
  add_usage("active_endpoints", from.active_endpoints, to);
  to.set_active_connections(from.active_connections);
  to.set_memory_bytes(from.map_bytes);
  to.set_pending_reclaims(from.pending_reclaims);
  to.set_grace_periods(from.grace_periods);
  to.set_pending_services_count(from.pending_services.size());
  for (const std::string& service : from.pending_services) {
    if (to.pending_services_size() == telemetry::Problem::kMaxKept) break;
    to.add_pending_services(service);
  }
  to.set_predecessor_abi(from.predecessor_abi);
  to.set_kernel(from.features.kernel);
  for (const dataplane::Feature& feature : from.features.features) {
    Feature& row = *to.add_features();
    row.set_name(feature.name);
    row.set_present(feature.present);
    row.set_without(feature.without);
  }
}

void fill_readiness(const Published& from, StatusReply& to) {
  for (const std::string& reason : telemetry::unready(from)) to.add_unready(reason);
  Probe& probe = *to.mutable_probe();
  probe.set_translated(from.probe.translated);
  probe.set_problem(from.probe.problem);
  probe.set_from_sibling(from.probe.from_sibling);
  probe.set_why_no_sibling(from.probe.why_no_sibling);
  for (const std::string& problem : from.dns_problems) to.add_dns_problems(problem);
}

void fill_pods(const telemetry::PodsInfo& from, Pods& to) {
  to.set_problem(from.problem);
  to.set_leaves_host(from.leaves_host);
  to.set_namespaces(from.namespaces);
  to.set_known(from.known);
  to.set_opted_out(from.opted_out);
  to.set_captured(from.captured);
}

void fill_outcomes(const dataplane::Outcomes& from, Outcomes& to) {
  to.set_translated(from.translated);
  to.set_not_a_service(from.not_a_service);
  to.set_refused_empty(from.refused_empty);
  to.set_passed_empty(from.passed_empty);
  to.set_passed_passthrough(from.passed_passthrough);
  to.set_unknown_port_passed(from.unknown_port_passed);
  to.set_unknown_port_refused(from.unknown_port_refused);
  to.set_lease_expired(from.lease_expired);
  to.set_own_socket(from.own_socket);
  to.set_internal_error(from.internal_error);
  to.set_unrecorded(from.unrecorded);
  to.set_passed_waypoint(from.passed_waypoint);
  to.set_opted_out(from.opted_out);
  to.set_captured(from.captured);
  to.set_host_network(from.host_network);
  to.set_kernel_socket(from.kernel_socket);
}

void fill_policies(const telemetry::PolicyInfo& from, PolicyStatus& to) {
  to.set_documents(from.documents);
  to.set_refused(from.refused);
  to.set_kept(from.kept);
  to.set_warnings(from.warnings);
  to.set_readings(from.readings);
  to.set_error(from.error);
  for (const std::string& finding : from.findings) to.add_findings(finding);
}

void fill_problem(const telemetry::Problem& from, Problem& to) {
  to.set_object(from.object);
  to.set_message(from.message);
}

void fill_place(const telemetry::PlaceTraffic& from, PlaceTraffic& to) {
  to.set_region(from.region);
  to.set_zone(from.zone);
  to.set_near(from.near);
  to.set_connects(from.connects);
}

}  // namespace

telemetry::StatusSource fresh_status(ControlQueue& queue, const telemetry::PublishedCell& cell) {
  return [&queue, &cell] {
    // An error means that control is busy or stopping: what it published last is the answer.
    (void)queue.run([](ControlView& view) { view.refresh(); }, kSampleWait);
    return cell.load();
  };
}

StatusReply to_reply(const Published& published) {
  StatusReply reply;
  reply.set_version(published.build.version);
  reply.set_abi_version(published.build.abi_version);
  reply.set_started_at(seconds_since_epoch(published.started_at));
  reply.set_sampled_at(seconds_since_epoch(published.sampled_at));
  fill_feed(published, *reply.mutable_feed());
  fill_context(published.context, *reply.mutable_context());
  fill_counts(published.engine, *reply.mutable_counts());
  reply.mutable_lease()->set_length_seconds(absl::ToDoubleSeconds(published.lease.length));
  reply.mutable_lease()->set_renewed_at(seconds_since_epoch(published.lease.renewed_at));
  fill_pods(published.pods, *reply.mutable_pods());
  fill_readiness(published, reply);
  fill_data_plane(published.dataplane, *reply.mutable_data_plane());
  fill_outcomes(published.outcomes, *reply.mutable_outcomes());
  for (const auto& problem : published.rejected) fill_problem(problem, *reply.add_rejected());
  for (const auto& problem : published.refused) fill_problem(problem, *reply.add_refused());
  for (const std::string& conflict : published.conflicts) reply.add_conflicts(conflict);
  fill_policies(published.policies, *reply.mutable_policies());
  reply.set_last_error(published.last_error);
  return reply;
}

TrafficReply to_traffic(const Published& published) {
  TrafficReply reply;
  reply.set_sampled_at(seconds_since_epoch(published.sampled_at));
  for (const telemetry::ServiceTraffic& from : published.services) {
    ServiceTraffic& row = *reply.add_services();
    row.set_service(from.service);
    row.set_tier(from.tier);
    fill_place(from.place, *row.mutable_place());
  }
  for (const auto& place : published.places) fill_place(place, *reply.add_places());
  fill_outcomes(published.outcomes, *reply.mutable_outcomes());
  for (const telemetry::ServiceRefusals& from : published.refusals) {
    ServiceRefusals& row = *reply.add_refusals();
    row.set_service(from.service);
    row.set_connects(from.connects);
  }
  return reply;
}

// What a tier's places have a part of is a whole number together.
FlowsReply to_flows(const Published& published) {
  struct Flow {
    std::vector<double> tiers;
    uint64_t refused = 0;
  };
  std::map<std::string_view, Flow> flows;
  for (const telemetry::ServiceRefusals& from : published.refusals) {
    flows[from.service].refused = from.connects;
  }
  for (const telemetry::ServiceTraffic& from : published.services) {
    auto& tiers = flows[from.service].tiers;
    tiers.resize(std::max<size_t>(tiers.size(), from.tier + size_t{1}));
    tiers[from.tier] += from.place.connects;
  }
  FlowsReply reply;
  for (const auto& [service, counted] : flows) {
    ServiceFlow& flow = *reply.add_services();
    flow.set_service(std::string(service));
    flow.set_refused(counted.refused);
    for (const double connects : counted.tiers)
      flow.add_connects_by_tier(static_cast<uint64_t>(std::llround(connects)));
  }
  return reply;
}

}  // namespace vicinity::admin
