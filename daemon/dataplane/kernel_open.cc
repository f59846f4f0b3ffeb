// Opening: taking over what is pinned, or making it.
#include <bpf/bpf.h>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <random>
#include <thread>
#include <utility>

#include "base/status.h"
#include "dataplane/growth.h"
#include "dataplane/kernel_dataplane.h"

namespace vicinity::dataplane {
namespace {

constexpr uint32_t kMostShards = 8;

// enum vic_peer_names of bpf/maps.h.
constexpr uint32_t kUdpPeerNames = 1;
constexpr uint32_t kTcpPeerNames = 2;

uint32_t shards_here() {
  return std::min(kMostShards, std::bit_ceil(std::max(1u, std::thread::hardware_concurrency())));
}

// Nodes that start together do not all begin with the same endpoint.
uint64_t first_turn() { return std::random_device()() & 0xffff; }

absl::Status watch(int epoll, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0) return absl::OkStatus();
  return base::errno_status("maintenance: epoll");
}

// A program that the kernel runs on our behalf sees us as the hooks will, whatever pid namespace we
// are in.
absl::StatusOr<uint32_t> own_tgid(const Object& object) {
  bpf_test_run_opts options = {};
  options.sz = sizeof(options);
  if (bpf_prog_test_run_opts(object.program_fd("vic_who_am_i"), &options) != 0) {
    return base::errno_status("vic_who_am_i: run");
  }
  return options.retval;
}

RecordPlan records_for(const KernelOptions& options) {
  RecordPlan records;
  records.tcp = options.peer_names == PeerNames::kAll || options.terminate == Terminate::kAll;
  records.mptcp = records.tcp && kernel_tells_mptcp();
  if (options.peer_names != PeerNames::kOff) records.peer_names = kUdpPeerNames;
  if (options.peer_names == PeerNames::kAll) records.peer_names |= kTcpPeerNames;
  records.destroy = options.terminate != Terminate::kNone;
  return records;
}

}  // namespace

KernelDataplane::KernelDataplane(const KernelOptions& options, base::UniqueFd lock)
    : options_(options), pins_(options.pin_dir, options.abi_version), lock_(std::move(lock)) {}

absl::StatusOr<std::unique_ptr<KernelDataplane>> KernelDataplane::open(
    const KernelOptions& options) {
  // Asking a kernel takes a while. The one that has our tables was asked when they were made.
  if (Pins(options.pin_dir, options.abi_version).generations().empty()) {
    VIC_RETURN_IF_ERROR(check_needed(kernel_features()));
  }
  VIC_ASSIGN_OR_RETURN(base::UniqueFd lock, Pins(options.pin_dir, options.abi_version).lock());
  std::unique_ptr<KernelDataplane> self(new KernelDataplane(options, std::move(lock)));
  VIC_RETURN_IF_ERROR(self->open_generation());
  VIC_RETURN_IF_ERROR(self->reclaimer_->works());
  VIC_ASSIGN_OR_RETURN(self->own_tgid_, own_tgid(self->generation_->object()));
  self->set_options();
  self->traces_->turn_off();  // an earlier daemon may have ended while somebody watched
  self->predecessor_ = Predecessor::find(self->pins_, options.cgroup);
  if (self->has_predecessor()) {
    spdlog::info("tables of ABI {} serve until ours are complete", self->predecessor_.version());
  } else {
    VIC_RETURN_IF_ERROR(self->take_over());
  }
  self->remove_other_generations();
  return self;
}

// The newest complete generation that can be opened; a half-written one is what a daemon left that
// ended in the middle, and nothing leads to it yet.
absl::Status KernelDataplane::open_generation() {
  const std::vector<GenerationPin> pinned = pins_.generations();
  for (const GenerationPin& pin : pinned) {
    if (!pin.complete) continue;
    const absl::Status status = adopt(pin);
    if (status.ok()) return status;
    spdlog::warn("generation {}: cannot be taken over: {}", pin.number, base::message(status));
  }
  return start_afresh(pinned.empty() ? 1 : pinned.front().number + 1);
}

