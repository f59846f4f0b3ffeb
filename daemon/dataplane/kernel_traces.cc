#include "dataplane/kernel_traces.h"

#include <absl/time/clock.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <cstring>
#include <ctime>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "dataplane/kernel_sockets.h"
#include "dataplane/links.h"
#include "dataplane/memory.h"

namespace vicinity::dataplane {
namespace {

base::UniqueFd own(int fd) { return base::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

absl::Duration monotonic_now() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

Traced::Kind kind_of(uint32_t kind) {
  if (kind == VIC_TRACE_CHOICE) return Traced::Kind::kChoice;
  return kind == VIC_TRACE_ESTABLISHED ? Traced::Kind::kEstablished : Traced::Kind::kFailed;
}

void set_choice(const vic_trace& from, Traced& to) {
  to.verdict = verdict_of(from.result);
  to.transport = from.asked.protocol == IPPROTO_UDP ? Transport::kUdp : Transport::kTcp;
  to.send = (from.flags & VIC_TRACE_SEND) != 0;
  to.mapped = (from.flags & VIC_TRACE_MAPPED) != 0;
  to.asked = socket_end(from.asked);
  if (from.result == VIC_OUTCOME_TRANSLATED) to.chosen = socket_end(from.chosen);
  to.netns_cookie = from.netns_cookie;
  to.pid = from.pid;
  const std::string_view command(std::begin(from.command), std::size(from.command));
  to.command = command.substr(0, command.find('\0'));
}

}  // namespace

void KernelTraces::Free::operator()(ring_buffer* ring) const { ring_buffer__free(ring); }

absl::StatusOr<std::unique_ptr<KernelTraces>> KernelTraces::open(const Object& object,
                                                                 const std::string& cgroup,
                                                                 ConfigOf config) {
  std::unique_ptr<KernelTraces> self(new KernelTraces(cgroup, std::move(config)));
  self->traces_ = own(object.map_fd("vic_traces"));
  self->state_ = own(object.map_fd("vic_trace_state"));
  self->program_ = own(object.program_fd("vic_trace_connects"));
  VIC_ASSIGN_OR_RETURN(self->memory_, MappedMap::map(self->state_.get(), Access::kReadWrite));
  self->ring_.reset(ring_buffer__new(self->traces_.get(), on_trace, self.get(), nullptr));
  if (self->ring_ == nullptr) return base::errno_status("vic_traces: open ring buffer");
  return self;
}

absl::Status KernelTraces::keep_on(absl::Duration time) {
  vic_trace_state& state = memory_.as<vic_trace_state>()[0];
  const auto until = absl::ToInt64Nanoseconds(monotonic_now() + time);
  dataplane::publish(state.until, static_cast<__u64>(until));
  if (!link_.valid()) {
    (void)take();  // what an earlier trace has left
    VIC_RETURN_IF_ERROR(attach());
  }
  // Each time: the tables may have grown into maps of their own since.
  for (vic_config& config : config_()) {
    dataplane::publish(config.flags, config.flags | VIC_CONFIG_TRACE);
  }
  return absl::OkStatus();
}

absl::Status KernelTraces::attach() {
  VIC_ASSIGN_OR_RETURN(link_, attach_unpinned(cgroup_, program_.get(), BPF_CGROUP_SOCK_OPS));
  return absl::OkStatus();
}

void KernelTraces::turn_off() {
  for (vic_config& config : config_()) {
    dataplane::publish(config.flags, config.flags & ~uint32_t{VIC_CONFIG_TRACE});
  }
  dataplane::publish(memory_.as<vic_trace_state>()[0].until, __u64{0});
  link_.reset();
}

std::vector<Traced> KernelTraces::take() {
  boot_ = absl::Now() - monotonic_now();  // lint: wall clock
  ring_buffer__consume(ring_.get());
  return std::exchange(taken_, {});
}

uint64_t KernelTraces::lost() const { return observe(memory_.as<vic_trace_state>()[0].lost); }

std::map<std::string, int> KernelTraces::maps() const {
  return {{"vic_traces", traces_.get()}, {"vic_trace_state", state_.get()}};
}

int KernelTraces::on_trace(void* self, void* data, size_t size) {
  vic_trace trace = {};
  if (size < sizeof(trace)) return 0;
  std::memcpy(&trace, data, sizeof(trace));
  auto& traces = *static_cast<KernelTraces*>(self);
  Traced& told = traces.taken_.emplace_back();
  told.kind = kind_of(trace.kind);
  told.at_ns = trace.at;
  told.at = traces.boot_ + absl::Nanoseconds(trace.at);
  told.cookie = trace.cookie;
  if (told.kind == Traced::Kind::kChoice) set_choice(trace, told);
  if (told.kind == Traced::Kind::kFailed) told.error = static_cast<int>(trace.result);
  return 0;
}

}  // namespace vicinity::dataplane
