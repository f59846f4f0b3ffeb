// What the engine needs of the kernel side. The real one (kernel_dataplane.h) owns the BPF object,
// its maps, pins and links; tests use a fake. Control thread only, unless said otherwise.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compile/diff.h"
#include "compile/tables.h"
#include "dataplane/features.h"
#include "dataplane/observed.h"
#include "dataplane/pods.h"
#include "dataplane/sockets.h"
#include "dataplane/traces.h"

namespace vicinity::dataplane {

// Outcome of apply() for one service that could not be published. What was there keeps working.
struct Refusal {
  std::string service;
  absl::Status status;  // "service sample/x: publish 12 slots: arena full (65536 of 65536)"
};

struct ApplyResult {
  uint64_t published = 0;  // services whose table was written
  uint64_t removed = 0;
  std::vector<Refusal> refused;
};

// Mirrors struct vic_outcomes, summed over CPUs.
struct Outcomes {
  uint64_t translated = 0;
  uint64_t not_a_service = 0;
  uint64_t refused_empty = 0;
  uint64_t passed_empty = 0;
  uint64_t passed_passthrough = 0;
  uint64_t unknown_port_passed = 0;
  uint64_t unknown_port_refused = 0;
  uint64_t lease_expired = 0;
  uint64_t own_socket = 0;
  uint64_t internal_error = 0;
  uint64_t unrecorded = 0;
  uint64_t passed_waypoint = 0;
  uint64_t opted_out = 0;
  uint64_t captured = 0;
  uint64_t host_network = 0;
  uint64_t kernel_socket = 0;
  bool operator==(const Outcomes&) const = default;
};

// Connections to a service since it got its counter row: those that went somewhere, by tier, and
// those that were refused.
struct TierCounts {
  std::string service;
  std::vector<uint64_t> by_tier;
  uint64_t refused = 0;
  bool operator==(const TierCounts&) const = default;
};

struct Usage {
  uint64_t used = 0;
  uint64_t capacity = 0;
};

// What a hook could not do as it should, since the tables were made.
struct HookErrors {
  std::string_view hook;  // "connect4"
  uint64_t internal_error = 0;
  uint64_t unrecorded = 0;
};

// Of one loaded program; zeros while the kernel does not measure (kernel.bpf_stats_enabled).
struct ProgramRuns {
  std::string_view name;
  uint64_t runs = 0;
  absl::Duration time;
};

// Sizes and health of the kernel side, for status and metrics.
struct DataplaneStatus {
  uint32_t abi_version = 0;  // of the tables that are made
  uint32_t generation = 0;
  Usage services;  // records
  Usage slots4;
  Usage slots6;
  Usage frontends4;
  Usage frontends6;
  Usage counter_rows;
  Usage choice_lines;               // of 64 bytes: tables of the algorithms
  Usage active_endpoints;           // whose connections are counted
  uint64_t active_connections = 0;  // of those endpoints
  Usage watched_endpoints;          // whose failures are seen
  ObservedTotals observed;
  uint64_t pending_reclaims = 0;  // blocks and entries waiting for a grace period
  uint64_t grace_periods = 0;
  uint64_t map_bytes = 0;
  bool attached = false;
  uint32_t predecessor_abi = 0;  // the version that serves until take_over(); 0: ours does
  std::string attach_problem;    // why not, as far as it is known
  std::string cgroup;
  std::string termination;  // Sockets::termination()
  TerminationCounts closed_sockets;
  std::vector<std::string> pending_services;  // waiting for room; retried by maintain()
  Features features;                          // of the kernel
  std::vector<HookErrors> errors;             // by hook
  std::vector<ProgramRuns> programs;          // in the order in which they are attached
};

// Mirrors struct vic_context: where this node is, kept beside the tables.
struct NodeContext {
  std::string network;
  std::string cluster;
  std::string region;
  std::string zone;
  std::string subzone;
  std::string node;
  bool operator==(const NodeContext&) const = default;
};

// Mirrors struct vic_ejection: an endpoint of one port of a service that is left out.
struct StoredEjection {
  std::string service;
  uint16_t service_port = 0;
  model::IpAddress address;
  uint16_t port = 0;
  uint8_t cause = 0;
  uint32_t multiplier = 0;
  absl::Time at;
  absl::Time until;
  bool operator==(const StoredEjection&) const = default;
};

class Dataplane {
 public:
  virtual ~Dataplane() = default;