absl::Status KernelDataplane::adopt(const GenerationPin& pin) {
  VIC_ASSIGN_OR_RETURN(const PinnedMaps maps, Pins::open(pin));
  LoadPlan taken = plan(Sizes{});
  for (const auto& [name, fd] : maps) taken.reuse.emplace(name, fd.get());
  VIC_ASSIGN_OR_RETURN(const MappedTables tables, map_tables(taken.reuse, Access::kReadOnly));
  taken.sizes.watched = static_cast<uint32_t>(tables.memory.watched.size());
  taken.shards = static_cast<uint32_t>(tables.memory.counters.size() / VIC_COUNTER_SHARD);
  if (!std::has_single_bit(taken.shards))
    return base::internal("vic_counters: {} shards", taken.shards);
  VIC_ASSIGN_OR_RETURN(generation_, Generation::open(pin, taken));
  VIC_RETURN_IF_ERROR(share(*generation_));
  publisher_ = std::make_unique<Publisher>(environment_of(*generation_));
  publisher_->adopt();
  return absl::OkStatus();
}

absl::Status KernelDataplane::start_afresh(uint32_t number) {
  const Sizes sizes = first_sizes(options_.max_services, options_.max_slots);
  const LoadPlan fresh = plan(sizes);
  VIC_ASSIGN_OR_RETURN(generation_, Generation::load(number, fresh));
  VIC_RETURN_IF_ERROR(share(*generation_));
  publisher_ = std::make_unique<Publisher>(environment_of(*generation_));
  publisher_->format();
  VIC_RETURN_IF_ERROR(pins_.pin(number, generation_->map_fds()));
  generation_->object().pin(pins_.generation_path(number), fresh);
  return absl::OkStatus();
}

absl::Status KernelDataplane::share(const Generation& generation) {
  shared_.clear();
  for (const auto& [name, fd] : generation.shared_map_fds()) {
    shared_.emplace(name, base::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)));
  }
  VIC_ASSIGN_OR_RETURN(counter_memory_,
                       MappedMap::map(shared_.at("vic_counters").get(), Access::kReadWrite));
  refusals_.reset(::fcntl(generation.object().map_fd("vic_refusals"), F_DUPFD_CLOEXEC, 0));
  VIC_ASSIGN_OR_RETURN(refusal_memory_, MappedMap::map(refusals_.get(), Access::kReadWrite));
  counters_ = std::make_unique<Counters>(Counters::Memory{.counters = counter_memory_.as<__u64>(),
                                                          .refusals = refusal_memory_.as<__u64>()},
                                         shared_.at("vic_outcomes").get());
  pod_map_ = std::make_unique<PodMap>(shared_.at("vic_pods").get());
  realms_->skip(pod_map_->highest_realm());
  VIC_ASSIGN_OR_RETURN(reclaimer_, Reclaimer::start(shared_.at("vic_grace").get()));
  VIC_ASSIGN_OR_RETURN(
      events_, HookEvents::open(
                   shared_.at("vic_events").get(),
                   {.first_use = [this](model::Family family,
                                        const FrontendKey& key) { on_first_use(family, key); },
                    .suspicion = [this](const vic_watch_event& event) { on_suspicion(event); }}));
  VIC_ASSIGN_OR_RETURN(sockets_, KernelSockets::open(generation.object(), options_.terminate));
  VIC_ASSIGN_OR_RETURN(traces_, KernelTraces::open(generation.object(), options_.cgroup, [this] {
                         return generation_->memory().config;
                       }));
  maintenance_.reset(::epoll_create1(EPOLL_CLOEXEC));
  VIC_RETURN_IF_ERROR(watch(maintenance_.get(), reclaimer_->fd()));
  return watch(maintenance_.get(), events_->fd());
}

