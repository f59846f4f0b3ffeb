// The control path's one stateful piece: takes what a feed delivers into the Snapshot, recompiles
// the services it touched and has the data plane publish what differs. Never blocks, never waits
// for a grace period. Control thread only.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/time/time.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "admin/control_queue.h"
#include "admin/trace_board.h"
#include "adoption.h"
#include "compile/compile.h"
#include "dataplane/dataplane.h"
#include "departures.h"
#include "feed/dns/endpoints.h"
#include "feed/dns/names.h"
#include "feed/feed.h"
#include "judgement.h"
#include "load_watch.h"
#include "model/snapshot.h"
#include "pod_rules.h"
#include "pod_watch.h"
#include "policies.h"
#include "telemetry/log.h"
#include "telemetry/published.h"
#include "traffic.h"
#include "wanted_tables.h"

namespace vicinity {

struct EngineOptions {
  std::string node;
  model::ContextOverride context;
  compile::CompileOptions compile;
  policy::Settings policies;
  absl::Duration locality_wait = absl::Seconds(5);  // --locality-wait
  absl::Duration resync_quiet = absl::Seconds(10);  // --resync-quiet
  absl::Duration lease = absl::Minutes(10);         // --lease; zero = tables never expire
  // The addresses of this node's interfaces; asked for now and then. Unset: none are known.
  std::function<absl::flat_hash_set<model::IpAddress>()> node_addresses;
  // The network namespaces of this node as they were seen last. Unset: they are not looked at, for
  // the reason in `pods.problem`.
  std::function<std::shared_ptr<const NetnsViews>()> namespaces;
  PodRules pod_rules;
  telemetry::PodsInfo pods;           // what does not change while the daemon runs
  feed::dns::Names* names = nullptr;  // outlives the engine; null: host names are not looked up
  std::function<telemetry::ProbeInfo()> probe;  // the last result; unset: nothing is probed
  DepartureOptions departures;
  bool service_series = true;  // --service-metrics
};

class Engine final : public feed::Sink, public admin::ControlView {
 public:
  // Adopts whatever tables and own context the data plane has; changes nothing there yet, not even
  // the lease. `dataplane` and `cell` outlive it. Times are of a clock that does not step.
  Engine(EngineOptions options, dataplane::Dataplane& dataplane, telemetry::PublishedCell& cell,
         absl::Time now);

  // One turn: drains the feed, publishes, does what is due, answers `questions`. Returns when it
  // wants the next turn at the latest.
  [[nodiscard]] absl::Time step(feed::Feed& feed, admin::ControlQueue& questions, absl::Time now);

  // Policies as the folder has them now: recompiles the services that the change concerns.
  void apply(PolicyReading reading);

  // feed::Sink
  model::Symbols& symbols() override { return snapshot_.symbols(); }
  const model::Snapshot& snapshot() const override { return snapshot_; }
  void apply(model::Delta delta) override;
  void reject(feed::ResourceError error) override;
  void message_end(absl::Time received) override;
  void in_sync() override;

  // admin::ControlView
  const compile::CompileOptions& options() const override { return options_.compile; }
  std::optional<compile::ServiceTable> kernel_table(std::string_view service) const override {
    return dataplane_.read(service);
  }
  compile::Tables kernel_tables() const override { return dataplane_.read_all(); }
  void refresh() override;
  admin::ClientPod pod_of(uint64_t netns_cookie) const override;
  dataplane::Traces* traces() override { return dataplane_.traces(); }
  admin::TraceBoard* trace_board() override { return &trace_board_; }
  void add_states(compile::Explanation& explanation) const override {
    judgement_.add_states(explanation);
    load_.add_states(explanation);
  }

 private:
  using Refusals = std::map<std::string, std::string>;  // service -> why
  // Of each kind of trouble one line in this time; the rest is counted.
  static constexpr absl::Duration kRefusalLogInterval = absl::Seconds(10);
  static constexpr absl::Duration kTick = absl::Seconds(1);
  static constexpr absl::Duration kInterfacesInterval = absl::Seconds(5);

  void note_feed(feed::FeedStatus status);
  [[nodiscard]] bool may_publish() const;
  void publish();
  void gather(const std::vector<model::SymbolId>& services, compile::Diff& diff);
  void gather_one(model::SymbolId service, Wanted wanted, compile::Diff& diff);
  [[nodiscard]] bool is_due(model::SymbolId service);
  [[nodiscard]] WantedFrom wanted_from() const {
    return {.snapshot = snapshot_, .options = options_.compile, .dataplane = dataplane_};
  }
  [[nodiscard]] Wanted weighed(model::SymbolId service, Wanted wanted);
  [[nodiscard]] bool wait_for_addresses(model::SymbolId service, compile::ServiceTable& want);
  void watch_adoption();
  void settle(const dataplane::ApplyResult& result);
  void refuse(const std::string& service, const absl::Status& status);
  void save_context();
  void tick();
  void free_unused_names();
  void watch_departures();
  void judge();
  void forget_admitted();
  void look_at_interfaces();
  void treat_pods();
  void take_answers();
  void know_namespaces();
  [[nodiscard]] std::vector<model::SymbolId> services_without_endpoints() const;
  void close_adoption();
  void take_over();
  void retry_failed();
  [[nodiscard]] absl::Time next_turn(const feed::Feed& feed) const;

  EngineOptions options_;
  dataplane::Dataplane& dataplane_;
  telemetry::PublishedCell& cell_;
  model::Snapshot snapshot_;
  Adoption adoption_;
  Policies policies_;
  Judgement judgement_;
  LoadWatch load_;
  std::optional<Departures> departures_;  // when the data plane knows its sockets

  absl::Time now_;
  absl::Time next_tick_;
  absl::Time next_look_at_interfaces_ = absl::InfinitePast();
  absl::Time started_at_;
  absl::Time first_message_at_ = absl::InfiniteFuture();
  bool in_sync_once_ = false;
  bool live_ = false;                    // the first publish has been made
  std::vector<absl::Time> unpublished_;  // messages received and not yet in tables
  feed::FeedStatus feed_status_;
  telemetry::EngineCounts counts_;
  telemetry::LeaseInfo lease_;
  telemetry::PodsInfo pods_info_;
  std::optional<dataplane::Pods> pods_;  // as handed over last
  feed::dns::Endpoints dns_;
  std::shared_ptr<const NetnsViews> namespaces_;
  bool namespaces_known_ = false;
  std::deque<telemetry::Problem> rejected_;
  Refusals refused_;              // for want of room: the data plane keeps the tables and retries
  Refusals unpublishable_;        // no table can hold them, whatever room there is
  std::set<std::string> failed_;  // the kernel said no for another reason: tried again
  telemetry::RateLimit refusal_log_{kRefusalLogInterval};
  telemetry::RateLimit reject_log_{kRefusalLogInterval};
  telemetry::RateLimit feed_log_{kRefusalLogInterval};
  std::string logged_feed_error_;
  std::string last_error_;
  Traffic traffic_;
  admin::TraceBoard trace_board_;
};

}  // namespace vicinity