  // Everything the kernel tables say, e.g. those adopted from an earlier daemon.
  [[nodiscard]] virtual compile::Tables read_all() const = 0;
  // The same without the slots, one after another in no order.
  using TakeHeading = std::function<void(const compile::ServiceTable& heading)>;
  virtual void for_each_heading(const TakeHeading& take) const = 0;
  // The table of one service, from the mapped memory; nullopt: none.
  [[nodiscard]] virtual std::optional<compile::ServiceTable> read(
      std::string_view service) const = 0;

  // read(service) has a value.
  [[nodiscard]] virtual bool has(std::string_view service) const = 0;
  // read(table.name) == table, without making a copy.
  [[nodiscard]] virtual bool holds(const compile::ServiceTable& table) const = 0;

  // Makes the diff true, as a set: an address that moves from one service to another changes hands
  // in one store, with no moment in which nobody has it. A refused service keeps its old table.
  [[nodiscard]] virtual ApplyResult apply(const compile::Diff& diff) = 0;

  // The own context over restarts (map vic_context). A text longer than the ABI allows is an error.
  [[nodiscard]] virtual std::optional<NodeContext> load_context() const = 0;
  virtual absl::Status save_context(const NodeContext& context) = 0;

  // Ejections over restarts (map vic_ejections). What there is no room for is not kept: an error
  // says how many.
  [[nodiscard]] virtual std::vector<StoredEjection> load_ejections() const { return {}; }
  virtual absl::Status save_ejections(const std::vector<StoredEjection>& /*ejections*/) {
    return absl::OkStatus();
  }

  // The network namespaces of this node whose pods are known; the others follow the node's tables.
  [[nodiscard]] virtual absl::Status set_pods(Pods pods) = 0;

  // Renews the lease and the own-socket mark; `lease` zero = tables never expire. Attaches the
  // hooks again where the cgroup has been made anew. Call every second.
  virtual void renew_lease(absl::Duration lease) = 0;
  // Hands back what passed its grace period, gives out counter rows that were asked for, grows into
  // a new generation when needed. Call when maintenance_fd() is readable, and every second.
  virtual void maintain() = 0;
  // True while programs of another ABI version serve from tables of their own: connects see what is
  // applied here only after take_over(). Meanwhile renew_lease() renews theirs too.
  [[nodiscard]] virtual bool has_predecessor() const { return false; }
  // Switches the hooks over, one atomic update each, and removes the other version's tables.
  [[nodiscard]] virtual absl::Status take_over() { return absl::OkStatus(); }
  // Readable when maintain() has something to do; -1 when there is none.
  [[nodiscard]] virtual int maintenance_fd() const = 0;

  // Every watched endpoint and what was seen of it, in order of id. Read from mapped memory,
  // without a system call for each; valid until the next call, apply() or maintain().
  [[nodiscard]] virtual std::span<const ObservedEndpoint> observed() { return {}; }
  // What maintain() heard since the last call, oldest first. Some may be missing: what holds now is
  // in observed().
  [[nodiscard]] virtual std::vector<SuspicionEvent> take_suspicions() { return {}; }

  // The translated sockets, as long as this object; nullptr: nothing is known of them.
  [[nodiscard]] virtual Sockets* sockets() { return nullptr; }
  // What single connects become, as long as this object; nullptr: nobody tells.
  [[nodiscard]] virtual Traces* traces() { return nullptr; }

  // The same counters for both families together. Any thread.
  [[nodiscard]] virtual Outcomes outcomes() const = 0;
  [[nodiscard]] virtual std::vector<TierCounts> tier_counts() const = 0;
  [[nodiscard]] virtual DataplaneStatus status() const = 0;
};

}  // namespace vicinity::dataplane