void KernelDataplane::set_options() const {
  for (vic_config& config : generation_->memory().config) {
    const uint32_t others = config.flags & ~uint32_t{VIC_CONFIG_UNKNOWN_PORT_REFUSE};
    const bool refuse = options_.unknown_port == UnknownPort::kRefuse;
    dataplane::publish(config.flags, others | (refuse ? VIC_CONFIG_UNKNOWN_PORT_REFUSE : 0u));
  }
}

absl::Status KernelDataplane::attach() {
  VIC_ASSIGN_OR_RETURN(links_, Links::attach(options_.cgroup, pins_, generation_->object()));
  active_link_ = ActiveLink(options_.cgroup, pins_);
  VIC_RETURN_IF_ERROR(active_link_.adopt(generation_->object()));
  watch_links_ = WatchLinks(pins_);
  count_active_if_needed();
  watch_if_needed();
  return absl::OkStatus();
}

absl::Status KernelDataplane::take_over() {
  VIC_RETURN_IF_ERROR(attach());
  predecessor_ = {};
  remove_other_versions();
  return absl::OkStatus();
}

void KernelDataplane::remove_other_versions() const {
  for (const VersionPin& version : pins_.other_versions()) {
    if (const absl::Status status = Pins::remove(version); !status.ok()) {
      spdlog::warn("ABI {}: {}", version.number, base::message(status));
    }
  }
}

// A cgroup that was removed and made again has lost its hooks, and the links do not say so.
void KernelDataplane::stay_attached() {
  if (predecessor_.serves() || links_.attached()) return attach_problem_.clear();
  const absl::Status status = attach();
  if (status.ok()) {
    attach_problem_.clear();
    spdlog::warn("cgroup {}: it is another one than before; hooks attached to it", options_.cgroup);
    return;
  }
  if (attach_problem_ != base::message(status)) {
    spdlog::error("hooks are not attached: {}", base::message(status));
  }
  attach_problem_ = base::message(status);
}

void KernelDataplane::remove_other_generations() const {
  for (const GenerationPin& pin : pins_.generations()) {
    if (pin.number == generation_->number()) continue;
    if (const absl::Status status = Pins::remove(pin.path); !status.ok()) {
      spdlog::warn("generation {}: {}", pin.number, base::message(status));
    }
  }
}

Publisher::Environment KernelDataplane::environment_of(const Generation& generation) const {
  return {.memory = generation.memory(),
          .reclaimer = reclaimer_.get(),
          .counters = counters_.get(),
          .limits = options_.limits,
          .realms = realms_.get(),
          .range_maps = {generation.object().map_fd("vic_ranges4"),
                         generation.object().map_fd("vic_ranges6")},
          .first_turn = first_turn()};
}

LoadPlan KernelDataplane::plan(const Sizes& sizes) const {
  LoadPlan plan = {.sizes = sizes,
                   .reuse = {},
                   .shards = shards_here(),
                   .counting = options_.counting == Counting::kOn,
                   .probe_port = options_.probe_port,
                   .host_netns = options_.host_netns,
                   .records = records_for(options_)};
  if (counter_memory_.bytes() != 0) {
    plan.shards = static_cast<uint32_t>(counter_memory_.as<__u64>().size() / VIC_COUNTER_SHARD);
  }
  for (const auto& [name, fd] : shared_) plan.reuse.emplace(name, fd.get());
  if (traces_ != nullptr) plan.reuse.merge(traces_->maps());
  if (refusals_.valid()) plan.reuse.emplace("vic_refusals", refusals_.get());
  if (generation_ != nullptr && generation_->sizes().affinities == sizes.affinities) {
    plan.reuse.emplace("vic_affinities", generation_->object().map_fd("vic_affinities"));
  }
  if (generation_ != nullptr && generation_->sizes().watched == sizes.watched) {
    for (const char* name : {"vic_watched", "vic_notes"}) {
      plan.reuse.emplace(name, generation_->object().map_fd(name));
    }
  }
  return plan;
}

}  // namespace vicinity::dataplane
