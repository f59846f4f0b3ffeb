// The Dataplane of this node's kernel: the BPF object, its pinned maps and links, and everything
// that waits for the kernel. Nothing of it stops working when the daemon ends. Control thread;
// outcomes() and tier_counts() on any.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "dataplane/active_link.h"
#include "dataplane/counters.h"
#include "dataplane/dataplane.h"
#include "dataplane/generation.h"
#include "dataplane/growth.h"
#include "dataplane/hook_events.h"
#include "dataplane/kernel_sockets.h"
#include "dataplane/kernel_traces.h"
#include "dataplane/links.h"
#include "dataplane/pins.h"
#include "dataplane/pods.h"
#include "dataplane/predecessor.h"
#include "dataplane/publisher.h"
#include "dataplane/realms.h"
#include "dataplane/reclaim.h"
#include "dataplane/watch_links.h"

namespace vicinity::dataplane {

enum class UnknownPort : uint8_t { kPass, kRefuse };
enum class Counting : uint8_t { kOff, kOn };
enum class PeerNames : uint8_t { kOff, kUdp, kAll };

struct KernelOptions {
  std::string cgroup;   // a directory of a cgroup2 hierarchy
  std::string pin_dir;  // on a BPF file system
  // What the maps have room for at first; they grow when it is not enough.
  uint32_t max_services = 10000;
  uint32_t max_slots = 100000;  // of each family
  Limits limits;                // how far they may grow
  UnknownPort unknown_port = UnknownPort::kPass;
  Counting counting = Counting::kOn;
  // Sockets whose getpeername() shows the service. With TCP each connect costs a record.
  PeerNames peer_names = PeerNames::kUdp;
  uint32_t abi_version = dataplane::abi_version();
  uint64_t host_netns = 0;  // cookie of the network namespace to leave alone; 0: none
  // Loopback port that connects to VIC_PROBE_ADDRESS, VIC_PROBE_PORT are sent to; 0: none are.
  uint16_t probe_port = 0;
  // Closed by sockets()->close(). With TCP each connect costs a record.
  Terminate terminate = Terminate::kNone;
};

class KernelDataplane final : public Dataplane {
 public:
  // Takes over what is pinned, or makes it, and attaches, unless another ABI version serves: that
  // goes on until take_over(). Fails, and changes nothing, when another
  // process has it open.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<KernelDataplane>> open(
      const KernelOptions& options);

  [[nodiscard]] compile::Tables read_all() const override { return publisher_->read_all(); }
  void for_each_heading(const TakeHeading& take) const override {
    publisher_->for_each_heading(take);
  }
  [[nodiscard]] std::optional<compile::ServiceTable> read(std::string_view service) const override {
    return publisher_->read(service);
  }
  [[nodiscard]] bool has(std::string_view service) const override {
    return publisher_->services().contains(service);
  }
  [[nodiscard]] bool holds(const compile::ServiceTable& table) const override {
    return publisher_->is_published(table);
  }
  [[nodiscard]] ApplyResult apply(const compile::Diff& diff) override;
  [[nodiscard]] std::optional<NodeContext> load_context() const override;
  absl::Status save_context(const NodeContext& context) override;
  [[nodiscard]] std::vector<StoredEjection> load_ejections() const override;
  absl::Status save_ejections(const std::vector<StoredEjection>& ejections) override;
  [[nodiscard]] absl::Status set_pods(Pods pods) override;
  void renew_lease(absl::Duration lease) override;
  void maintain() override;
  [[nodiscard]] bool has_predecessor() const override { return predecessor_.serves(); }
  [[nodiscard]] absl::Status take_over() override;
  [[nodiscard]] int maintenance_fd() const override { return maintenance_.get(); }
  [[nodiscard]] Outcomes outcomes() const override { return counters_->outcomes(); }
  [[nodiscard]] std::vector<TierCounts> tier_counts() const override {
    return counters_->tier_counts();
  }
  [[nodiscard]] DataplaneStatus status() const override;

  [[nodiscard]] std::span<const ObservedEndpoint> observed() override {
    return publisher_->watches().observe();
  }
  [[nodiscard]] std::vector<SuspicionEvent> take_suspicions() override {
    return std::exchange(suspicions_, {});
  }

  // As long as this object.
  [[nodiscard]] Sockets* sockets() override { return sockets_.get(); }
  [[nodiscard]] Traces* traces() override { return traces_.get(); }

  [[nodiscard]] const Work& work() const { return publisher_->work(); }
  // Descriptor of a hook's program ("connect4"), or of another one by its own name
  // ("vic_set_state"), for measurements; negative: not loaded.
  [[nodiscard]] int program_fd(std::string_view hook) const;

 private:
  KernelDataplane(const KernelOptions& options, base::UniqueFd lock);

  // kernel_open.cc
  [[nodiscard]] absl::Status adopt(const GenerationPin& pin);
  [[nodiscard]] absl::Status start_afresh(uint32_t number);
  [[nodiscard]] absl::Status share(const Generation& generation);
  [[nodiscard]] absl::Status open_generation();
  [[nodiscard]] absl::Status attach();
  void stay_attached();
  void remove_other_generations() const;
  void remove_other_versions() const;
  void set_options() const;

  // kernel_growth.cc
  [[nodiscard]] absl::Status grow(const Sizes& sizes);
  void try_to_grow(const Sizes& sizes);
  void move_counters(Publisher& to);

  [[nodiscard]] absl::Status write_pods();
  void on_first_use(model::Family family, const FrontendKey& key);
  void publish(const compile::Diff& diff, ApplyResult& result);
  [[nodiscard]] absl::Status publish_again(const Unpublished& service, ApplyResult& result);
  void publish_in_larger_maps(const Unpublished& service, ApplyResult& result);
  void retry_pending();
  void count_active_if_needed();
  void watch_if_needed();
  void on_suspicion(const vic_watch_event& event);
  void note_suspicion(const SuspicionEvent& event);
  void end_suspicions();
  [[nodiscard]] Publisher::Environment environment_of(const Generation& generation) const;
  [[nodiscard]] LoadPlan plan(const Sizes& sizes) const;

  KernelOptions options_;
  Pins pins_;
  base::UniqueFd lock_;
  // What all generations have in common; descriptors of its own.
  PinnedMaps shared_;
  MappedMap counter_memory_;
  base::UniqueFd refusals_;  // by counter row; not pinned with the tables
  MappedMap refusal_memory_;
  std::unique_ptr<Counters> counters_;
  std::unique_ptr<Reclaimer> reclaimer_;
  std::unique_ptr<HookEvents> events_;
  std::unique_ptr<KernelSockets> sockets_;
  std::unique_ptr<KernelTraces> traces_;
  std::unique_ptr<PodMap> pod_map_;
  std::unique_ptr<Realms> realms_ = std::make_unique<Realms>();  // publishers point to it
  uint16_t realms_in_pods_ = 0;  // how many namespaces had a realm when the map was written
  std::optional<Pods> pods_;     // unset: what the map said at the start still holds
  base::UniqueFd maintenance_;

  std::unique_ptr<Generation> generation_;
  std::unique_ptr<Publisher> publisher_;
  Links links_;
  Predecessor predecessor_;
  std::string attach_problem_;
  ActiveLink active_link_;
  WatchLinks watch_links_;
  std::vector<SuspicionEvent> suspicions_;  // heard and not yet taken
  uint32_t own_tgid_ = 0;
  std::map<std::string, compile::ServiceTable> pending_;  // refused for want of room
  GrowthRetry growth_retry_;
};

}  // namespace vicinity::dataplane
