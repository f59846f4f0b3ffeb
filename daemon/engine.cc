#include "engine.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <utility>

#include "base/status.h"
#include "base/steady_time.h"
#include "report.h"
#include "telemetry/log.h"

namespace vicinity {
namespace {

using telemetry::log_event;
using telemetry::LogLevel;

// Services whose tables are made before any of them is looked at.
constexpr size_t kAtOnce = 512;

dataplane::NodeContext to_node_context(const model::Snapshot& snapshot) {
  const auto& place = snapshot.self().place;
  const auto text = [&](model::SymbolId id) { return std::string(snapshot.symbols().name(id)); };
  return {.network = text(place.network),
          .cluster = text(place.cluster),
          .region = text(place.region),
          .zone = text(place.zone),
          .subzone = text(place.subzone),
          .node = text(place.node)};
}

model::Place to_place(const dataplane::NodeContext& context, model::Symbols& symbols) {
  return {.network = symbols.intern(context.network),
          .cluster = symbols.intern(context.cluster),
          .region = symbols.intern(context.region),
          .zone = symbols.intern(context.zone),
          .subzone = symbols.intern(context.subzone),
          .node = symbols.intern(context.node)};
}

bool has_own_namespace(const compile::ServiceTable& table) {
  return std::ranges::any_of(table.scoped, [](const model::OwnedAddress& one) {
    return one.audience == model::Audience::kOwnNamespace;
  });
}

// Both sorted by whatever; the result has each once.
void add(const std::vector<model::SymbolId>& more, std::vector<model::SymbolId>& services) {
  services.insert(services.end(), more.begin(), more.end());
  std::ranges::sort(services);
  services.erase(std::ranges::unique(services).begin(), services.end());
}

bool had_workload(const compile::ServiceTable& table) {
  return std::ranges::any_of(table.ports, [](const auto& port) { return port.had_workload; });
}

}  // namespace

Engine::Engine(EngineOptions options, dataplane::Dataplane& dataplane,
               telemetry::PublishedCell& cell, absl::Time now)
    : options_(std::move(options)),
      dataplane_(dataplane),
      cell_(cell),
      snapshot_(options_.node, options_.context),
      adoption_(options_.resync_quiet),
      policies_(options_.policies),
      judgement_(dataplane, now),
      load_(dataplane, now),
      now_(now),
      next_tick_(now),
      started_at_(now) {
  bool some_have_own_namespace = false;
  dataplane_.for_each_heading([&](const compile::ServiceTable& table) {
    adoption_.adopt(table);
    if (had_workload(table)) snapshot_.mark_had_workload(symbols().intern(table.name));
    some_have_own_namespace = some_have_own_namespace || has_own_namespace(table);
  });
  if (auto* sockets = dataplane_.sockets(); sockets != nullptr) {
    departures_.emplace(options_.departures, dataplane_, *sockets);
  }
  // Tables of an earlier daemon: its feed was in sync.
  options_.compile.feed_was_in_sync = !adoption_.over() && !dataplane_.has_predecessor();
  if (dataplane_.has_predecessor()) adoption_.wait_for_feed();
  if (const auto context = dataplane_.load_context();
      context.has_value() && context->node == options_.node) {
    snapshot_.restore_self(to_place(*context, symbols()));
  }
  judgement_.restore(snapshot_, now);
  pods_info_ = options_.pods;
  if (some_have_own_namespace) know_namespaces();
  refresh();
}

absl::Time Engine::step(feed::Feed& feed, admin::ControlQueue& questions, absl::Time now) {
  now_ = std::max(now_, now);
  judge();
  // First, so that the feed's sockets are known as our own before it opens any.
  if (now_ >= next_tick_) tick();
  if (options_.namespaces && options_.namespaces() != namespaces_) treat_pods();
  const bool more = feed.process(*this, now_);
  note_feed(feed.status());
  take_answers();
  if (may_publish() && !live_) publish();
  watch_adoption();
  questions.drain(*this);
  return more ? now_ : next_turn(feed);
}

// An error is logged when it is new, not at each attempt, and not more often than a person reads.
void Engine::note_feed(feed::FeedStatus status) {
  if (status.last_error.empty()) {
    logged_feed_error_.clear();
  } else if (status.last_error != logged_feed_error_ && feed_log_.allow(now_)) {
    log_event(LogLevel::kWarn, "feed error",
              {{"source", status.source}, {"error", status.last_error}});
    logged_feed_error_ = status.last_error;
  }
  feed_status_ = std::move(status);
}

void Engine::apply(model::Delta delta) {
  adoption_.mentioned(delta, snapshot_);
  if (options_.names != nullptr && dns_.note(delta, symbols())) {
    options_.names->want(dns_.hostnames());
  }
  snapshot_.apply(std::move(delta));
}

void Engine::apply(PolicyReading reading) {
  const auto concerned = policies_.update(std::move(reading), snapshot_);
  options_.compile.policies = policies_.book();
  // Before the first publish every service is still to be compiled.
  if (concerned.empty() || !live_) return;
  compile::Diff diff;
  gather(concerned, diff);
  if (!diff.empty()) settle(dataplane_.apply(diff));
}

// Answers come when they come: tables do not wait for them.
void Engine::take_answers() {
  if (options_.names == nullptr) return;
  bool changed = false;
  for (const auto& answer : options_.names->take()) {
    model::Delta delta = dns_.answered(answer, snapshot_);
    changed = changed || !delta.empty();
    snapshot_.apply(std::move(delta));
  }
  if (changed && live_) publish();
}

void Engine::reject(feed::ResourceError error) {
  adoption_.refused(error.resource);
  ++counts_.rejected_kind[error.kind];
  if (const auto quiet = reject_log_.allow(now_)) {
    log_event(LogLevel::kWarn, "resource rejected",
              {{"kind", error.kind},
               {"resource", error.resource},
               {"error", error.message},
               {"others_not_logged", std::to_string(*quiet)}});
  }
  rejected_.push_back({.object = std::move(error.resource), .message = std::move(error.message)});
  if (rejected_.size() > telemetry::Problem::kMaxKept) rejected_.pop_front();
}

void Engine::message_end(absl::Time received) {
  adoption_.message(now_);
  first_message_at_ = std::min(first_message_at_, now_);
  unpublished_.push_back(received);
  if (may_publish()) publish();
}

void Engine::in_sync() {
  if (in_sync_once_) return;
  in_sync_once_ = true;
  log_event(LogLevel::kInfo, "feed in sync",
            {{"services", std::to_string(snapshot_.service_count())},
             {"workloads", std::to_string(snapshot_.workload_count())}});
  if (std::exchange(options_.compile.feed_was_in_sync, true) || !live_) return;
  compile::Diff diff;
  gather(services_without_endpoints(), diff);
  if (!diff.empty()) settle(dataplane_.apply(diff));
}

// Only now is it certain that they are empty.
std::vector<model::SymbolId> Engine::services_without_endpoints() const {
  auto keys = snapshot_.service_keys();
  std::erase_if(keys, [&](model::SymbolId key) {
    const auto table = dataplane_.read(snapshot_.symbols().name(key));
    return !table ||
           std::ranges::none_of(table->ports, [](const auto& port) { return port.loaded == 0; });
  });
  return keys;
}

// The first publish waits for this node's own locality: ranking without it would put every endpoint
// into a wrong tier.
bool Engine::may_publish() const {
  if (live_) return true;
  if (first_message_at_ == absl::InfiniteFuture()) return false;
  return snapshot_.self_known() || now_ >= first_message_at_ + options_.locality_wait;
}

void Engine::publish() {
  if (!live_ && !snapshot_.self_known()) {
    log_event(LogLevel::kWarn, "no workload of this node seen: ranking without a locality",
              {{"node", options_.node}, {"waited", absl::FormatDuration(options_.locality_wait)}});
  }
  live_ = true;
  auto changes = snapshot_.take_changes();
  if (changes.context_changed) save_context();
  if (departures_ && !changes.services.empty()) departures_->model_changed();
  if (changes.pods_changed) add(policies_.by_pods(snapshot_), changes.services);
  compile::Diff diff;
  gather(changes.services, diff);
  if (!diff.empty()) settle(dataplane_.apply(diff));
  const absl::Time done = base::steady_now();
  for (const auto received : unpublished_) {
    counts_.publish_latency.observe(std::max(done - received, absl::ZeroDuration()));
  }
  unpublished_.clear();
}

void Engine::gather(const std::vector<model::SymbolId>& services, compile::Diff& diff) {
  std::vector<model::SymbolId> due;
  std::ranges::copy_if(services, std::back_inserter(due),
                       [this](model::SymbolId service) { return is_due(service); });
  for (size_t first = 0; first < due.size(); first += kAtOnce) {
    const auto part = std::span(due).subspan(first, std::min(kAtOnce, due.size() - first));
    std::vector<Wanted> wanted = wanted_tables(wanted_from(), part);
    for (size_t i = 0; i < part.size(); ++i) gather_one(part[i], std::move(wanted[i]), diff);
  }
  std::ranges::sort(diff.upserts, {}, &compile::ServiceTable::name);
  std::ranges::sort(diff.removals);
}

// What is not waits until the adopted tables are given up.
bool Engine::is_due(model::SymbolId service) {
  const std::string_view name = symbols().name(service);
  traffic_.forget_places(name);
  if (adoption_.over() || !adoption_.holds_back(dataplane_.read(name), snapshot_, service)) {
    return true;
  }
  adoption_.defer(service);
  return false;
}

void Engine::gather_one(model::SymbolId service, Wanted wanted, compile::Diff& diff) {
  const std::string name(symbols().name(service));
  ++counts_.services_compiled;
  wanted = weighed(service, std::move(wanted));
  unpublishable_.erase(name);
  if (!wanted.compiled.ok()) return refuse(name, wanted.compiled.status());
  std::optional<compile::CompiledService>& whole = *wanted.compiled;
  if (whole && wait_for_addresses(service, whole->table)) return;
  // A refused table waits inside the data plane: even one equal to what is there must replace it.
  const bool waiting = refused_.erase(name) > 0;
  if (whole) {
    // Of one that waits for addresses something may have been taken.
    const bool is_published =
        adoption_.over() ? wanted.is_published : dataplane_.holds(whole->table);
    if (waiting || !is_published) diff.upserts.push_back(std::move(whole->table));
  } else if (waiting || dataplane_.has(name)) {
    diff.removals.push_back(name);
  }
}

// With other judged endpoints other ones may be ejected, with other tiers others give load up:
// either makes another table.
Wanted Engine::weighed(model::SymbolId service, Wanted wanted) {
  const std::string_view name = symbols().name(service);
  const compile::CompiledService* made = wanted.service();
  if (made != nullptr && judgement_.compiled(name, made->judged, snapshot_)) {
    wanted = wanted_table(wanted_from(), service);
    made = wanted.service();
  }
  if (made != nullptr && load_.compiled(name, made->weighed, snapshot_)) {
    wanted = wanted_table(wanted_from(), service);
  } else if (made == nullptr && wanted.compiled.ok()) {
    judgement_.gone(name);
    load_.gone(name, snapshot_);
  }
  return wanted;
}

// An address of an adopted service that the feed has not mentioned yet is not given to another one.
// True when nothing is left to publish for now.
bool Engine::wait_for_addresses(model::SymbolId service, compile::ServiceTable& want) {
  auto kept = std::erase_if(want.addresses, [&](const model::IpAddress& address) {
    return adoption_.keeps_address(address, want.name, snapshot_);
  });
  kept += std::erase_if(want.scoped, [&](const model::OwnedAddress& address) {
    return adoption_.keeps_scoped(address, want.name, snapshot_);
  });
  if (kept > 0) adoption_.defer(service);
  std::erase_if(want.ports,
                [&](const compile::PortTable& port) { return !want.has_family(port.family); });
  return want.addresses.empty() && want.scoped.empty();
}

void Engine::settle(const dataplane::ApplyResult& result) {
  counts_.services_published += result.published;
  counts_.services_removed += result.removed;
  for (const auto& refusal : result.refused) {
    refuse(refusal.service, refusal.status);
    // The data plane itself retries for want of room; what no table can hold never fits.
    const bool hopeless = absl::IsInvalidArgument(refusal.status);
    if (!hopeless && !absl::IsResourceExhausted(refusal.status)) failed_.insert(refusal.service);
  }
}

void Engine::refuse(const std::string& service, const absl::Status& status) {
  ++counts_.publishes_refused;
  auto& why = (absl::IsResourceExhausted(status) ? refused_ : unpublishable_)[service];
  if (why == status.message()) return;
  why = std::string(status.message());
  last_error_ = why;
  if (const auto quiet = refusal_log_.allow(now_)) {
    log_event(LogLevel::kError, "service not published",
              {{"error", why}, {"others_not_logged", std::to_string(*quiet)}});
  }
}

void Engine::save_context() {
  ++counts_.context_changes;
  const auto context = to_node_context(snapshot_);
  log_event(LogLevel::kInfo, "own context",
            {{"place", model::place_text(snapshot_.self().place, symbols())}});
  if (const auto status = dataplane_.save_context(context); !status.ok()) {
    last_error_ = std::string(status.message());
    log_event(LogLevel::kError, "own context not kept", {{"error", last_error_}});
  }
}

void Engine::tick() {
  next_tick_ = now_ + kTick;
  dataplane_.renew_lease(options_.lease);
  lease_ = {.length = options_.lease, .renewed_at = now_};
  dataplane_.maintain();
  look_at_interfaces();
  treat_pods();
  forget_admitted();
  retry_failed();
  if (adoption_.over()) take_over();
  watch_departures();
  free_unused_names();
  refresh();
}

// Between two messages, when nothing on its way holds a name.
void Engine::free_unused_names() {
  if (snapshot_.symbols().is_sweep_due()) snapshot_.free_unused_symbols(adoption_.deferred());
}

// What an earlier daemon said of the pods holds until the feed has told whose they are.
void Engine::treat_pods() {
  if (!options_.namespaces || !in_sync_once_) return;
  namespaces_ = options_.namespaces();
  dataplane::Pods pods = pods_of(*namespaces_, snapshot_, options_.pod_rules);
  const auto has_owner = [](const auto& entry) { return !entry.second.name_space.empty(); };
  if (std::ranges::any_of(pods, has_owner)) know_namespaces();
  if (pods_ == pods) return;
  pods_info_ = pods_info(pods, options_.pods);
  const absl::Status status = dataplane_.set_pods(pods);
  pods_ = std::move(pods);
  if (status.ok()) return;
  last_error_ = std::string(base::message(status));
  log_event(LogLevel::kError, "not all pods are treated as they should be",
            {{"error", last_error_}});
}

// From the first pod on whose owner is known, clients are told apart by namespace.
void Engine::know_namespaces() {
  if (std::exchange(namespaces_known_, true)) return;
  snapshot_.know_namespaces();
  if (live_) publish();
}

// A DNS cache of the node comes and goes with its address on an interface.
void Engine::look_at_interfaces() {
  if (!options_.node_addresses || now_ < next_look_at_interfaces_) return;
  next_look_at_interfaces_ = now_ + kInterfacesInterval;
  auto addresses = options_.node_addresses();
  auto& known = options_.compile.exclusions.node_addresses;
  if (addresses == known) return;
  known = std::move(addresses);
  if (!live_) return;
  auto affected = snapshot_.service_keys();
  std::erase_if(affected,
                [&](model::SymbolId key) { return !compile::is_cluster_dns(symbols().name(key)); });
  compile::Diff diff;
  gather(affected, diff);
  if (!diff.empty()) settle(dataplane_.apply(diff));
}

// What connects told of endpoints becomes a change of the model like any of the feed.
void Engine::judge() {
  const bool ejections = judgement_.step(snapshot_, now_);
  const bool shares = load_.step(snapshot_, now_);
  if ((ejections || shares) && live_) publish();
}

// An endpoint that the feed has not told of again since the restart is not gone.
void Engine::watch_departures() {
  if (departures_ && live_ && in_sync_once_ && adoption_.over()) departures_->step(snapshot_, now_);
}

// maintain() publishes refused tables once there is room for them.
void Engine::forget_admitted() {
  if (refused_.empty()) return;
  const auto waiting = dataplane_.status().pending_services;
  const std::set<std::string_view> names(waiting.begin(), waiting.end());
  std::erase_if(refused_, [&](const auto& entry) { return !names.contains(entry.first); });
}

absl::Time Engine::next_turn(const feed::Feed& feed) const {
  absl::Time next = std::min({next_tick_, feed.next_deadline(), judgement_.next(), load_.next()});
  if (!live_) next = std::min(next, first_message_at_ + options_.locality_wait);
  if (live_ && !adoption_.over()) next = std::min(next, adoption_.closes_at());
  return next;
}

admin::ClientPod Engine::pod_of(uint64_t netns_cookie) const {
  if (namespaces_ == nullptr) return {};
  const auto view = std::ranges::find(*namespaces_, netns_cookie, &NetnsView::cookie);
  if (view == namespaces_->end()) return {};
  const std::string name = pod_name(*view, snapshot_);
  return {.name = name, .name_space = name.substr(0, name.find('/')), .addresses = view->addresses};
}

void Engine::refresh() {
  const ReportInput input{.snapshot = snapshot_,
                          .dataplane = dataplane_,
                          .feed = feed_status_,
                          .rejected = rejected_,
                          .refused = refused_,
                          .unpublishable = unpublishable_};
  auto report = std::make_shared<telemetry::Published>(make_report(input));
  report->started_at = started_at_;
  report->sampled_at = now_;
  report->in_sync_once = in_sync_once_;
  report->engine = with_model_counts(counts_, snapshot_);
  report->lease = lease_;
  report->policies = policies_.report();
  report->pods = pods_info_;
  report->health = judgement_.report();
  load_.add_report(report->health);
  report->health.saved = report->dataplane.observed.saved;
  report->health.unobserved = report->dataplane.observed.unobserved;
  report->published_once = live_;
  report->dns_problems = dns_.problems();
  const std::vector<dataplane::TierCounts> counts = dataplane_.tier_counts();
  traffic_.account(counts, [this](std::string_view service) {
    return places_of(service, snapshot_, options_.compile);
  });
  report->service_series = options_.service_series;
  report->services = traffic_.by_service();
  report->refusals = refusals_in(counts);
  report->places = traffic_.by_place();
  if (options_.probe) report->probe = options_.probe();
  report->last_error = last_error_;
  cell_.store(std::move(report));
}

}  // namespace vicinity
