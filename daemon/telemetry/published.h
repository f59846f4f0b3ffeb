// Published: what every thread but control may know of the daemon. Counts and status only, never
// the cluster. The engine builds one on the control thread and stores it in the cell; telemetry
// and admin load it from any thread.
#pragma once

#include <absl/time/time.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/dataplane.h"
#include "telemetry/histogram.h"

namespace vicinity::telemetry {

inline constexpr std::array<std::string_view, 5> kFeedStates{"connecting", "syncing", "in_sync",
                                                             "backoff", "stopped"};

// feed::FeedStatus as telemetry sees it (telemetry does not know the feed's types).
struct FeedInfo {
  std::string state{kFeedStates[0]};  // one of kFeedStates
  std::string source;
  std::string last_error;  // the server's own words where there are any
  std::string last_nonce;  // of the last message
  absl::Time connected_at = absl::InfinitePast();
  absl::Time last_message_at = absl::InfinitePast();
  absl::Time next_attempt_at = absl::InfinitePast();
  uint64_t connects = 0;
  uint64_t disconnects = 0;
  uint64_t messages = 0;
  uint64_t resources = 0;
  uint64_t removals = 0;
  uint64_t nacks = 0;
  uint64_t oversized = 0;
};

struct ContextInfo {
  bool known = false;
  std::string node;
  std::string network;
  std::string cluster;
  std::string region;
  std::string zone;
  std::string subzone;
};

// Something that went wrong with one named object, newest last, the latest kMaxKept of them.
struct Problem {
  static constexpr size_t kMaxKept = 100;
  std::string object;  // resource or service name
  std::string message;
};

// What the engine did since it started.
struct EngineCounts {
  uint64_t services = 0;   // in the model
  uint64_t workloads = 0;  // in the model
  uint64_t names = 0;      // stored once for all that carry them
  uint64_t services_compiled = 0;
  uint64_t services_published = 0;
  uint64_t services_removed = 0;
  uint64_t publishes_refused = 0;
  uint64_t context_changes = 0;
  uint64_t address_conflicts = 0;                 // now
  std::map<std::string, uint64_t> rejected_kind;  // resources rejected since the start, by kind
  Histogram publish_latency;                      // last byte of a message to tables in place
};

// The documents of --policy-dir.
struct PolicyInfo {
  uint64_t documents = 0;  // in force
  uint64_t refused = 0;    // of the latest reading: with errors, or not even nameable
  uint64_t kept = 0;       // in force although the latest reading has no good version of them
  uint64_t warnings = 0;   // of the latest reading
  uint64_t readings = 0;
  std::string error;                  // why the folder could not be read
  std::vector<std::string> findings;  // errors and warnings of the latest reading, bounded
};

struct LeaseInfo {
  absl::Duration length = absl::ZeroDuration();  // zero: tables never expire
  absl::Time renewed_at = absl::InfinitePast();
};

// The network namespaces of this node, but for the host's.
struct PodsInfo {
  std::string problem;       // why they are not looked at; empty: they are
  bool leaves_host = false;  // sockets of process 1's namespace are left alone
  uint64_t namespaces = 0;
  uint64_t known = 0;  // whose pod the feed knows
  uint64_t opted_out = 0;
  uint64_t captured = 0;  // and left alone
};

// Is a connect of this node really translated? See readiness_probe.h.
struct ProbeInfo {
  bool translated = false;
  std::string problem = "not probed yet";  // why not
  bool from_sibling = false;               // made in a cgroup beside the daemon's own
  std::string why_no_sibling;              // otherwise in the daemon's own
};

// Connects by where their endpoints are. Not whole numbers: see traffic.h.
struct PlaceTraffic {
  std::string region;
  std::string zone;
  std::string near;  // to this node: "node", "subzone", "zone", "region", "elsewhere", "unknown"
  double connects = 0;
};
struct ServiceTraffic {
  std::string service;
  uint32_t tier = 0;
  PlaceTraffic place;
};

// Connects refused since the service got its counters.
struct ServiceRefusals {
  std::string service;
  uint64_t connects = 0;
};

// What is known of endpoints by what came of connects to them.
struct HealthInfo {
  std::map<std::string, uint64_t> ejections;  // since the start, by cause; every cause is there
  uint64_t returned = 0;
  uint64_t spared = 0;            // would have been ejected but for max_ejection_percent
  uint64_t judged = 0;            // endpoints, now; one of two services is two
  uint64_t ejected = 0;           // of them, now
  uint64_t saved = 0;             // connects that the hook's second draw kept from a suspect
  uint64_t unobserved = 0;        // connects to judged endpoints that there was no room to count
  uint64_t weighed_tiers = 0;     // that may give up load, now
  uint64_t overloaded_tiers = 0;  // of them: over a limit, or giving something up
  uint64_t load_steps_out = 0;    // since the start
  uint64_t load_steps_back = 0;
};

struct BuildInfo {
  std::string version;
  uint32_t abi_version = 0;
};

struct Published {
  BuildInfo build;
  absl::Time started_at = absl::InfinitePast();
  absl::Time sampled_at = absl::InfinitePast();
  bool in_sync_once = false;  // the feed has been in sync since the start
  ContextInfo context;
  FeedInfo feed;
  EngineCounts engine;
  LeaseInfo lease;
  PolicyInfo policies;
  PodsInfo pods;
  ProbeInfo probe;
  HealthInfo health;
  bool published_once = false;            // tables have been published since the start
  std::vector<std::string> dns_problems;  // "name: why", of names whose last lookup failed
  dataplane::DataplaneStatus dataplane;
  dataplane::Outcomes outcomes;
  bool service_series = true;             // --service-metrics
  std::vector<ServiceTraffic> services;   // sorted
  std::vector<ServiceRefusals> refusals;  // sorted
  std::vector<PlaceTraffic> places;       // sorted; also of services that are gone
  std::vector<Problem> rejected;          // resources that the decoder refused
  std::vector<Problem> refused;           // services the data plane has no room for
  std::vector<std::string> conflicts;     // "10.96.0.10: a/b serves it; c/d does not", bounded
  std::string last_error;                 // of the engine itself
};

// Why this node is not ready, in words, most important first; empty: it is. Ready is who has
// published tables, has its hooks where they are to be, and had a probe connect translated.
[[nodiscard]] std::vector<std::string> unready(const Published& published);

// Never holds a null pointer. Any thread.
class PublishedCell {
 public:
  PublishedCell() : value_(std::make_shared<const Published>()) {}
  PublishedCell(const PublishedCell&) = delete;
  PublishedCell& operator=(const PublishedCell&) = delete;
  ~PublishedCell() = default;

  [[nodiscard]] std::shared_ptr<const Published> load() const { return std::atomic_load(&value_); }
  // REQUIRES: `value` is not null.
  void store(std::shared_ptr<const Published> value) {
    std::atomic_store(&value_, std::move(value));
  }

 private:
  // Not std::atomic<shared_ptr>: libstdc++ 12 unlocks it relaxed after a load, which is a race.
  std::shared_ptr<const Published> value_;
};

// Gives a Published as fresh as can be had now. Any thread; may wait for the control thread.
using StatusSource = std::function<std::shared_ptr<const Published>()>;

}  // namespace vicinity::telemetry
