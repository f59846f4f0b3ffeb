#include "dataplane/kernel_dataplane.h"

#include <absl/time/clock.h>
#include <spdlog/spdlog.h>

#include <ctime>
#include <utility>

#include "base/status.h"
#include "dataplane/context_codec.h"
#include "dataplane/ejection_codec.h"
#include "dataplane/growth.h"
#include "dataplane/program_runs.h"
#include "dataplane/ticks.h"

namespace vicinity::dataplane {
namespace {

// How long the own-socket mark outlives the last renewal: longer than any step of the control loop,
// shorter than it takes to give a process id to somebody else.
constexpr absl::Duration kOwnMark = absl::Seconds(30);
// Kept for take_suspicions().
constexpr size_t kMostSuspicions = 4096;

// The clock of vic_config.
absl::Duration monotonic_now() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

uint64_t nanoseconds(absl::Duration duration) {
  return static_cast<uint64_t>(absl::ToInt64Nanoseconds(duration));
}

}  // namespace

ApplyResult KernelDataplane::apply(const compile::Diff& diff) {
  for (const std::string& name : diff.removals) pending_.erase(name);
  for (const compile::ServiceTable& table : diff.upserts) pending_.erase(table.name);
  try_to_grow(sizes_for(generation_->sizes(), publisher_->demand(diff), options_.limits));
  ApplyResult result;
  publish(diff, result);
  if (realms_->count() != realms_in_pods_) {
    if (const absl::Status status = write_pods(); !status.ok()) {
      spdlog::error("pods: {}", base::message(status));
    }
  }
  count_active_if_needed();
  watch_if_needed();
  return result;
}

void KernelDataplane::publish(const compile::Diff& diff, ApplyResult& result) {
  const uint32_t generation = generation_->number();
  PublishResult outcome = publisher_->apply(diff);
  result.published += outcome.published;
  result.removed += outcome.removed;
  for (const Unpublished& service : outcome.unpublished) {
    // Where the maps have grown for another one meanwhile, there may be room.
    const bool is_outdated = generation_->number() != generation;
    if (is_outdated && publish_again(service, result).ok()) continue;
    publish_in_larger_maps(service, result);
  }
}

absl::Status KernelDataplane::publish_again(const Unpublished& service, ApplyResult& result) {
  const PublishResult again = publisher_->apply({.upserts = {*service.table}, .removals = {}});
  result.published += again.published;
  return again.unpublished.empty() ? absl::OkStatus() : again.unpublished.front().status;
}

// The demand was met, but not by one gap that is large enough; or the limits allow no more.
void KernelDataplane::publish_in_larger_maps(const Unpublished& service, ApplyResult& result) {
  const uint32_t generation = generation_->number();
  try_to_grow(sizes_for(generation_->sizes(), service, options_.limits));
  absl::Status status = service.status;
  if (generation_->number() != generation) status = publish_again(service, result);
  if (status.ok()) return;
  if (absl::IsResourceExhausted(status)) {
    pending_.insert_or_assign(service.table->name, *service.table);
  }
  result.refused.push_back({.service = service.table->name, .status = std::move(status)});
}

void KernelDataplane::retry_pending() {
  if (pending_.empty()) return;
  compile::Diff diff;
  for (auto& [name, table] : std::exchange(pending_, {})) diff.upserts.push_back(std::move(table));
  ApplyResult result;
  publish(diff, result);
  if (result.published > 0) spdlog::info("{} services found room at last", result.published);
}

// A connection that is counted is also counted out: detached is only once all of them have ended.
void KernelDataplane::count_active_if_needed() {
  const bool needed = !publisher_->active_ids().empty();
  if (needed == active_link_.attached()) return;
  const absl::Status status =
      needed ? active_link_.attach(generation_->object()) : active_link_.detach();
  if (!status.ok()) spdlog::error("connections of endpoints: {}", base::message(status));
}

// Likewise, and the first table that is watched is published by programs that can look.
void KernelDataplane::watch_if_needed() {
  const bool needed = !publisher_->watches().empty();
  if (needed == watch_links_.attached()) return;
  if (!needed) return watch_links_.detach();
  const absl::Status status = watch_links_.attach(generation_->object());
  if (!status.ok())
    spdlog::error("what becomes of connections is not seen: {}", base::message(status));
}

void KernelDataplane::on_suspicion(const vic_watch_event& event) {
  const std::optional<uint64_t> endpoint = publisher_->watches().id_of(event.element);
  if (!endpoint || event.suspicion > VIC_RECOVERED_TIME_UP) return;
  const bool suspected = event.suspicion < VIC_RECOVERED_ESTABLISHED;
  note_suspicion(
      {.kind = suspected ? SuspicionEvent::Kind::kSuspected : SuspicionEvent::Kind::kRecovered,
       .cause = static_cast<SuspicionEvent::Cause>(event.suspicion),
       .endpoint = *endpoint,
       .at_ns = event.at,
       .until_ns = event.until});
}

// Whoever does not take them wants none.
void KernelDataplane::note_suspicion(const SuspicionEvent& event) {
  if (suspicions_.size() >= kMostSuspicions) suspicions_.erase(suspicions_.begin());
  suspicions_.push_back(event);
}

void KernelDataplane::end_suspicions() {
  const uint64_t now = nanoseconds(monotonic_now());
  for (const uint64_t endpoint : publisher_->watches().end_suspicions(now)) {
    note_suspicion({.kind = SuspicionEvent::Kind::kRecovered,
                    .cause = SuspicionEvent::Cause::kTimeUp,
                    .endpoint = endpoint,
                    .at_ns = now});
  }
}

std::optional<NodeContext> KernelDataplane::load_context() const {
  return dataplane::load_context(generation_->memory().context[0]);
}

absl::Status KernelDataplane::save_context(const NodeContext& context) {
  return store_context(generation_->memory().context[0], context);
}

std::vector<StoredEjection> KernelDataplane::load_ejections() const {
  return dataplane::load_ejections(generation_->memory().ejections);
}

absl::Status KernelDataplane::save_ejections(const std::vector<StoredEjection>& ejections) {
  return store_ejections(generation_->memory().ejections, ejections);
}

absl::Status KernelDataplane::set_pods(Pods pods) {
  pods_ = std::move(pods);
  return write_pods();
}

// Whatever the hooks shall look for is there before they are told to look.
absl::Status KernelDataplane::write_pods() {
  if (!pods_) return absl::OkStatus();
  const absl::Status status =
      pod_map_->set(*pods_, [this](std::string_view name) { return realms_->find(name); });
  realms_in_pods_ = realms_->count();
  const uint32_t matters = pod_map_->matters() ? VIC_CONFIG_PODS : 0u;
  for (vic_config& config : generation_->memory().config) {
    dataplane::publish(config.flags, (config.flags & ~uint32_t{VIC_CONFIG_PODS}) | matters);
  }
  return status;
}

void KernelDataplane::renew_lease(absl::Duration lease) {
  const absl::Duration now = monotonic_now();
  const bool expires = lease > absl::ZeroDuration();
  const uint64_t lease_until = expires ? nanoseconds(now + lease) : 0;
  const uint64_t self_until = nanoseconds(now + kOwnMark);
  const uint64_t lease_ticks = expires ? ticks_after(generation_->object(), lease) : UINT64_MAX;
  for (vic_config& config : generation_->memory().config) {
    dataplane::publish(config.self_tgid, own_tgid_);
    dataplane::publish(config.self_until, self_until);
    dataplane::publish(config.lease_until, lease_until);
    dataplane::publish(config.lease_ticks, lease_ticks);
  }
  predecessor_.renew(
      {.lease_until = lease_until, .self_until = self_until, .self_tgid = own_tgid_});
  stay_attached();
}

void KernelDataplane::maintain() {
  reclaimer_->drain();
  events_->consume();
  end_suspicions();
  publisher_->reclaim();
  retry_pending();
  count_active_if_needed();
  watch_if_needed();
  counters_->publish_rows();
}

void KernelDataplane::on_first_use(model::Family family, const FrontendKey& key) {
  const std::optional<std::string> service = publisher_->service_at(family, key);
  if (!service || publisher_->counter_row(*service) != 0) return;
  publisher_->set_counter_row(*service, counters_->assign(*service));
}

DataplaneStatus KernelDataplane::status() const {
  const Sizes sizes = generation_->sizes();
  const auto slots = [&](model::Family family) {
    const Sizes::Family& size = sizes.families[index_of(family)];
    const uint64_t limit = options_.limits.slots;
    return Usage{.used = publisher_->slots(family),
                 .capacity = limit != 0 ? limit : size.plain_slots + uint64_t{size.aliased_slots}};
  };
  const auto frontends = [&](model::Family family) {
    return Usage{.used = publisher_->frontends(family).used(),
                 .capacity = publisher_->frontends(family).capacity()};
  };
  DataplaneStatus status;
  status.abi_version = options_.abi_version;
  status.generation = generation_->number();
  status.services = {.used = publisher_->records().used(),
                     .capacity = publisher_->records().capacity()};
  status.choice_lines = {.used = publisher_->choice_lines(),
                         .capacity = options_.limits.choice_lines != 0
                                         ? options_.limits.choice_lines
                                         : sizes.choice_lines};
  status.active_endpoints = publisher_->active_ids().usage();
  status.active_connections = publisher_->active_ids().total() + publisher_->watches().active();
  status.watched_endpoints = publisher_->watches().usage();
  status.observed = publisher_->watches().totals();
  status.slots4 = slots(model::Family::kIpv4);
  status.slots6 = slots(model::Family::kIpv6);
  status.frontends4 = frontends(model::Family::kIpv4);
  status.frontends6 = frontends(model::Family::kIpv6);
  status.counter_rows = counters_->usage();
  status.pending_reclaims = publisher_->pending_reclaims();
  status.grace_periods = reclaimer_->completed();
  status.map_bytes = generation_->bytes();
  status.attached = links_.attached();
  status.predecessor_abi = predecessor_.version();
  status.attach_problem = attach_problem_;
  status.cgroup = options_.cgroup;
  status.termination = sockets_->termination();
  status.closed_sockets = sockets_->closed();
  for (const auto& [name, table] : pending_) status.pending_services.push_back(name);
  status.features = kernel_features();
  status.errors = read_errors(shared_.at("vic_outcomes").get());
  status.programs = program_runs(generation_->object());
  return status;
}

int KernelDataplane::program_fd(std::string_view hook) const {
  for (const Hook& known : hooks()) {
    if (known.name == hook) return generation_->object().program_fd(known.program);
  }
  return generation_->object().program_fd(hook);
}

}  // namespace vicinity::dataplane
