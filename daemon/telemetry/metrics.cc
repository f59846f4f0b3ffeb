#include "telemetry/metrics.h"

#include <prometheus/text_serializer.h>

#include <array>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "telemetry/families.h"

namespace vicinity::telemetry {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

double seconds_since_epoch(absl::Time time) {
  if (time == absl::InfinitePast()) return 0;
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

void add_identity(Families& out, const Published& p) {
  out.open("build_info", "Version of the daemon and of its kernel tables.", MetricType::Gauge);
  out.add(1, {{"version", p.build.version}, {"abi", std::to_string(p.build.abi_version)}});
  out.gauge("start_time_seconds", "When the daemon started, since the epoch.",
            seconds_since_epoch(p.started_at));
  out.gauge("sample_time_seconds", "When these values were sampled, since the epoch.",
            seconds_since_epoch(p.sampled_at));
  out.open("node_info", "Where this node is, as tables are made for it.", MetricType::Gauge);
  out.add(p.context.known ? 1 : 0, {{"node", p.context.node},
                                    {"network", p.context.network},
                                    {"cluster", p.context.cluster},
                                    {"region", p.context.region},
                                    {"zone", p.context.zone},
                                    {"subzone", p.context.subzone}});
}

void add_feed(Families& out, const Published& p) {
  out.open("feed_state", "1 for the state that the feed is in.", MetricType::Gauge);
  for (const std::string_view state : kFeedStates) {
    out.add(p.feed.state == state ? 1 : 0, {{"state", state}});
  }
  out.open("feed_info", "Where the feed comes from, and its last nonce.", MetricType::Gauge);
  out.add(1, {{"source", p.feed.source}, {"nonce", p.feed.last_nonce}});
  out.gauge("feed_synced", "1 when the feed was in sync since the start.", p.in_sync_once ? 1 : 0);
  out.gauge("feed_last_message_time_seconds", "When the last message came, since the epoch.",
            seconds_since_epoch(p.feed.last_message_at));
  out.counter("feed_connects_total", "Streams opened, or files read.", p.feed.connects);
  out.counter("feed_disconnects_total", "Streams that ended.", p.feed.disconnects);
  out.counter("feed_messages_total", "Messages received.", p.feed.messages);
  out.counter("feed_resources_total", "Resources received.", p.feed.resources);
  out.counter("feed_removals_total", "Removals received.", p.feed.removals);
  out.counter("feed_nacks_total", "Messages answered with an error.", p.feed.nacks);
  out.counter("feed_oversized_messages_total", "Messages over the receive limit.",
              p.feed.oversized);
  out.open("resources_rejected_total", "Resources that could not be used, by kind.",
           MetricType::Counter);
  for (const auto& [kind, count] : p.engine.rejected_kind) {
    out.add(static_cast<double>(count), {{"kind", kind}});
  }
}

void add_engine(Families& out, const Published& p) {
  out.gauge("model_services", "Services known.", static_cast<double>(p.engine.services));
  out.gauge("model_workloads", "Workloads known.", static_cast<double>(p.engine.workloads));
  out.gauge("model_names", "Distinct names stored, those lately gone among them.",
            static_cast<double>(p.engine.names));
  out.gauge("address_conflicts", "Addresses claimed by more than one service.",
            static_cast<double>(p.engine.address_conflicts));
  out.counter("services_compiled_total", "Service tables compiled.", p.engine.services_compiled);
  out.counter("services_published_total", "Service tables written to the kernel.",
              p.engine.services_published);
  out.counter("services_removed_total", "Service tables removed from the kernel.",
              p.engine.services_removed);
  out.counter("publishes_refused_total", "Service tables that the kernel had no room for.",
              p.engine.publishes_refused);
  out.counter("context_changes_total", "Changes of this node's own network, cluster or locality.",
              p.engine.context_changes);
  out.histogram("publish_latency_seconds", "From a message's last byte to its tables in place.",
                p.engine.publish_latency);
  out.gauge("lease_duration_seconds", "How long tables outlive the daemon; 0 = for ever.",
            absl::ToDoubleSeconds(p.lease.length));
  out.gauge("lease_renewal_time_seconds", "When the lease was last renewed, since the epoch.",
            seconds_since_epoch(p.lease.renewed_at));
}

void add_policies(Families& out, const PolicyInfo& policies) {
  out.open("policy_documents", "Policy documents, by what became of them.", MetricType::Gauge);
  out.add(static_cast<double>(policies.documents), {{"state", "in_force"}});
  out.add(static_cast<double>(policies.kept), {{"state", "kept"}});
  out.add(static_cast<double>(policies.refused), {{"state", "refused"}});
  out.gauge("policy_warnings", "Fields of policy documents that are not used.",
            static_cast<double>(policies.warnings));
  out.gauge("policy_folder_readable", "1 when the policy folder could be read the last time.",
            policies.error.empty() ? 1 : 0);
  out.counter("policy_readings_total", "Times that the policy folder was read and had changed.",
              policies.readings);
}

void add_tables(Families& out, const dataplane::DataplaneStatus& status) {
  const std::array<std::pair<std::string_view, dataplane::Usage>, 8> tables{{
      {"active_endpoints", status.active_endpoints},
      {"choice_lines", status.choice_lines},
      {"counter_rows", status.counter_rows},
      {"frontends4", status.frontends4},
      {"frontends6", status.frontends6},
      {"records", status.services},
      {"slots4", status.slots4},
      {"slots6", status.slots6},
  }};
  out.open("table_entries_used", "Entries in use, by kernel table.", MetricType::Gauge);
  for (const auto& [name, usage] : tables) {
    out.add(static_cast<double>(usage.used), {{"table", name}});
  }
  out.open("table_entries_capacity", "Entries there are, by kernel table.", MetricType::Gauge);
  for (const auto& [name, usage] : tables) {
    out.add(static_cast<double>(usage.capacity), {{"table", name}});
  }
  out.gauge("table_generation", "Generation of the kernel tables.", status.generation);
  out.gauge("table_memory_bytes", "Memory of all kernel tables.",
            static_cast<double>(status.map_bytes));
  out.gauge("active_connections", "Open connections counted for least request.",
            static_cast<double>(status.active_connections));
  out.gauge("reclaims_pending", "Entries and blocks that wait for a grace period.",
            static_cast<double>(status.pending_reclaims));
  out.counter("grace_periods_total", "Grace periods waited for.", status.grace_periods);
  out.gauge("services_pending", "Services that wait for room in the kernel.",
            static_cast<double>(status.pending_services.size()));
  out.counter("sockets_closed_total",
              "Connected sockets closed because their endpoint was removed.",
              status.closed_sockets.destroyed);
  out.counter("sockets_not_closed_total", "Such sockets that were not found any more.",
              status.closed_sockets.not_found);
  out.gauge("programs_attached", "1 when the hooks are attached.", status.attached ? 1 : 0);
  out.open("kernel_feature", "1 when the kernel has it.", MetricType::Gauge);
  for (const dataplane::Feature& feature : status.features.features) {
    out.add(feature.present ? 1 : 0, {{"feature", feature.name}});
  }
}

void add_connects(Families& out, const Published& p) {
  const dataplane::Outcomes& o = p.outcomes;
  struct Row {
    std::string_view result;
    std::string_view reason;
    uint64_t count;
  };
  const std::array rows{
      Row{"passed", "captured", o.captured},
      Row{"passed", "empty", o.passed_empty},
      Row{"passed", "host_network", o.host_network},
      Row{"passed", "internal_error", o.internal_error},
      Row{"passed", "unrecorded", o.unrecorded},
      Row{"passed", "kernel_socket", o.kernel_socket},
      Row{"passed", "lease_expired", o.lease_expired},
      Row{"passed", "not_a_service", o.not_a_service},
      Row{"passed", "opted_out", o.opted_out},
      Row{"passed", "own_socket", o.own_socket},
      Row{"passed", "passthrough", o.passed_passthrough},
      Row{"passed", "unknown_port", o.unknown_port_passed},
      Row{"passed", "waypoint", o.passed_waypoint},
      Row{"refused", "empty", o.refused_empty},
      Row{"refused", "unknown_port", o.unknown_port_refused},
      Row{"translated", "", o.translated},
  };
  out.open("connects_total", "Connects seen by the hooks, by what was done and why.",
           MetricType::Counter);
  for (const Row& row : rows) {
    out.add(static_cast<double>(row.count), {{"result", row.result}, {"reason", row.reason}});
  }
}

// Endpoints of one zone, however near in it.
void add_services(Families& out, const Published& p) {
  if (!p.service_series) return;
  std::map<std::tuple<std::string_view, uint32_t, std::string_view>, double> connects;
  for (const ServiceTraffic& row : p.services) {
    connects[{row.service, row.tier, row.place.zone}] += row.place.connects;
  }
  out.open("service_connects_total",
           "Connects sent to an endpoint, by service, tier and the zones of both ends.",
           MetricType::Counter);
  for (const auto& [key, count] : connects) {
    const auto& [service, tier, zone] = key;
    out.add(count, {{"service", service},
                    {"tier", std::to_string(tier)},
                    {"source_zone", p.context.zone},
                    {"destination_zone", zone}});
  }
}

void add_refusals(Families& out, const Published& p) {
  if (!p.service_series) return;
  out.open("service_refused_total", "Connects refused, by service.", MetricType::Counter);
  for (const ServiceRefusals& row : p.refusals) {
    out.add(static_cast<double>(row.connects), {{"service", row.service}});
  }
}

void add_places(Families& out, const Published& p) {
  std::map<std::pair<std::string_view, std::string_view>, double> connects;
  for (const PlaceTraffic& row : p.places) connects[{row.zone, row.near}] += row.connects;
  out.open("zone_connects_total",
           "Connects sent to an endpoint, by the zones of both ends and the nearest level that "
           "they have in common.",
           MetricType::Counter);
  for (const auto& [key, count] : connects) {
    const auto& [zone, near] = key;
    out.add(count, {{"source_zone", p.context.zone}, {"destination_zone", zone}, {"near", near}});
  }
}

void add_programs(Families& out, const dataplane::DataplaneStatus& status) {
  out.open("program_runs_total",
           "Runs of each program, as far as the kernel measures them (bpf_stats_enabled).",
           MetricType::Counter);
  for (const dataplane::ProgramRuns& program : status.programs) {
    out.add(static_cast<double>(program.runs), {{"program", program.name}});
  }
  out.open("program_run_seconds_total", "Time in each program, as far as the kernel measures it.",
           MetricType::Counter);
  for (const dataplane::ProgramRuns& program : status.programs) {
    out.add(absl::ToDoubleSeconds(program.time), {{"program", program.name}});
  }
}

void add_errors(Families& out, const dataplane::DataplaneStatus& status) {
  out.open("hook_errors_total", "Connects and datagrams passed because of an error, by hook.",
           MetricType::Counter);
  for (const dataplane::HookErrors& hook : status.errors) {
    out.add(static_cast<double>(hook.internal_error),
            {{"hook", hook.hook}, {"error", "internal_error"}});
    out.add(static_cast<double>(hook.unrecorded), {{"hook", hook.hook}, {"error", "unrecorded"}});
  }
}

void add_health(Families& out, const HealthInfo& health) {
  out.open("ejections_total", "Endpoints ejected for failed connects, by cause.",
           MetricType::Counter);
  for (const auto& [cause, count] : health.ejections) {
    out.add(static_cast<double>(count), {{"cause", cause}});
  }
  out.counter("ejections_ended_total", "Ejected endpoints that came back.", health.returned);
  out.counter("ejections_spared_total", "Ejections that max_ejection_percent forbade.",
              health.spared);
  out.gauge("judged_endpoints", "Endpoints that are judged by their connects.",
            static_cast<double>(health.judged));
  out.gauge("ejected_endpoints", "Of them, those that are ejected now.",
            static_cast<double>(health.ejected));
  out.gauge("load_spill_tiers", "Tiers that give up connections when they are overloaded.",
            static_cast<double>(health.weighed_tiers));
  out.gauge("overloaded_tiers", "Of them, those that are overloaded now.",
            static_cast<double>(health.overloaded_tiers));
  out.open("load_spill_steps_total", "Steps by which overloaded tiers gave connections up.",
           MetricType::Counter);
  out.add(static_cast<double>(health.load_steps_out), {{"direction", "out"}});
  out.add(static_cast<double>(health.load_steps_back), {{"direction", "back"}});
  out.counter("connects_saved_total", "Connects that a second draw kept from a suspect endpoint.",
              health.saved);
  out.counter("connects_unobserved_total",
              "Connects to judged endpoints that there was no room to count.", health.unobserved);
}

void add_readiness(Families& out, const Published& published) {
  out.gauge("ready", "1 when tables are published, attached and a probe connect was translated.",
            unready(published).empty() ? 1 : 0);
  out.gauge("probe_translated", "1 when the last probe connect was translated.",
            published.probe.translated ? 1 : 0);
  out.gauge("dns_failing_names", "Host names of endpoints whose last lookup failed.",
            static_cast<double>(published.dns_problems.size()));
}

void add_pods(Families& out, const telemetry::PodsInfo& pods) {
  out.open("pods", "Network namespaces of this node, by what is known of them.", MetricType::Gauge);
  out.add(static_cast<double>(pods.namespaces), {{"state", "seen"}});
  out.add(static_cast<double>(pods.known), {{"state", "known"}});
  out.add(static_cast<double>(pods.opted_out), {{"state", "opted_out"}});
  out.add(static_cast<double>(pods.captured), {{"state", "captured"}});
}

}  // namespace

std::vector<MetricFamily> metric_families(const Published& published) {
  Families out;
  add_identity(out, published);
  add_feed(out, published);
  add_engine(out, published);
  add_policies(out, published.policies);
  add_tables(out, published.dataplane);
  add_connects(out, published);
  add_services(out, published);
  add_refusals(out, published);
  add_places(out, published);
  add_errors(out, published.dataplane);
  add_programs(out, published.dataplane);
  add_pods(out, published.pods);
  add_health(out, published.health);
  add_readiness(out, published);
  return out.take();
}

std::string metrics_text(const Published& published) {
  return prometheus::TextSerializer().Serialize(metric_families(published));
}

}  // namespace vicinity::telemetry
